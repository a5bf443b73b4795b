/** One channel's worth of consuming a queue. */
import type { Channel, ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel, withDeadline } from "../../broker-connection.ts";
import { messageOf } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Queue } from "../../topology.ts";
import { Acks, type Live } from "./acks.ts";
import { consumerTag } from "./consumer-tag.ts";
import type { ExclusiveQueue } from "./exclusive-queue.ts";

export type SubscriptionOptions = {
  readonly connection: BrokerConnection;
  readonly channel: Channel;
  readonly project: string;
  /** As the topology in force says it. */
  readonly queue: () => Queue;
  readonly exclusive: ExclusiveQueue;
  readonly onMessage: (raw: ConsumeMessage, from: Subscription) => void;
  /** It is over, and the broker has again what it had brought. Once. */
  readonly onEnd: (ended: Subscription, reason: string) => void;
};

export class Subscription implements Live {
  readonly acks: Acks;
  readonly #options: SubscriptionOptions;
  #tag: string | null = null;
  /** Of the consumer that the tag names. */
  #prefetch = 0;
  #priority = 0;
  #isLive = true;
  #isLeft = false;
  #hasBrought = false;
  /** Acks of so many may be on their way to the queue after the last cancel. */
  #unsettled = 0;

  constructor(options: SubscriptionOptions) {
    const { channel } = options;
    this.#options = options;
    this.acks = new Acks(channel);
    let reason = "its channel closed";
    channel.on("error", (error: Error) => {
      reason = error.message;
    });
    channel.on("close", () => this.#end(reason));
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** Whether its end is meant. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Whether a message came with it, ever. */
  get hasBrought(): boolean {
    return this.#hasBrought;
  }

  /** Whether the broker has confirmed its consumer. */
  get isConsuming(): boolean {
    return this.#tag !== null;
  }

  /**
   * Whether the queue has another prefetch by now. Not where it may be the single active consumer:
   * that must not be cancelled (see `leave`), and has the prefetch from its next channel on.
   */
  get isOutdated(): boolean {
    const queue = this.#options.queue();
    const isChanged =
      this.#prefetch !== queue.prefetch || this.#priority !== queue.consumerPriority;
    return this.#isLive && this.isConsuming && isChanged && !mayBeSingle(queue);
  }

  /**
   * Whether it has brought all that a rate lets be sent ahead, and more runs may be under way. A new
   * consumer is sent as much again.
   */
  get isExhausted(): boolean {
    const { prefetch, concurrency, ...queue } = this.#options.queue();
    const isShort = prefetch < concurrency && this.acks.unsettledOfConsumer >= prefetch;
    return this.#isLive && this.isConsuming && isShort && !mayBeSingle(queue);
  }

  /** Whether its queue, an exclusive one, has other bindings by now. */
  get isUnbound(): boolean {
    return this.#isLive && this.isConsuming && this.#options.exclusive.isOutdated;
  }

  /** Binds it as the topology says now. @throws {Error} as `consume`. */
  async bind(): Promise<void> {
    const { channel, connection, queue, exclusive } = this.#options;
    await this.#attempt(exclusive.declare(channel, connection), `bind ${queue().name}`);
  }

  /** @throws {Error} when the broker refuses, or does not answer: then it is over. */
  async consume(): Promise<void> {
    const { channel, connection, project, queue, exclusive } = this.#options;
    const { name, prefetch, consumerPriority: priority } = queue();
    const tag = consumerTag(project, name);
    const options = { consumerTag: tag, ...(priority === 0 ? {} : { priority }) };
    const start = async () => {
      await exclusive.declare(channel, connection);
      await channel.prefetch(prefetch);
      this.acks.consumed();
      return await channel.consume(name, (raw) => this.#receive(raw), options);
    };
    const { consumerTag: given } = await this.#attempt(start(), `consume ${name}`);
    this.#tag = given;
    this.#prefetch = prefetch;
    this.#priority = priority;
    this.#unsettled = 0;
  }

  /** Whether it can stop consuming, and go on later, without leaving; see `leave`. */
  get isCancellable(): boolean {
    const queue = this.#options.queue();
    return !queue.ordered && (queue.type === "quorum" || !mayBeSingle(queue));
  }

  /** Brings nothing any more; what it has brought can still be settled. */
  async cancel(): Promise<void> {
    const tag = this.#tag;
    if (tag === null) return;
    await this.#cancel(tag);
    this.#tag = null;
    this.#unsettled = this.acks.unsettled;
  }

  /** A prefetch counts for the consumers after it: the new one comes first, then the old one goes. */
  async renew(): Promise<void> {
    const before = this.#tag;
    await this.consume();
    if (before !== null) await this.#cancel(before);
  }

  /**
   * Ends it in good order, once everything that ran is settled.
   *
   * A quorum queue's acks may wait in the broker's channel, which drops them when it closes; a
   * cancel after the last ack makes it send them first. The end of the channel gives back what
   * waits and lets the next consumer of an ordered queue begin in one step, which a cancel does
   * not: so that queue has no cancel, and no more messages in flight than the broker acks at once.
   * A classic queue loses no acks, and on 3.10 a cancel of its single active consumer can crash it.
   *
   * @param unstarted the messages of this moment that have not begun.
   * @returns whether the broker has confirmed it.
   */
  async leave(unstarted: () => readonly ConsumeMessage[]): Promise<boolean> {
    const { channel, connection, queue } = this.#options;
    const { type, ordered } = queue();
    this.#isLeft = true;
    this.acks.flush();
    if (type === "quorum" && !ordered) {
      // A paused one has no consumer whose cancel would send the acks since.
      if (this.#unsettled > NUMBERS.maxOrderedPrefetch) await this.consume().catch(() => undefined);
      if (this.#tag !== null) await this.#cancel(this.#tag);
      for (const { fields } of unstarted()) this.acks.handBack(fields.deliveryTag);
    }
    return await closeChannel(channel, connection);
  }

  /** Messages that wait in the queue; null while nobody can tell. */
  async countReady(): Promise<number | null> {
    const { channel, connection, queue } = this.#options;
    const check = Promise.race([channel.checkQueue(queue().name), connection.ended]);
    try {
      const checked = await withDeadline(check, "count a queue", connection.destroy);
      return "messageCount" in checked ? checked.messageCount : null;
    } catch {
      return null;
    }
  }

  /** A queue that does not answer says nothing of its connection, which others use as well. */
  async #attempt<T>(done: Promise<T>, what: string): Promise<T> {
    try {
      return await withDeadline(done, what, () => undefined);
    } catch (error) {
      this.#end(messageOf(error));
      // If its answer comes after all, it is cancelled with the channel.
      this.#options.channel.close().catch(() => undefined);
      throw error;
    }
  }

  async #cancel(tag: string): Promise<void> {
    const { channel, connection } = this.#options;
    const done = Promise.race([channel.cancel(tag), connection.ended]);
    await withDeadline(done, "cancel a consumer", connection.destroy).catch(() => undefined);
  }

  #receive(raw: ConsumeMessage | null): void {
    if (raw !== null) {
      this.#hasBrought = true;
      this.acks.brought();
      this.#options.onMessage(raw, this);
      return;
    }
    const { channel, connection } = this.#options;
    this.#end("the broker cancelled the consumer");
    void closeChannel(channel, connection);
  }

  #end(reason: string): void {
    if (!this.#isLive) return;
    this.#isLive = false;
    this.acks.end();
    this.#options.onEnd(this, reason);
  }
}

function mayBeSingle(queue: Pick<Queue, "external" | "arguments">): boolean {
  return queue.external || queue.arguments["x-single-active-consumer"] === true;
}
