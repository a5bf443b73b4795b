/** Exchanges, queues and bindings, and the way of a message through them. */
import { AmqpError } from "../protocol/errors.ts";
import { lookup, type Table } from "../protocol/fields.ts";
import {
  asCompared,
  checkArguments,
  checkStreamArguments,
  comparedArguments,
  type QueueType,
  readSettings,
  withType,
} from "../queues/arguments.ts";
import { MessageQueue } from "../queues/message-queue.ts";
import type { Owner, Queue, QueueIdentity, QueuePorts } from "../queues/queue.ts";
import { Stream } from "../queues/stream.ts";
import { isCycle } from "./deaths.ts";
import { assertSame, assertSameArguments } from "./equivalence.ts";
import { type Binding, checkBinding, Exchange, type ExchangeOptions } from "./exchange.ts";
import type { Memory } from "./memory.ts";
import type { Message } from "./message.ts";

/** The exchange without a name, which gives a message to the queue of its key. */
export const DEFAULT_EXCHANGE = "";

const PREDECLARED = {
  "amq.direct": "direct",
  "amq.fanout": "fanout",
  "amq.headers": "headers",
  "amq.match": "headers",
  "amq.topic": "topic",
  "amq.rabbitmq.trace": "topic",
} as const;

/** Where a client has said that it waits for replies. */
export const REPLY_TO = "amq.rabbitmq.reply-to";
const REPLY_KEY = /^amq\.rabbitmq\.reply-to\.[\w-]{43}$/;

/** What takes a message: a queue, or a client that waits for a reply. */
export type Target = { publish(message: Message): boolean };

export class Vhost {
  readonly name: string;
  readonly exchanges = new Map<string, Exchange>();
  readonly queues = new Map<string, Queue>();
  /** Clients that wait for replies, by the key under which they do. */
  readonly replies = new Map<string, Target>();

  /** What its queues keep is counted there. */
  readonly #memory: Memory;

  constructor(name: string, memory: Memory) {
    this.name = name;
    this.#memory = memory;
    for (const [exchange, type] of Object.entries(PREDECLARED)) {
      const internal = exchange === "amq.rabbitmq.trace";
      const options = { type, durable: true, autoDelete: false, internal, arguments: [] };
      this.exchanges.set(exchange, new Exchange(exchange, options));
    }
  }

  /** As texts name an object. */
  describe(kind: "exchange" | "queue", name: string): string {
    return `${kind} '${name}' in vhost '${this.name}'`;
  }

  /** @throws {AmqpError} 404 */
  exchange(name: string): Exchange {
    const exchange = this.exchanges.get(name);
    if (exchange) return exchange;
    throw new AmqpError("not-found", `no ${this.describe("exchange", name)}`);
  }

  /** @throws {AmqpError} 404 */
  queue(name: string): Queue {
    const queue = this.queues.get(name);
    if (queue) return queue;
    throw new AmqpError("not-found", `no ${this.describe("queue", name)}`);
  }

  /** @throws {AmqpError} 405 for a queue that another connection has for itself. */
  assertAccess(queue: Queue, owner: Owner): void {
    if (queue.owner === null || queue.owner === owner) return;
    throw this.#locked(queue.name);
  }

  /** @throws {AmqpError} 406 where it exists otherwise. */
  declareExchange(name: string, options: ExchangeOptions): void {
    const known = this.exchanges.get(name);
    if (known) {
      known.assertSame(this.name, options);
      return;
    }
    assertNotReserved("exchange", name);
    const alternate = lookup(options.arguments, "alternate-exchange");
    if (alternate && alternate.type !== "longstr") {
      throw this.#wrongType(alternate.type, "alternate-exchange", this.describe("exchange", name));
    }
    this.exchanges.set(name, new Exchange(name, options));
  }

