/**
 * What becomes of a message once its handler has ended: acked, or copied to a delay queue or to the
 * dead letters and acked after the copy is confirmed. A request of an rpc queue is answered before. While a copy can't be confirmed the message
 * is held: neither acked nor rejected, and no attempt is counted.
 */
import type { ConsumeMessage } from "amqplib";
import { retryExchange } from "../../apply/objects.ts";
import type { Log } from "../../handler.ts";
import type { Queue } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { Cause, Outcome } from "../host/host.ts";
import type { Acks } from "../intake/acks.ts";
import type { Pauses } from "../pauses.ts";
import type { Outgoing, Publisher, PublishOutcome } from "../publish/publisher.ts";
import { fateOf, replyTo } from "../rpc/reply.ts";
import type { Trace, TracedOutcome } from "../trace.ts";
import { barest, countedCopy, deadCopy, retryCopy } from "./copies.ts";
import type { Incoming } from "./incoming.ts";

export type SettlerOptions = {
  /** As the topology in force says it. */
  readonly queue: () => Queue;
  readonly project: string;
  readonly publisher: Publisher;
  /** A copy found no queue: something of the topology is gone. Never rejects. */
  readonly repair: () => Promise<void>;
  /** A reply was sent, and nobody takes it. */
  readonly onReplyDropped: () => void;
  /** A request has ended without a handler: its caller waits no longer. */
  readonly onRequestExpired: () => void;
  readonly trace: Trace;
  readonly log: Log;
};

/** The channel that brought a message; once it is over, the broker has the message again. */
export type Live = { readonly acks: Acks; readonly isLive: boolean };

export type Received = {
  readonly incoming: Incoming;
  readonly raw: ConsumeMessage;
  readonly subscription: Live;
};

export type Ended = Exclude<Outcome, { readonly status: "held" }>;
type Failed = Exclude<Ended, { readonly status: "handled" }>;

/** How long a message waits whose handler met broker trouble, in milliseconds. */
const HOLD_MS = 1_000;

export class Settler {
  readonly #options: SettlerOptions;
  readonly #pauses: Pauses;
  #holding = 0;

  /** @param pauses those of its consumer: over once it stops. */
  constructor(options: SettlerOptions, pauses: Pauses) {
    this.#options = options;
    this.#pauses = pauses;
  }

  /** Broker trouble, with one message at least. */
  get isHolding(): boolean {
    return this.#holding > 0;
  }

  /**
   * Ends the message, or sends it to its next attempt. A request that ends is answered first: its
   * caller waits.
   *
   * @returns false when the broker has it again, or is to have it: its channel is over, or the
   *   consumer stops while no copy can be confirmed.
   */
  async settle(message: Received, outcome: Ended, durationMs: number): Promise<boolean> {
    const copy = outcome.status === "handled" ? null : this.#copyFor(message, outcome);
    const became = this.#became(outcome, copy);
    const reply = became === "retried" ? null : this.#replyFor(message, outcome);
    if (reply !== null && !(await this.#sendReply(message, reply))) return false;
    const isSafe = copy === null || (await this.#publishCopy(message, copy));
    if (!isSafe) return false;
    message.subscription.acks.ack(message.raw.fields.deliveryTag);
    this.#note(message, outcome, became, durationMs);
    return true;
  }

  /**
   * Counts a delivery that had no end: a copy in the same queue, which stands for the message.
   *
   * @returns false when the broker has not confirmed it (a full queue, say): then it isn't counted.
   */
  async count(message: Received): Promise<boolean> {
    const { project, publisher, repair } = this.#options;
    const { raw, incoming, subscription } = message;
    const copy = countedCopy(raw, incoming, project);
    const outcome = await this.#untilKnown(
      message,
      await publisher.publish(copy, { isCopy: true }),
    );
    if (outcome.status === "unroutable") void repair();
    if (outcome.status !== "confirmed") return false;
    subscription.acks.ack(raw.fields.deliveryTag);
    return true;
  }

  /** Ends a message that was handled before. */
  skip(message: Received): void {
    message.subscription.acks.ack(message.raw.fields.deliveryTag);
    const { name: queue, handler } = this.#options.queue();
    const { id } = message.incoming.message;
    const { attempt } = message.incoming;
    this.#options.trace.add(id, {
      queue,
      handler: handler?.name ?? "",
      attempt,
      outcome: "duplicate",
      ms: 0,
    });
    this.#options.log.debug({ queue, messageId: id }, "message acked: it was handled before");
  }

