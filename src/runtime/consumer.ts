/**
 * Consumes one queue: dispatches deliveries to the handlers, and settles each once, on the channel
 * that brought it. What can't be settled for broker trouble is held: it keeps its slot until a copy
 * is confirmed, or until the channel is gone and the broker has it again. The others go on: where a
 * backlog has filled the broker's memory, only consuming ends the trouble.
 */
import type { Channel, ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel, withDeadline } from "../broker-connection.ts";
import { messageOf } from "../errors.ts";
import { NUMBERS } from "../numbers.ts";
import type { Queue } from "../topology.ts";
import { within } from "../within.ts";
import { Acks } from "./acks.ts";
import { Head } from "./head.ts";
import type { Delivery, Result } from "./host/host.ts";
import { type Incoming, readIncoming } from "./incoming.ts";
import { Pauses } from "./pauses.ts";
import { type Live, nextDelayMs, type Received, Settler, type SettlerOptions } from "./settle.ts";
import type { ConsumerState } from "./status.ts";

export type ConsumerOptions = SettlerOptions & {
  readonly deliver: (batch: readonly Delivery[]) => void;
  readonly nextId: () => number;
  /** The subscription ended while its connection lives: the queue was deleted, say. */
  readonly onLost: (consumer: QueueConsumer, reason: string) => void;
};

/** One channel's worth of consuming. */
type Subscription = Live & {
  readonly connection: BrokerConnection;
  readonly channel: Channel;
  tag: string | null;
  /** Of the consumer that `tag` names. */
  prefetch: number;
  isLive: boolean;
};

type Held = Received & { readonly delivery: Delivery; readonly subscription: Subscription };

