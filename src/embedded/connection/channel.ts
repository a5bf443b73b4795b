/** A channel: what its client has asked for on it, and what it has been given. */
import type { Broker } from "../model/broker.ts";
import { type Content, type Message, messageOf } from "../model/message.ts";
import type { Permission } from "../model/users.ts";
import type { Vhost } from "../model/vhost.ts";
import { AmqpError } from "../protocol/errors.ts";
import type { Args, MethodName } from "../protocol/methods.ts";
import { checkConsumerArguments, priorityOf } from "../queues/consumer-arguments.ts";
import type { Consumer } from "../queues/consumers.ts";
import { type Entry, isRedelivered } from "../queues/entry.ts";
import type { Owner, Queue } from "../queues/queue.ts";
import { Confirms } from "./confirms.ts";
import { Deliveries } from "./deliveries.ts";
import { Replies } from "./replies.ts";
import { token } from "./token.ts";

/** What a channel needs of its connection. */
export type ChannelPorts = {
  readonly broker: Broker;
  readonly vhost: Vhost;
  readonly user: string;
  /** By which queues know it. */
  readonly owner: Owner;
  readonly send: <N extends MethodName>(channel: number, name: N, args: Args<N>) => void;
  readonly sendContent: <N extends MethodName>(
    channel: number,
    method: { readonly name: N; readonly args: Args<N> },
    header: Buffer,
    body: Buffer,
  ) => void;
  readonly canSend: () => boolean;
  /** The client wants to be told when the broker ends a consumer. */
  readonly tellsCancels: boolean;
  /** Calls `flush` of this channel before anything is written. */
  readonly flushLater: (channel: Channel) => void;
};

type Subscription = { readonly queue: Queue; readonly consumer: Consumer };

export class Channel {
  readonly number: number;
  readonly ports: ChannelPorts;
  readonly deliveries = new Deliveries();
  /** What an empty queue name stands for. */
  lastQueue = "";
  /** Of the consumers after it. */
  prefetch = 0;
  readonly #subscriptions = new Map<string, Subscription>();
  #confirms: Confirms | null = null;
  #replies: Replies | null = null;
  #lastTag = 0;
  #isClosed = false;

  constructor(number: number, ports: ChannelPorts) {
    this.number = number;
    this.ports = ports;
  }

  /** The server has closed it, and waits for the client to know. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get vhost(): Vhost {
    return this.ports.vhost;
  }

  get consumerCount(): number {
    return this.#subscriptions.size;
  }

  get isConfirming(): boolean {
    return this.#confirms !== null;
  }

  get prefetchCount(): number {
    return this.prefetch;
  }

  send<N extends MethodName>(name: N, args: Args<N>): void {
    this.ports.send(this.number, name, args);
  }

  /** @throws {AmqpError} 403 */
  assertMay(permission: Permission, kind: "exchange" | "queue", object: string): void {
    const { broker, user, vhost } = this.ports;
    // Texts of the default exchange have a name for it.
    const name = object === "" ? "amq.default" : object;
    if (broker.users.may(user, permission, vhost.name, name)) return;
    const text = `${permission} access to ${vhost.describe(kind, name)} refused for user '${user}'`;
    throw new AmqpError("access-refused", text);
  }

  select(): void {
    this.#confirms ??= new Confirms();
  }

  /** @throws {AmqpError} 404, 403, 406 */
  publish({ exchange, routingKey, mandatory }: Args<"basic.publish">, sent: Content): void {
    this.assertMay("write", "exchange", exchange);
    if (exchange !== "" && this.vhost.exchange(exchange).options.internal) {
      const what = this.vhost.describe("exchange", exchange);
      throw new AmqpError("access-refused", `cannot publish to internal ${what}`);
    }
    const message = this.#withReplyTo(messageOf(exchange, routingKey, sent));
    this.#assertUserId(message);
    const targets = this.vhost.route(exchange, message);
    if (targets.size === 0 && mandatory) this.#return(message, exchange, routingKey);
    let isAccepted = true;
    for (const target of targets) isAccepted = target.publish(message) && isAccepted;
    if (!this.#confirms) return;
    this.#confirms.next(isAccepted);
    this.ports.flushLater(this);
  }

  /** Sends what waits to be sent together. */
  flush(): void {
    if (!this.#isClosed)
      this.#confirms?.send((name, deliveryTag, multiple) => {
        if (name === "basic.ack") this.send(name, { deliveryTag, multiple });
        else this.send(name, { deliveryTag, multiple, requeue: false });
      });
  }

  /** @throws {AmqpError} 530 for a tag that is taken, and what the queue throws. */
  consume(args: Args<"basic.consume">): void {
    const tag = args.consumerTag === "" ? `amq.ctag-${token(16)}` : args.consumerTag;
    if (this.#subscriptions.has(tag) || this.#replies?.tag === tag) {
      throw new AmqpError("not-allowed", `attempt to reuse consumer tag '${tag}'`);
    }
    const queue = this.vhost.queue(args.queue);
    this.vhost.assertAccess(queue, this.ports.owner);
    checkConsumerArguments(this.vhost.describe("queue", queue.name), queue.type, args.arguments);
    const consumer = consumerOf(this, queue, { ...args, consumerTag: tag });
    this.#subscriptions.set(tag, { queue, consumer });
    const isNowait = args.nowait;
    try {
      // The answer comes before the first delivery.
      queue.consume(consumer, args.arguments, () => {
        if (!isNowait) this.send("basic.consume-ok", { consumerTag: tag });
      });
    } catch (error) {
      this.#subscriptions.delete(tag);
      throw error;
    }
  }