  /** @throws {AmqpError} 403 for RabbitMQ's own, 406 where `ifUnused` and it is a source. */
  deleteExchange(name: string, { ifUnused }: { readonly ifUnused: boolean }): void {
    if (name.startsWith("amq.")) {
      const what = `system ${this.describe("exchange", name)}`;
      throw new AmqpError("access-refused", `deletion of ${what} not allowed`);
    }
    const exchange = this.exchanges.get(name);
    if (!exchange) return;
    if (ifUnused && exchange.isSource) {
      const text = `${this.describe("exchange", name)} in use`;
      throw new AmqpError("precondition-failed", text);
    }
    this.#removeExchange(name);
  }

  /**
   * Declares a queue, or finds that it is there as it is wanted.
   *
   * @throws {AmqpError} 403 for a reserved name, 405 for another's, 406 for what is wrong or differs.
   */
  declareQueue(wanted: QueueIdentity): Queue {
    const what = this.describe("queue", wanted.name);
    const args = withType(wanted.arguments);
    const known = this.queues.get(wanted.name);
    if (known) {
      this.#assertSameQueue(what, known, wanted, args);
      return known;
    }
    const deadLetter = lookup(args, "x-dead-letter-exchange");
    if (deadLetter && deadLetter.type !== "longstr") {
      throw this.#wrongType(deadLetter.type, "x-dead-letter-exchange", what);
    }
    const queue = this.#makeQueue(checkArguments(what, args), { ...wanted, arguments: args });
    this.queues.set(wanted.name, queue);
    return queue;
  }

  /** With its bindings; its consumers are told. */
  removeQueue(queue: Queue): void {
    if (this.queues.get(queue.name) !== queue) return;
    this.queues.delete(queue.name);
    this.#removeBindingsTo("queue", queue.name);
    queue.end();
  }

  /** @throws {AmqpError} 404 for an end that is not there, 406 for arguments that are none. */
  bind(binding: Binding): void {
    const source = this.#ends(binding);
    checkBinding(source, binding.arguments);
    source.bind(binding);
  }

  /** Absent ones are fine. */
  unbind(binding: Binding): void {
    const source = this.exchanges.get(binding.source);
    if (source?.unbind(binding)) this.#afterUnbind(source);
  }

  /** All of them, those of the default exchange aside. */
  get bindings(): readonly Binding[] {
    return [...this.exchanges.values()].flatMap((exchange) => exchange.bindings);
  }

  /** Each target once. */
  route(exchange: string, message: Message): ReadonlySet<Target & { readonly name?: string }> {
    const targets = new Set<Target>();
    if (exchange === DEFAULT_EXCHANGE) {
      for (const key of message.routingKeys) {
        const target = this.queues.get(key) ?? this.replies.get(key) ?? formerReplies(key);
        if (target) targets.add(target);
      }
      return targets;
    }
    const entered = new Set([exchange]);
    // A Set gives what is added while it is walked, too.
    for (const name of entered) this.#routeFrom(name, message, entered, targets);
    return targets;
  }

