/**
 * Consumes one queue: dispatches deliveries to the handlers, and settles each once, on the channel
 * that brought it. What can't be settled for broker trouble is held: nothing of the queue is
 * dispatched until a copy is confirmed, or until the channel is gone and the broker has it again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel, withDeadline } from "../connect.ts";
import type { Log } from "../handler.ts";
import type { Queue } from "../topology.ts";
import { Acks } from "./acks.ts";
import { backoffMs } from "./connection.ts";
import { barest, deadCopy, retryCopy } from "./copies.ts";
import type { Cause, Delivery, Outcome, Result } from "./host.ts";
import { type Incoming, readIncoming } from "./incoming.ts";
import type { Outgoing, Publisher } from "./publisher.ts";
import type { ConsumerState } from "./status.ts";
import { type Trace, type TracedOutcome, tracedMs } from "./trace.ts";

export type ConsumerOptions = {
  readonly queue: Queue;
  readonly project: string;
  readonly publisher: Publisher;
  readonly deliver: (batch: readonly Delivery[]) => void;
  readonly nextId: () => number;
  /** The subscription ended while its connection lives: the queue was deleted, say. */
  readonly onLost: (consumer: QueueConsumer, reason: string) => void;
  /** A copy found no queue: something of the topology is gone. Never rejects. */
  readonly repair: () => Promise<void>;
  readonly trace: Trace;
  readonly log: Log;
};

/** One channel's worth of consuming. */
type Subscription = {
  readonly connection: BrokerConnection;
  readonly channel: Channel;
  readonly acks: Acks;
  tag: string | null;
  isLive: boolean;
};

type Held = {
  readonly delivery: Delivery;
  readonly incoming: Incoming;
  readonly raw: ConsumeMessage;
  readonly subscription: Subscription;
};

export class QueueConsumer {
  readonly #options: ConsumerOptions;
  #subscription: Subscription | null = null;
  /** Delivered, not yet given to a handler. */
  #waiting: Held[] = [];
  /** Given to a handler, or waiting for its copy. */
  readonly #running = new Map<number, Held>();
  #troubled = 0;
  #isScheduled = false;
  #isStopping = false;
  #isSubscribing = false;
  #onIdle: () => void = () => undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  get queue(): Queue {
    return this.#options.queue;
  }

  get state(): ConsumerState {
    if (this.#isStopping) return "stopped";
    if (!this.#subscription?.isLive) return "down";
    if (this.#troubled > 0) return "held";
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
    const { attempt, message, id: parentId } = incoming;
    const delivery = { id: nextId(), queue: queue.name, attempt, message, parentId };
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
    if (this.#troubled > 0 || this.#isStopping) return;
    const free = this.queue.concurrency - this.#running.size;
    if (free <= 0 || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, free);
    for (const held of batch) this.#running.set(held.delivery.id, held);
    this.#options.deliver(batch.map(({ delivery }) => delivery));
  }

  async #conclude(held: Held, result: Result): Promise<void> {
    const { outcome } = result;
    if (outcome.status === "held") {
      await this.#runAgain(held, outcome.reason);
      return;
    }
    const copy = outcome.status === "handled" ? null : this.#copyFor(held, outcome);
    const isDone = copy === null || (await this.#publishCopy(held, copy));
    if (isDone) {
      held.subscription.acks.ack(held.raw.fields.deliveryTag);
      this.#note(held, result, copy);
    }
    this.#release(held);
  }

  #release({ delivery }: Held): void {
    this.#running.delete(delivery.id);
    if (this.#running.size === 0) this.#onIdle();
    this.#schedule();
  }

  #copyFor({ raw, incoming }: Held, outcome: Exclude<Outcome, { status: "handled" | "held" }>) {
    const { queue, project } = this.#options;
    const delayMs = outcome.status === "dead" ? null : nextDelayMs(queue, incoming, outcome);
    if (delayMs !== null) return retryCopy(raw, incoming, { project, delayMs });
    if (queue.deadLetter === null) return null;
    return deadCopy(raw, incoming, { to: queue.deadLetter, cause: outcome.cause });
  }

  /** @returns false when the channel ended first: the broker has the message again. */
  async #publishCopy(held: Held, first: Outgoing): Promise<boolean> {
    let copy = first;
    let isTroubled = false;
    try {
      for (let failures = 0; held.subscription.isLive; failures++) {
        const outcome = await this.#options.publisher.publish(copy, { isCopy: true });
        if (outcome.status === "confirmed") return true;
        if (!isTroubled) this.#troubled += 1;
        isTroubled = true;
        this.#warnHeld(held, outcome.message);
        if (outcome.status === "malformed") copy = barest(copy);
        if (outcome.status === "unroutable") await this.#options.repair();
        await sleep(backoffMs(failures));
      }
      return false;
    } finally {
      if (isTroubled) this.#troubled -= 1;
    }
  }

  /** The handler's own publish met broker trouble: the same attempt, once more, after a while. */
  async #runAgain(held: Held, reason: string): Promise<void> {
    this.#troubled += 1;
    this.#warnHeld(held, reason);
    await sleep(1_000);
    this.#troubled -= 1;
    if (!held.subscription.isLive || this.#isStopping) {
      held.subscription.acks.handBack(held.raw.fields.deliveryTag);
      this.#release(held);
      return;
    }
    this.#options.deliver([held.delivery]);
    this.#schedule();
  }

  #warnHeld({ delivery }: Held, reason: string): void {
    const facts = { queue: delivery.queue, messageId: delivery.message.id, reason };
    this.#options.log.warn(facts, "message held: the broker does not take what it leads to");
  }

  #note({ delivery, incoming }: Held, result: Result, copy: Outgoing | null): void {
    const { queue, trace, log, project } = this.#options;
    const { outcome } = result;
    const became = readBecame(outcome, copy, `warren.${project}.retry`);
    trace.add(incoming.id, {
      queue: queue.name,
      handler: queue.handler?.name ?? "",
      attempt: delivery.attempt,
      outcome: became,
      ms: tracedMs(result),
    });
    if (outcome.status === "handled" || outcome.status === "held") return;
    const facts = {
      queue: queue.name,
      messageId: incoming.id,
      attempt: delivery.attempt,
      ...withoutViolations(outcome.cause),
    };
    if (became === "retried") log.warn(facts, "message retried");
    else if (became === "dropped") log.error(facts, "message dropped: deadLetter is none");
    else log.error(facts, "message dead-lettered");
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

/** The delay before the next attempt; null when there is none left. */
export function nextDelayMs(
  queue: Pick<Queue, "retryDelaysMs">,
  incoming: Pick<Incoming, "attempt">,
  outcome: { readonly status: "failed" } | { readonly status: "retry"; readonly afterMs: number },
): number | null {
  const delays = queue.retryDelaysMs;
  const remaining = delays.slice(incoming.attempt - 1);
  const [next] = remaining;
  if (next === undefined) return null;
  if (outcome.status === "failed") return next;
  return remaining.find((delayMs) => delayMs >= outcome.afterMs) ?? Math.max(...delays);
}

function readBecame(outcome: Outcome, copy: Outgoing | null, retry: string): TracedOutcome {
  if (outcome.status === "handled") return "handled";
  if (copy === null) return "dropped";
  return copy.exchange === retry ? "retried" : "dead-lettered";
}

function withoutViolations({ reason, error }: Cause): Omit<Cause, "violations"> {
  return { reason, error };
}