  /** An unknown tag is fine. */
  cancel(tag: string, isNowait: boolean): void {
    const subscription = this.#subscriptions.get(tag);
    this.#subscriptions.delete(tag);
    if (this.#replies?.tag === tag) this.#endReplies();
    if (!isNowait) this.send("basic.cancel-ok", { consumerTag: tag });
    subscription?.queue.cancel(subscription.consumer);
  }

  /** Consumes replies to requests that are published on this channel. @throws {AmqpError} 406 */
  consumeReplies({ consumerTag, noAck, nowait }: Args<"basic.consume">): void {
    if (this.#subscriptions.has(consumerTag) || this.#replies?.tag === consumerTag) {
      throw new AmqpError("not-allowed", `attempt to reuse consumer tag '${consumerTag}'`);
    }
    if (!noAck) throw new AmqpError("precondition-failed", "reply consumer cannot acknowledge");
    if (this.#replies) throw new AmqpError("precondition-failed", "reply consumer already set");
    const tag = consumerTag === "" ? `amq.ctag-${token(16)}` : consumerTag;
    const replies = new Replies(tag, {
      memory: this.ports.broker.memory,
      canSend: this.ports.canSend,
      deliver: (message) => {
        this.#deliver(tag, message, { header: message.header(), redelivered: false });
      },
    });
    this.#replies = replies;
    this.vhost.replies.set(replies.key, replies);
    if (!nowait) this.send("basic.consume-ok", { consumerTag: tag });
  }

  /** Of a consumer of this channel. */
  deliver(queue: Queue, consumer: Consumer, entry: Entry): void {
    const tag = this.#deliver(consumer.tag, entry.message, {
      header: entry.message.header(queue.annotate(entry)),
      redelivered: isRedelivered(entry),
    });
    if (!consumer.noAck) this.deliveries.add(tag, { queue, entry, consumer });
  }

  /** @throws {AmqpError} 404, 405, 540 */
  get({ queue: name, noAck }: Args<"basic.get">): void {
    const queue = this.vhost.queue(name);
    this.vhost.assertAccess(queue, this.ports.owner);
    const got = queue.get();
    if (!got) {
      this.send("basic.get-empty", { clusterId: "" });
      return;
    }
    const { entry, left } = got;
    const { message } = entry;
    const deliveryTag = ++this.#lastTag;
    const { exchange, routingKey } = message;
    const redelivered = isRedelivered(entry);
    const args = { deliveryTag, redelivered, exchange, routingKey, messageCount: left };
    const header = message.header(queue.annotate(entry));
    this.ports.sendContent(this.number, { name: "basic.get-ok", args }, header, message.body);
    if (noAck) queue.settle([entry], "done", null);
    else this.deliveries.add(deliveryTag, { queue, entry, consumer: null });
  }

  /** The queue of this consumer is gone. */
  cancelled(tag: string): void {
    if (!this.#subscriptions.delete(tag) || this.#isClosed) return;
    if (this.ports.tellsCancels) this.send("basic.cancel", { consumerTag: tag, nowait: true });
  }

  /** Gives back what it has; nothing is sent on it any more. */
  end(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    this.#endReplies();
    const deliveries = this.deliveries.takeAll();
    const queues = new Map<Queue, Consumer[]>([...deliveries.keys()].map((queue) => [queue, []]));
    for (const { queue, consumer } of this.#subscriptions.values()) {
      queues.set(queue, [...(queues.get(queue) ?? []), consumer]);
    }
    this.#subscriptions.clear();
    for (const [queue, consumers] of queues) queue.release(consumers, deliveries.get(queue) ?? []);
  }

  /** The client reads again. */
  wake(): void {
    this.#replies?.wake();
    for (const { queue, consumer } of this.#subscriptions.values()) queue.wake(consumer);
  }

  #deliver(
    consumerTag: string,
    { exchange, routingKey, body }: Message,
    { header, redelivered }: { readonly header: Buffer; readonly redelivered: boolean },
  ): number {
    const deliveryTag = ++this.#lastTag;
    const args = { consumerTag, deliveryTag, redelivered, exchange, routingKey };
    this.ports.sendContent(this.number, { name: "basic.deliver", args }, header, body);
    return deliveryTag;
  }

  #return(message: Message, exchange: string, routingKey: string): void {
    const args = { replyCode: 312, replyText: "NO_ROUTE", exchange, routingKey };
    const method = { name: "basic.return", args } as const;
    this.ports.sendContent(this.number, method, message.header(), message.body);
  }

  #withReplyTo(message: Message): Message {
    const { replyTo } = message.properties;
    if (replyTo?.toString() !== "amq.rabbitmq.reply-to") return message;
    if (!this.#replies) {
      throw new AmqpError("precondition-failed", "fast reply consumer does not exist");
    }
    const properties = { ...message.properties, replyTo: Buffer.from(this.#replies.key) };
    return message.with({ properties });
  }

  #assertUserId({ properties: { userId } }: Message): void {
    const { user } = this.ports;
    if (userId === undefined || userId.toString() === user) return;
    const text = `user_id property set to '${userId}' but authenticated user was '${user}'`;
    throw new AmqpError("precondition-failed", text);
  }

  #endReplies(): void {
    if (this.#replies) this.vhost.replies.delete(this.#replies.key);
    this.#replies?.end();
    this.#replies = null;
  }
}

function consumerOf(channel: Channel, queue: Queue, args: Args<"basic.consume">): Consumer {
  const consumer: Consumer = {
    tag: args.consumerTag,
    noAck: args.noAck,
    exclusive: args.exclusive,
    priority: priorityOf(args.arguments),
    prefetch: channel.prefetch,
    inFlight: 0,
    canSend: channel.ports.canSend,
    deliver: (entry) => channel.deliver(queue, consumer, entry),
    cancelled: () => channel.cancelled(args.consumerTag),
  };
  return consumer;
}