  /**
   * Ends a request whose caller waits no longer as the broker ends what expires in its queue: without
   * a reply, and dead-lettered where the queue has dead letters.
   *
   * @returns as `settle`.
   */
  async expire(message: Received): Promise<boolean> {
    const { trace, log, onRequestExpired } = this.#options;
    const { raw, incoming, subscription } = message;
    const { name: queue, handler, deadLetter } = this.#options.queue();
    const { attempt } = incoming;
    const { id: messageId } = incoming.message;
    const error = `waited here for a handler until its time of ${raw.properties.expiration} ms was over`;
    if (deadLetter !== null) {
      const copy = deadCopy(raw, incoming, { to: deadLetter, cause: { reason: "expired", error } });
      if (!(await this.#publishCopy(message, copy))) return false;
    }
    subscription.acks.ack(raw.fields.deliveryTag);
    onRequestExpired();
    const run = { queue, handler: handler?.name ?? "", attempt, ms: 0 };
    trace.add(messageId, { ...run, outcome: "expired" });
    log.debug({ queue, messageId, error }, "request ended: its caller waits no longer");
    return true;
  }

  /** Says that the message will run again without leaving its queue. */
  noteRetry(message: Received, outcome: Ended, durationMs: number): void {
    this.#note(message, outcome, "retried", durationMs);
  }

  /** Of a message that was acknowledged on delivery: whatever came of it, it is over. */
  noteEnd(message: Received, outcome: Ended, durationMs: number): void {
    this.#note(message, outcome, this.#became(outcome, null), durationMs);
  }

  /** Of such a message that could not be ended before the runner does. */
  noteLoss({ incoming }: Received): void {
    const { log, queue } = this.#options;
    const facts = { queue: queue().name, messageId: incoming.message.id };
    log.error(facts, "message lost: it was acknowledged on delivery");
  }

  /** Waits before the same attempt is run again. */
  async hold(message: Received, reason: string): Promise<void> {
    this.#holding += 1;
    this.#warn(message, reason);
    await this.#pauses.wait(HOLD_MS);
    this.#holding -= 1;
  }

  #copyFor({ raw, incoming }: Received, outcome: Failed): Outgoing | null {
    const { project } = this.#options;
    const queue = this.#options.queue();
    const delayMs = nextDelayMs(queue, incoming, outcome);
    if (delayMs !== null)
      return retryCopy(raw, incoming, { project, delayMs, cause: outcome.cause });
    if (queue.deadLetter === null) return null;
    return deadCopy(raw, incoming, { to: queue.deadLetter, cause: outcome.cause });
  }

  #replyFor({ raw }: Received, outcome: Ended): Outgoing | null {
    if (!this.#options.queue().rpc) return null;
    if (outcome.status !== "handled") return replyTo(raw, { cause: outcome.cause });
    // The topology may have changed since it ran.
    return outcome.reply === undefined ? null : replyTo(raw, { reply: outcome.reply });
  }

  async #sendReply(message: Received, reply: Outgoing): Promise<boolean> {
    let fate: ReturnType<typeof fateOf> = null;
    const isDone = (outcome: PublishOutcome) => {
      fate = fateOf(outcome);
      return fate !== null;
    };
    if (!(await this.#insist(message, reply, isDone))) return false;
    if (fate === "dropped") this.#options.onReplyDropped();
    return true;
  }

  #publishCopy(message: Received, copy: Outgoing): Promise<boolean> {
    return this.#insist(message, copy, ({ status }) => status === "confirmed");
  }

  /** Publishes until it is done; meanwhile the message is held. */
  async #insist(
    message: Received,
    first: Outgoing,
    isDone: (outcome: PublishOutcome) => boolean,
  ): Promise<boolean> {
    let copy = first;
    let isHeld = false;
    try {
      for (let failures = 0; message.subscription.isLive; failures++) {
        const answer = await this.#options.publisher.publish(copy, { isCopy: true });
        if (isDone(answer) || answer.status === "confirmed") return true;
        if (this.#pauses.isOver) return false;
        if (!isHeld) this.#holding += 1;
        isHeld = true;
        this.#warn(message, answer.message);
        const outcome = await this.#untilKnown(message, answer);
        if (isDone(outcome) || outcome.status === "confirmed") return true;
        if (outcome.status === "malformed") copy = barest(copy);
        if (outcome.status === "unroutable") await this.#options.repair();
        await this.#pauses.wait(backoffMs(failures));
      }
      return false;
    } finally {
      if (isHeld) this.#holding -= 1;
    }
  }

  /** A copy that was sent is not sent again while the broker may still take it: it would be there twice. */
  async #untilKnown({ subscription }: Received, outcome: PublishOutcome): Promise<PublishOutcome> {
    if (outcome.status !== "outcome-unknown") return outcome;
    while (subscription.isLive && !this.#pauses.isOver) {
      const later = await this.#pauses.until(outcome.later);
      if (later) return later;
    }
    return outcome;
  }