  #routeFrom(name: string, message: Message, entered: Set<string>, targets: Set<Target>): void {
    const exchange = this.exchanges.get(name);
    if (!exchange) return;
    const taken = exchange.matching(message);
    for (const { destination, destinationKind } of taken) {
      const queue = destinationKind === "queue" ? this.queues.get(destination) : undefined;
      if (queue) targets.add(queue);
      else if (destinationKind === "exchange") entered.add(destination);
    }
    if (taken.length === 0 && exchange.alternate !== undefined) entered.add(exchange.alternate);
  }

  #makeQueue(type: QueueType, identity: QueueIdentity): Queue {
    const what = this.describe("queue", identity.name);
    const where = ` in vhost '${this.name}'`;
    const settings = readSettings(type, identity.arguments);
    if (type !== "classic") assertReplicable(what, identity);
    if (type === "stream") {
      checkStreamArguments(identity.arguments);
      return new Stream(identity, settings, where, this.#memory);
    }
    const ports: QueuePorts = {
      memory: this.#memory,
      publish: (exchange, message, options) => this.#publishDead(exchange, message, options),
      remove: () => this.removeQueue(queue),
    };
    const queue: Queue = new MessageQueue(identity, settings, where, ports);
    return queue;
  }

  #publishDead(
    exchange: string,
    message: Message,
    { dropsCycles }: { readonly dropsCycles: boolean },
  ): ReturnType<QueuePorts["publish"]> {
    if (exchange !== DEFAULT_EXCHANGE && !this.exchanges.has(exchange)) return null;
    const targets = [...this.route(exchange, message)].filter(
      ({ name }) => !(dropsCycles && name !== undefined && isCycle(message, name)),
    );
    const isAccepted = targets.map((target) => target.publish(message)).every(Boolean);
    return { routed: targets.length, isAccepted };
  }

  #assertSameQueue(what: string, known: Queue, wanted: QueueIdentity, args: Table): void {
    if (known.owner !== wanted.owner) throw this.#locked(known.name);
    assertSame(what, "durable", known.durable, wanted.durable);
    assertSame(what, "auto_delete", known.autoDelete, wanted.autoDelete);
    const names = comparedArguments(known.type);
    assertSameArguments(what, names, asCompared(known.arguments), asCompared(args));
  }

  /** The source of a binding whose ends are both there. */
  #ends({ source, destination, destinationKind }: Binding): Exchange {
    const exchange = this.exchange(source);
    if (destinationKind === "queue") this.queue(destination);
    else this.exchange(destination);
    return exchange;
  }

  #removeExchange(name: string): void {
    this.exchanges.delete(name);
    this.#removeBindingsTo("exchange", name);
  }

  #removeBindingsTo(kind: Binding["destinationKind"], name: string): void {
    for (const exchange of [...this.exchanges.values()]) {
      const gone = exchange.bindings.filter(
        ({ destination, destinationKind }) => destinationKind === kind && destination === name,
      );
      for (const binding of gone) exchange.unbind(binding);
      if (gone.length > 0) this.#afterUnbind(exchange);
    }
  }

  #afterUnbind(exchange: Exchange): void {
    if (!exchange.options.autoDelete || exchange.isSource) return;
    if (this.exchanges.get(exchange.name) === exchange) this.#removeExchange(exchange.name);
  }

  #locked(queue: string): AmqpError {
    const what = this.describe("queue", queue);
    return new AmqpError(
      "resource-locked",
      `cannot obtain exclusive access to locked ${what}. It could be originally declared on ` +
        "another connection or the exclusive property value does not match that of the original " +
        "declaration.",
    );
  }

  #wrongType(type: string, argument: string, what: string): AmqpError {
    const text = `invalid type '${type}' for arg '${argument}' in ${what}`;
    return new AmqpError("precondition-failed", text);
  }
}

const NOBODY: Target = { publish: () => true };

/** A client that waits for replies no longer gets them all the same, for all that anybody can tell. */
function formerReplies(key: string): Target | undefined {
  return REPLY_KEY.test(key) ? NOBODY : undefined;
}

/** @throws {AmqpError} 403 for a name that only RabbitMQ may give. */
export function assertNotReserved(kind: "exchange" | "queue", name: string): void {
  if (!name.startsWith("amq.")) return;
  const text = `${kind} name '${name}' contains reserved prefix 'amq.*'`;
  throw new AmqpError("access-refused", text);
}

/** @throws {AmqpError} 406 for what a quorum queue or a stream can't be. */
function assertReplicable(what: string, { autoDelete, owner, durable }: QueueIdentity): void {
  const problem = autoDelete
    ? "auto-delete"
    : owner !== null
      ? "exclusive-owner"
      : durable
        ? null
        : "non-durable";
  if (problem === null) return;
  throw new AmqpError("precondition-failed", `invalid property '${problem}' for ${what}`);
}
