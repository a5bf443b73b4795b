/** A classic or a quorum queue: each of its messages goes to one consumer, and is gone then. */
import type { DeathReason } from "../model/deaths.ts";
import type { Message } from "../model/message.ts";
import { AmqpError } from "../protocol/errors.ts";
import type { Table } from "../protocol/fields.ts";
import { Alarm } from "./alarm.ts";
import type { QueueSettings, QueueType } from "./arguments.ts";
import { type Consumer, Consumers } from "./consumers.ts";
import { DeadLetters } from "./dead-letters.ts";
import { annotationsOf, type Entry } from "./entry.ts";
import type {
  Owner,
  Queue,
  QueueCounts,
  QueueIdentity,
  QueuePorts,
  Settlement,
  Unsettled,
} from "./queue.ts";
import { classicReady, quorumReady, type Ready } from "./ready.ts";

/** A quorum queue that was full takes messages again below this part of its limit. */
const SOFT_LIMIT = 0.8;

export class MessageQueue implements Queue {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly owner: Owner | null;
  readonly arguments: Table;
  readonly type: QueueType;
  readonly #where: string;
  readonly #settings: QueueSettings;
  readonly #ports: QueuePorts;
  readonly #ready: Ready;
  readonly #consumers: Consumers;
  readonly #deadLetters: DeadLetters;
  readonly #expiry = new Alarm(() => this.#run());
  readonly #lease = new Alarm(() => this.#ports.remove());
  #unacknowledged = 0;
  /** Cancelled consumers that have not settled everything. */
  readonly #leaving = new Set<Consumer>();
  /** Unsettled messages that were got. */
  #got = 0;
  #lastNumber = 0;
  /** Of a quorum queue: it has been full, and is not empty enough yet. */
  #isRefusing = false;
  #hadConsumers = false;
  #isEnded = false;

