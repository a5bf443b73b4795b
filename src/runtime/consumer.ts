/**
 * Consumes one queue: dispatches deliveries to the handlers, and settles each once, on the channel
 * that brought it. What can't be settled for broker trouble is held: nothing of the queue is
 * dispatched until a copy is confirmed, or until the channel is gone and the broker has it again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel, withDeadline } from "../broker-connection.ts";
import type { Queue } from "../topology.ts";
import { Acks } from "./acks.ts";
import type { Delivery, Result } from "./host/host.ts";
import { readIncoming } from "./incoming.ts";
import { type Live, type Received, Settler, type SettlerOptions } from "./settle.ts";
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
  isLive: boolean;
};

type Held = Received & { readonly delivery: Delivery; readonly subscription: Subscription };

export class QueueConsumer {
  readonly #options: ConsumerOptions;
  readonly #settler: Settler;
  #subscription: Subscription | null = null;
  /** Delivered, not yet given to a handler. */
  #waiting: Held[] = [];
  /** Given to a handler, or waiting for its copy. */
  readonly #running = new Map<number, Held>();
  #isScheduled = false;
  #isStopping = false;
  #isSubscribing = false;
  #onIdle: () => void = () => undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#settler = new Settler(options);
  }

  get queue(): Queue {
    return this.#options.queue;
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
      isLive: true,
    };
    this.#subscription = subscription;
    let reason = "its channel closed";
    channel.on("error", (error: Error) => {
      reason = error.message;
    });
    channel.on("close", () => this.#end(subscription, reason));
    const { name, prefetch } = this.queue;
    const start = async () => {
      await channel.prefetch(prefetch);
      return await channel.consume(name, (raw) => this.#receive(subscription, raw));
    };
    const { consumerTag } = await withDeadline(start(), `consume ${name}`, connection.destroy);
    subscription.tag = consumerTag;
  }

  /** What became of a delivery. */
  accept(result: Result): void {
    const held = this.#running.get(result.id);
    if (held) void this.#conclude(held, result);
  }

  /**
   * Starts nothing new, waits for what runs, and gives back what no handler has seen.
   *
   * The consumer is cancelled after the last ack, not before it: a quorum queue's acks may wait in
   * the broker's channel, which drops them when it closes; a cancel makes it send them first.
   * Until then at most `prefetch` messages wait here.
   *
   * @returns whether all runs ended before `deadlineMs` was over.
   */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#isStopping = true;
    const isDrained = await this.#idle(deadlineMs);
    const subscription = this.#subscription;
    if (!subscription?.isLive) return isDrained;
    const { acks, channel, connection, tag } = subscription;
    acks.flush();
    if (tag !== null) {
      const cancel = Promise.race([channel.cancel(tag), connection.ended]);
      await withDeadline(cancel, "cancel a consumer", connection.destroy).catch(() => undefined);
    }
    for (const { raw } of this.#waiting) acks.handBack(raw.fields.deliveryTag);
    this.#waiting = [];
    await closeChannel(channel, connection);
    return isDrained;
  }

  async #idle(deadlineMs: number): Promise<boolean> {
    if (this.#running.size === 0) return true;
    const idle = new Promise<boolean>((resolve) => {
      this.#onIdle = () => resolve(true);
    });
    const limit = new AbortController();
    const late = sleep(deadlineMs, false, { signal: limit.signal }).catch(() => false);
    const isDrained = await Promise.race([idle, late]);
    limit.abort();
    return isDrained;
  }

  #receive(subscription: Subscription, raw: ConsumeMessage | null): void {
    if (raw === null) {
      this.#end(subscription, "the broker cancelled the consumer");
      void closeChannel(subscription.channel, subscription.connection);
      return;
    }
    const { queue, project, nextId } = this.#options;
    const incoming = readIncoming(raw, queue.name, project);
    const delivery = { id: nextId(), queue: queue.name, ...incoming };
    this.#waiting.push({ delivery, incoming, raw, subscription });
    this.#schedule();
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
    if (this.#settler.isHolding || this.#isStopping) return;
    const free = this.queue.concurrency - this.#running.size;
    if (free <= 0 || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, free);
    for (const held of batch) this.#running.set(held.delivery.id, held);
    this.#options.deliver(batch.map(({ delivery }) => delivery));
  }

  async #conclude(held: Held, result: Result): Promise<void> {
    const { outcome } = result;
    if (outcome.status === "held") await this.#runAgain(held, outcome.reason);
    else {
      await this.#settler.settle(held, outcome, result.durationMs);
      this.#release(held);
    }
  }

  /** The handler's own publish met broker trouble: the same attempt, once more, after a while. */
  async #runAgain(held: Held, reason: string): Promise<void> {
    await this.#settler.hold(held, reason);
    if (held.subscription.isLive && !this.#isStopping) {
      this.#options.deliver([held.delivery]);
      this.#schedule();
      return;
    }
    held.subscription.acks.handBack(held.raw.fields.deliveryTag);
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
    this.#waiting = this.#waiting.filter((held) => held.subscription !== subscription);
    if (this.#subscription !== subscription) return;
    this.#subscription = null;
    if (!this.#isStopping) this.#options.onLost(this, reason);
  }
}