export class QueueConsumer {
  readonly #options: ConsumerOptions;
  readonly #settler: Settler;
  readonly #pauses = new Pauses();
  readonly #head = new Head();
  #subscription: Subscription | null = null;
  /** Delivered, not yet given to a handler. */
  #waiting: Held[] = [];
  /** Given to a handler, or waiting for its copy. */
  readonly #running = new Map<number, Held>();
  #isScheduled = false;
  #isSubscribing = false;
  #onIdle: () => void = () => undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#settler = new Settler(options, this.#pauses);
  }

  get queue(): Queue {
    return this.#options.queue;
  }

  get #isStopping(): boolean {
    return this.#pauses.isOver;
  }

  get state(): ConsumerState {
    if (this.#isStopping) return "stopped";
    if (!this.#subscription?.isLive) return "down";
    if (this.#settler.isHolding) return "held";
    return this.#subscription.tag === null ? "starting" : "live";
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** @throws {Error} when the broker refuses: no such queue, no permission. */
  async subscribe(connection: BrokerConnection): Promise<void> {
    if (this.#isStopping || this.#isSubscribing || this.#subscription?.isLive) return;
    this.#isSubscribing = true;
    try {
      await this.#subscribe(connection);
      await this.#renew();
    } finally {
      this.#isSubscribing = false;
    }
  }

  /** Takes over what the topology says of the queue now; only another prefetch subscribes again. */
  async refresh(): Promise<void> {
    this.#schedule();
    if (this.#isSubscribing) return;
    this.#isSubscribing = true;
    try {
      await this.#renew();
    } finally {
      this.#isSubscribing = false;
    }
  }

  async #subscribe(connection: BrokerConnection): Promise<void> {
    const channel = await connection.createChannel();
    const subscription: Subscription = {
      connection,
      channel,
      acks: new Acks(channel),
      tag: null,
      prefetch: 0,
      isLive: true,
    };
    this.#subscription = subscription;
    let reason = "its channel closed";
    channel.on("error", (error: Error) => {
      reason = error.message;
    });
    channel.on("close", () => this.#end(subscription, reason));
    await this.#consume(subscription);
  }

  async #consume(subscription: Subscription): Promise<void> {
    const { channel } = subscription;
    const { name, prefetch } = this.queue;
    const start = async () => {
      await channel.prefetch(prefetch);
      return await channel.consume(name, (raw) => this.#receive(subscription, raw));
    };
    try {
      // A queue that does not answer says nothing of its connection, which others use as well.
      const { consumerTag } = await withDeadline(start(), `consume ${name}`, () => undefined);
      subscription.tag = consumerTag;
      subscription.prefetch = prefetch;
    } catch (error) {
      this.#end(subscription, messageOf(error));
      // If its answer comes after all, it is cancelled with the channel.
      channel.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * A prefetch counts for the consumers after it: the new one comes first, then the old one goes.
   * Not where it may be the single active one: that must not be cancelled (see `#leave`), and has
   * the prefetch from its next channel on.
   */
  async #renew(): Promise<void> {
    for (;;) {
      const subscription = this.#subscription;
      const tag = subscription?.tag ?? null;
      if (!subscription?.isLive || tag === null || this.#isStopping) return;
      if (subscription.prefetch === this.queue.prefetch || mayBeSingle(this.queue)) return;
      await this.#consume(subscription);
      await cancel(subscription, tag);
    }
  }

  /** What became of a delivery. */
  accept(result: Result): void {
    const held = this.#running.get(result.id);
    if (held) void this.#conclude(held, result);
  }

  /**
   * Starts nothing new, waits for what runs, and gives back what no handler has seen.
   *
   * @returns whether all runs ended before `deadlineMs` was over, and the broker has their acks.
   */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#pauses.end();
    const isIdle = await this.#idle(deadlineMs);
    const subscription = this.#subscription;
    const hasLeft = !subscription?.isLive || (await this.#leave(subscription));
    return isIdle && hasLeft;
  }

  /**
   * A quorum queue's acks may wait in the broker's channel, which drops them when it closes; a
   * cancel after the last ack makes it send them first. Until then at most `prefetch` messages wait
   * here. The end of the channel gives back what waits and lets the next consumer of an ordered
   * queue begin in one step, which a cancel does not: so that queue has no cancel, and no more
   * messages in flight than the broker acks at once. A classic queue loses no acks, and on 3.10 one
   * with a single active consumer crashes when that is cancelled.
   */
  async #leave(subscription: Subscription): Promise<boolean> {
    const { acks, channel, connection, tag } = subscription;
    acks.flush();
    const { type, ordered } = this.queue;
    if (tag !== null && type === "quorum" && !ordered) {
      await cancel(subscription, tag);
      for (const { raw } of this.#waiting) acks.handBack(raw.fields.deliveryTag);
    }
    this.#waiting = [];
    return await closeChannel(channel, connection);
  }

  /** Messages that have not begun, in the queue and here; null while nobody can tell. */
  async countWaiting(): Promise<number | null> {
    const subscription = this.#subscription;
    if (!subscription?.isLive) return null;
    const { channel, connection } = subscription;
    const here = this.#waiting.length;
    const check = Promise.race([channel.checkQueue(this.queue.name), connection.ended]);
    try {
      const checked = await withDeadline(check, "count a queue", connection.destroy);
      return "messageCount" in checked ? checked.messageCount + here : null;
    } catch {
      return null;
    }
  }

  async #idle(deadlineMs: number): Promise<boolean> {
    if (this.#running.size === 0) return true;
    const idle = new Promise<boolean>((resolve) => {
      this.#onIdle = () => resolve(true);
    });
    return await within(idle, deadlineMs, false);
  }

  #receive(subscription: Subscription, raw: ConsumeMessage | null): void {
    if (raw === null) {
      this.#end(subscription, "the broker cancelled the consumer");
      void closeChannel(subscription.channel, subscription.connection);
      return;
    }
    const { queue, project } = this.#options;
    const incoming = readIncoming(raw, queue.name, project);
    this.#waiting.push({ delivery: this.#delivery(incoming), incoming, raw, subscription });
    this.#schedule();
  }

  /** Its id is that of one run: what comes late of an earlier run is never taken for this one's. */
  #delivery({ attempt, message }: Incoming): Delivery {
    return { id: this.#options.nextId(), queue: message.queue, attempt, message };
  }

  /** The deliveries of one read from the socket go to the handlers together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#isStopping) return;
    const free = this.queue.concurrency - this.#running.size;
    if (free <= 0 || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, free);
    if (this.queue.ordered) for (const held of batch) this.#runHead(held);
    else {
      const counted = batch.filter((held) => !this.#isUncounted(held));
      for (const held of batch) if (!counted.includes(held)) void this.#count(held);
      if (counted.length > 0) this.#run(counted);
    }
  }

  /** Quorum queues count for themselves. A full queue of the third kind dead-letters our copy. */
  #isUncounted({ raw }: Held): boolean {
    const { type, arguments: all } = this.queue;
    const isCountable = type === "classic" && all["x-overflow"] !== "reject-publish-dlx";
    return isCountable && raw.fields.redelivered;
  }

  /**
   * A message that is delivered once more may have ended the whole process before. In a quorum
   * queue the delivery limit ends it some day; in a classic one the same limit is kept here.
   */
  async #count(held: Held): Promise<void> {
    this.#running.set(held.delivery.id, held);
    const { redeliveries } = held.incoming;
    if (redeliveries >= NUMBERS.workDeliveryLimit) {
      const error = `delivered ${redeliveries + 1} times without an end`;
      const cause = { reason: "handler-crash", error } as const;
      await this.#conclude(held, { outcome: { status: "dead", cause }, durationMs: 0 });
    } else if (await this.#settler.count(held)) this.#release(held);
    else this.#runAgain(held, held.incoming);
  }

  #run(batch: readonly Held[]): void {
    for (const held of batch) this.#running.set(held.delivery.id, held);
    this.#options.deliver(batch.map(({ delivery }) => delivery));
  }

  async #conclude(
    held: Held,
    { outcome, durationMs }: Pick<Result, "outcome" | "durationMs">,
  ): Promise<void> {
    if (outcome.status === "held") {
      await this.#settler.hold(held, outcome.reason);
      this.#runAgain(held, held.incoming);
      return;
    }
    const { ordered } = this.queue;
    const delayMs = ordered ? nextDelayMs(this.queue, held.incoming, outcome) : null;
    if (delayMs !== null) {
      this.#settler.noteRetry(held, outcome, durationMs);
      const attempt = held.incoming.attempt + 1;
      await this.#runInPlace(held, { ...held.incoming, attempt }, delayMs);
    } else if (await this.#settler.settle(held, outcome, durationMs)) {
      this.#head.forget();
      this.#release(held);
    } else this.#giveBack(held);
  }

  /** With what it has spent already, if it came before on a connection that was lost. */
  #runHead(held: Held): void {
    const { incoming = held.incoming, delayMs = 0 } = this.#head.recall(held.raw) ?? {};
    void this.#runInPlace(held, incoming, delayMs);
  }

  /** Those behind it wait as long. */
  async #runInPlace(held: Held, incoming: Incoming, delayMs: number): Promise<void> {
    this.#running.set(held.delivery.id, held);
    this.#head.remember(held.raw, incoming, delayMs);
    if (held.subscription.isLive && delayMs > 0) await this.#pauses.wait(delayMs);
    this.#runAgain(held, incoming);
  }

  #runAgain(held: Held, incoming: Incoming): void {
    if (!held.subscription.isLive || this.#isStopping) {
      this.#giveBack(held);
      return;
    }
    this.#running.delete(held.delivery.id);
    this.#run([{ ...held, incoming, delivery: this.#delivery(incoming) }]);
    this.#schedule();
  }

  /** Uncounted; one of an ordered queue goes with its channel, and so keeps its place. */
  #giveBack(held: Held): void {
    const { subscription, raw } = held;
    if (!this.queue.ordered) subscription.acks.handBack(raw.fields.deliveryTag);
    this.#release(held);
  }

  #release({ delivery }: Held): void {
    this.#running.delete(delivery.id);
    if (this.#running.size === 0) this.#onIdle();
    this.#schedule();
  }

  #end(subscription: Subscription, reason: string): void {
    if (!subscription.isLive) return;
    subscription.isLive = false;
    subscription.acks.end();
    this.#pauses.cut();
    this.#waiting = this.#waiting.filter((held) => held.subscription !== subscription);
    if (this.#subscription !== subscription) return;
    this.#subscription = null;
    if (!this.#isStopping) this.#options.onLost(this, reason);
  }
}

async function cancel({ channel, connection }: Subscription, tag: string): Promise<void> {
  const done = Promise.race([channel.cancel(tag), connection.ended]);
  await withDeadline(done, "cancel a consumer", connection.destroy).catch(() => undefined);
}

function mayBeSingle(queue: Queue): boolean {
  return queue.external || queue.arguments["x-single-active-consumer"] === true;
}