  /** @param where ` in vhost '/'`, for texts. */
  constructor(identity: QueueIdentity, settings: QueueSettings, where: string, ports: QueuePorts) {
    this.name = identity.name;
    this.durable = identity.durable;
    this.autoDelete = identity.autoDelete;
    this.owner = identity.owner;
    this.arguments = identity.arguments;
    this.type = settings.type;
    this.#where = where;
    this.#settings = settings;
    this.#ports = ports;
    const isQuorum = settings.type === "quorum";
    this.#ready = isQuorum ? quorumReady() : classicReady(settings.maxPriority);
    this.#consumers = new Consumers({
      isSingleActive: settings.isSingleActive,
      prefersHigher: isQuorum,
    });
    this.#deadLetters = new DeadLetters(identity.name, settings, ports);
    this.touch();
  }

  get counts(): QueueCounts {
    return {
      ready: this.#ready.length,
      unacknowledged: this.#unacknowledged,
      held: this.#deadLetters.held,
    };
  }

  /** A quorum queue counts everybody who still has messages of it, and nobody who only waits. */
  get consumerCount(): number {
    const { count } = this.#consumers;
    if (this.type === "classic") return count;
    const active = this.#settings.isSingleActive ? Math.min(1, count) : count;
    return active + this.#leaving.size + this.#got;
  }

  get consumers(): readonly Consumer[] {
    return this.#consumers.all;
  }

  publish(message: Message): boolean {
    if (this.#isFull(message)) {
      if (this.#settings.overflow === "reject-publish-dlx")
        this.#deadLetters.bury(message, "maxlen");
      return false;
    }
    const entry = this.#entryOf(message);
    if (!this.#handOver(entry)) this.#ready.push(entry);
    this.#run();
    this.#limit();
    return true;
  }

  get(): { readonly entry: Entry; readonly left: number } | null {
    if (this.#settings.isSingleActive && this.type === "quorum") {
      const what = `queue '${this.name}'${this.#where}`;
      throw new AmqpError(
        "resource-locked",
        `cannot obtain access to locked ${what}. basic.get operations are not supported by <<"quorum">> queues with single active consumer`,
      );
    }
    this.touch();
    this.#expire();
    const entry = this.#ready.shift();
    if (!entry) return null;
    this.#unacknowledged += 1;
    this.#got += 1;
    this.#afterRemoval();
    return { entry, left: this.#ready.length };
  }

  consume(consumer: Consumer, _args: Table, accepted: () => void): void {
    // A quorum queue takes the wish to be alone for a hint.
    const isTaken =
      this.#consumers.hasExclusive || (consumer.exclusive && this.#consumers.count > 0);
    if (isTaken && this.type === "classic") {
      throw new AmqpError("access-refused", `queue '${this.name}'${this.#where} in exclusive use`);
    }
    accepted();
    this.#hadConsumers = true;
    this.#consumers.add(consumer);
    this.#lease.clear();
    this.#run();
  }

  cancel(consumer: Consumer): void {
    if (this.#consumers.remove(consumer) && consumer.inFlight > 0) this.#leaving.add(consumer);
    this.#afterConsumers();
  }

  release(consumers: readonly Consumer[], deliveries: readonly Unsettled[]): void {
    if (this.#isEnded) {
      for (const { entry } of deliveries) this.#forget(entry);
      return;
    }
    for (const consumer of consumers) this.#consumers.remove(consumer);
    this.#unacknowledged -= deliveries.length;
    for (const { consumer } of deliveries) {
      if (consumer) this.#leaving.delete(consumer);
      else this.#got -= 1;
    }
    this.#settle(
      deliveries.map(({ entry }) => entry),
      "failed",
    );
    if (this.type === "classic") this.#limit();
    this.#afterConsumers();
    if (!this.#isEnded) this.#limit();
  }

  annotate(entry: Entry): Table {
    return this.type === "quorum" ? annotationsOf(entry) : [];
  }

  settle(entries: readonly Entry[], how: Settlement, consumer: Consumer | null): void {
    if (this.#isEnded) {
      for (const entry of entries) this.#forget(entry);
      return;
    }
    this.#unacknowledged -= entries.length;
    if (!consumer) this.#got -= entries.length;
    else {
      consumer.inFlight -= entries.length;
      if (consumer.inFlight === 0) this.#leaving.delete(consumer);
    }
    this.#settle(entries, how);
    if (consumer) this.#consumers.freed(consumer);
    // What came back may be too much: a classic queue drops it first, a quorum queue what is left.
    if (this.type === "classic") this.#limit();
    this.#run();
    this.#limit();
  }

  wake(consumer: Consumer): void {
    this.#consumers.freed(consumer);
    this.#run();
  }

  purge(): number {
    const count = this.#ready.length + this.#deadLetters.held;
    this.#clear();
    this.#afterRemoval();
    return count;
  }

  touch(): void {
    const { expiresMs } = this.#settings;
    if (expiresMs === null || this.#consumers.count > 0 || this.#isEnded) return;
    this.#lease.clear();
    this.#lease.setBy(performance.now() + expiresMs);
  }

  end(): void {
    this.#isEnded = true;
    this.#expiry.clear();
    this.#lease.clear();
    this.#clear();
    for (const consumer of this.#consumers.all) {
      this.#consumers.remove(consumer);
      consumer.cancelled();
    }
  }

  #entryOf(message: Message): Entry {
    const { ttlMs } = this.#settings;
    const lives = Math.min(
      message.ttlMs ?? Number.POSITIVE_INFINITY,
      ttlMs ?? Number.POSITIVE_INFINITY,
    );
    const isQuorum = this.type === "quorum";
    // A quorum queue has the rest of this millisecond for whom it is for.
    const until = performance.now() + (isQuorum ? Math.max(1, lives) : lives);
    this.#ports.memory.add(message.storedBytes);
    return {
      message,
      number: ++this.#lastNumber,
      bytes: message.body.length + (isQuorum ? message.headerBytes : 0),
      expiresAt: until === Number.POSITIVE_INFINITY ? null : until,
      returns: 0,
      failures: message.deliveryCount,
    };
  }

  /** At once, where nothing is before it: a classic queue takes such a message for a new one. */
  #handOver(entry: Entry): boolean {
    if (this.type === "quorum" || this.#ready.length > 0) return false;
    const consumer = this.#consumers.next();
    if (!consumer) return false;
    entry.failures = null;
    this.#deliver(entry, consumer);
    return true;
  }

  #deliver(entry: Entry, consumer: Consumer): void {
    if (!consumer.noAck) {
      consumer.inFlight += 1;
      this.#unacknowledged += 1;
    }
    consumer.deliver(entry);
    if (consumer.noAck) this.#forget(entry);
  }

  #settle(entries: readonly Entry[], how: Settlement): void {
    if (how === "done") for (const entry of entries) this.#forget(entry);
    else
      this.#ready.giveBack(this.#byPriority(entries).filter((entry) => this.#survives(entry, how)));
  }

  /** A classic queue with priorities buries the highest first. */
  #byPriority(entries: readonly Entry[]): readonly Entry[] {
    if (this.#settings.maxPriority === 0 || entries.length < 2) return entries;
    const priority = ({ message }: Entry) =>
      Math.min(message.properties.priority ?? 0, this.#settings.maxPriority);
    return entries.toSorted((a, b) => priority(b) - priority(a));
  }

  /** @returns false: it is dead, and buried. */
  #survives(entry: Entry, how: Exclude<Settlement, "done">): boolean {
    const isFailure = how === "failed" || how === "refused";
    entry.returns += 1;
    if (isFailure) entry.failures = (entry.failures ?? 0) + 1;
    const isRejected = how === "refused" || how === "unwanted";
    const isBeyond = this.type === "quorum" && (entry.failures ?? 0) > this.#settings.deliveryLimit;
    if (isRejected || isBeyond) this.#bury(entry, isRejected ? "rejected" : "delivery_limit");
    return !isRejected && !isBeyond;
  }

  #afterConsumers(): void {
    if (this.#consumers.count === 0 && this.autoDelete && this.#hadConsumers) {
      this.#ports.remove();
      return;
    }
    this.touch();
    this.#run();
  }

  /** Hands out what waits to those who have room for it. */
  #run(): void {
    this.#expire();
    while (this.#ready.length > 0) {
      const consumer = this.#consumers.next();
      if (!consumer) break;
      const entry = this.#ready.shift();
      if (!entry) break;
      this.#deliver(entry, consumer);
      this.#expire();
    }
    this.#afterRemoval();
  }

  #afterRemoval(): void {
    if (this.#isRefusing && this.#isBelowSoftLimit()) this.#isRefusing = false;
    const next = this.#ready.nextExpiry();
    if (next === undefined) this.#expiry.clear();
    else this.#expiry.setBy(next);
  }

  #expire(): void {
    const next = this.#ready.nextExpiry();
    if (next === undefined || next > performance.now()) return;
    for (const entry of this.#ready.takeExpired(performance.now())) this.#bury(entry, "expired");
  }

  #isFull(message: Message): boolean {
    const { overflow, maxLength, maxBytes } = this.#settings;
    if (overflow === "drop-head") return false;
    if (this.type === "quorum") return this.#isRefusing;
    return this.#ready.length + 1 > maxLength || this.#ready.bytes + message.body.length > maxBytes;
  }

  #isOverLimit(): boolean {
    const { maxLength, maxBytes } = this.#settings;
    const { held, heldBytes } = this.#deadLetters;
    return this.#ready.length + held > maxLength || this.#ready.bytes + heldBytes > maxBytes;
  }

  #isBelowSoftLimit(): boolean {
    const { maxLength, maxBytes } = this.#settings;
    const { held, heldBytes } = this.#deadLetters;
    return (
      this.#ready.length + held <= Math.trunc(maxLength * SOFT_LIMIT) &&
      this.#ready.bytes + heldBytes <= Math.trunc(maxBytes * SOFT_LIMIT)
    );
  }

  #limit(): void {
    if (this.#settings.overflow !== "drop-head") {
      this.#isRefusing ||= this.type === "quorum" && this.#isOverLimit();
      return;
    }
    while (this.#isOverLimit()) {
      const entry = this.#ready.shift();
      if (!entry) break;
      this.#bury(entry, "maxlen");
    }
    this.#afterRemoval();
  }

  #bury(entry: Entry, reason: DeathReason): void {
    const { message, failures } = entry;
    this.#forget(entry);
    const isSame = failures === message.deliveryCount;
    this.#deadLetters.bury(isSame ? message : message.with({ deliveryCount: failures }), reason);
  }
  /** It is kept here no more. */
  #forget({ message }: Entry): void {
    this.#ports.memory.add(-message.storedBytes);
  }

  #clear(): void {
    for (let entry = this.#ready.shift(); entry; entry = this.#ready.shift()) this.#forget(entry);
    this.#deadLetters.clear();
  }
}
