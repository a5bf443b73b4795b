/**
 * Consumes one queue: dispatches deliveries to the handlers, and settles each once, on the channel
 * that brought it. What can't be settled for broker trouble is held: it keeps its slot until a copy
 * is confirmed, or until the channel is gone and the broker has it again. The others go on: where a
 * backlog has filled the broker's memory, only consuming ends the trouble.
 */
import type { ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel } from "../broker-connection.ts";
import { NUMBERS } from "../numbers.ts";
import { isRequeued, type Queue } from "../topology.ts";
import { within } from "../within.ts";
import { Head } from "./head.ts";
import type { Delivery, Result } from "./host/host.ts";
import { type Incoming, readIncoming } from "./incoming.ts";
import { Pauses } from "./pauses.ts";
import { nextDelayMs, type Received, Settler, type SettlerOptions } from "./settle.ts";
import type { ConsumerState } from "./status.ts";
import { Subscription } from "./subscription.ts";

export type ConsumerOptions = SettlerOptions & {
  readonly deliver: (batch: readonly Delivery[]) => void;
  readonly nextId: () => number;
  /** The subscription has ended, alone (the queue was deleted, say) or with its connection. */
  readonly onLost: (consumer: QueueConsumer, reason: string) => void;
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
  /** A subscription that had brought messages was lost, and no other has come since. */
  #isInDoubt = false;
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
    return this.#subscription.isConsuming ? "live" : "starting";
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
    if (this.#isStopping) {
      // Its end has not seen this channel.
      await closeChannel(channel, connection);
      return;
    }
    this.#subscription = new Subscription({
      connection,
      channel,
      queue: () => this.queue,
      onMessage: (raw, subscription) => this.#receive(raw, subscription),
      onEnd: (subscription, reason) => this.#end(subscription, reason),
    });
    await this.#subscription.consume();
    this.#isInDoubt = false;
  }

  async #renew(): Promise<void> {
    while (!this.#isStopping && this.#subscription?.isOutdated) await this.#subscription.renew();
  }

  /** What became of a delivery. */
  accept(result: Result): void {
    const held = this.#running.get(result.id);
    if (held) void this.#conclude(held, result);
  }

  /**
   * Starts nothing new, waits for what runs, and gives back what no handler has seen.
   *
   * @returns whether all runs ended before `deadlineMs` was over, and the broker has their acks; of
   *   a connection that was lost, and is not back, nobody knows.
   */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#pauses.end();
    const isIdle = await this.#idle(deadlineMs);
    if (!this.#subscription?.isLive) return isIdle && !this.#isInDoubt;
    const hasLeft = await this.#subscription.leave(() => this.#waiting.map(({ raw }) => raw));
    return isIdle && hasLeft;
  }

  /** Messages that have not begun, in the queue and here; null while nobody can tell. */
  async countWaiting(): Promise<number | null> {
    const here = this.#waiting.length;
    const ready = this.#subscription?.isLive ? await this.#subscription.countReady() : null;
    return ready === null ? null : ready + here;
  }

  async #idle(deadlineMs: number): Promise<boolean> {
    if (this.#running.size === 0) return true;
    const idle = new Promise<boolean>((resolve) => {
      this.#onIdle = () => resolve(true);
    });
    return await within(idle, deadlineMs, false);
  }

  #receive(raw: ConsumeMessage, subscription: Subscription): void {
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

  /**
   * Quorum queues count for themselves. A full queue of the third kind dead-letters our copy. What
   * no handler gets ends now.
   */
  #isUncounted({ raw, incoming }: Held): boolean {
    const { type, arguments: all } = this.queue;
    const isCountable = type === "classic" && all["x-overflow"] !== "reject-publish-dlx";
    if (incoming.problem !== null) return false;
    return raw.fields.redelivered && isCountable && isRequeued(this.queue);
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
    const readable = batch.filter((held) => !this.#refuse(held));
    if (readable.length > 0) this.#options.deliver(readable.map(({ delivery }) => delivery));
  }

  /** @returns false if a handler may have it. */
  #refuse(held: Held): boolean {
    const { problem } = held.incoming;
    if (problem === null) return false;
    const cause = { reason: "undecodable", error: problem } as const;
    void this.#conclude(held, { outcome: { status: "dead", cause }, durationMs: 0 });
    return true;
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
    this.#pauses.cut();
    this.#waiting = this.#waiting.filter((held) => held.subscription !== subscription);
    if (this.#subscription !== subscription) return;
    this.#subscription = null;
    this.#isInDoubt ||= subscription.hasBrought;
    if (!this.#isStopping) this.#options.onLost(this, reason);
  }
}