  #warn({ incoming }: Received, reason: string): void {
    const facts = { queue: this.#options.queue().name, messageId: incoming.message.id, reason };
    this.#options.log.warn(facts, "message held: the broker does not take what it leads to");
  }

  #note({ incoming }: Received, outcome: Ended, became: TracedOutcome, durationMs: number): void {
    const { trace, log } = this.#options;
    const queue = this.#options.queue();
    const { attempt, message } = incoming;
    trace.add(message.id, {
      queue: queue.name,
      handler: queue.handler?.name ?? "",
      attempt,
      outcome: became,
      ms: Math.round(durationMs * 10) / 10,
    });
    if (outcome.status === "handled") return;
    const { reason, error } = outcome.cause;
    const facts = { queue: queue.name, messageId: message.id, attempt, reason, error };
    if (became === "retried") log.warn(facts, "message retried");
    else if (became === "dropped") log.error(facts, "message dropped: nothing is to keep it");
    else log.error(facts, "message dead-lettered");
  }

  #became(outcome: Ended, copy: Outgoing | null): TracedOutcome {
    if (outcome.status === "handled") return "handled";
    if (copy === null) return "dropped";
    return copy.exchange === retryExchange(this.#options.project) ? "retried" : "dead-lettered";
  }
}

/** The delay before the next attempt, in milliseconds; null when there is none. */
export function nextDelayMs(
  queue: Pick<Queue, "retryDelaysMs" | "retryOn" | "rejectOn">,
  incoming: Pick<Incoming, "attempt">,
  outcome: Ended,
): number | null {
  if (outcome.status === "handled" || outcome.status === "dead") return null;
  const delays = queue.retryDelaysMs;
  const remaining = delays.slice(incoming.attempt - 1);
  const [next] = remaining;
  if (next === undefined) return null;
  if (outcome.status === "failed") return isRetried(outcome.cause, queue) ? next : null;
  return remaining.find((delayMs) => delayMs >= outcome.afterMs) ?? Math.max(...delays);
}

/** The first error that a list names decides, from what was thrown down to its last cause. */
function isRetried({ reason, names }: Cause, queue: Pick<Queue, "retryOn" | "rejectOn">): boolean {
  const { retryOn, rejectOn } = queue;
  for (const error of names ?? [[reason]]) {
    if (error.some((name) => rejectOn.includes(name))) return false;
    if (error.some((name) => retryOn?.includes(name))) return true;
  }
  return retryOn === null;
}
