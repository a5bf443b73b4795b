/**
 * What becomes of a message once its handler has ended: acked, or copied to a delay queue or to the
 * dead letters and acked after the copy is confirmed. A request of an rpc queue is answered before.
 * While a copy can't be confirmed the message is held: neither acked nor rejected, and no attempt is
 * counted.
 */
import type { Queue } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { Ended } from "../host/host.ts";
import type { Pauses } from "../pauses.ts";
import type { Outgoing, Publisher, PublishOutcome } from "../publish/publisher.ts";
import { fateOf, replyTo } from "../rpc/reply.ts";
import { barest, countedCopy, deadCopy, retryCopy } from "./copies.ts";
import { ack, type Received } from "./message.ts";
import { nextDelayMs } from "./next-delay.ts";
import { type Notes, whatBecame } from "./notes.ts";

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
};

type Failed = Exclude<Ended, { readonly status: "handled" }>;

/** How long a message waits whose handler met broker trouble, in milliseconds. */
const HOLD_MS = 1_000;

export class Settler {
  readonly #options: SettlerOptions;
  readonly #pauses: Pauses;
  readonly #notes: Notes;
  #holding = 0;

  /** @param pauses those of its consumer: over once it stops. */
  constructor(options: SettlerOptions, pauses: Pauses, notes: Notes) {
    this.#options = options;
    this.#pauses = pauses;
    this.#notes = notes;
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
    const became = whatBecame(this.#options.project, outcome, copy);
    const reply = became === "retried" ? null : this.#replyFor(message, outcome);
    if (reply !== null && !(await this.#sendReply(message, reply))) return false;
    const isSafe = copy === null || (await this.#publishCopy(message, copy));
    if (!isSafe) return false;
    ack(message);
    this.#notes.ended(message.incoming, outcome, became, durationMs);
    return true;
  }

  /**
   * Counts a delivery that had no end: a copy in the same queue, which stands for the message.
   *
   * @returns false when the broker has not confirmed it (a full queue, say): then it isn't counted.
   */
  async count(message: Received): Promise<boolean> {
    const { project, publisher, repair } = this.#options;
    const { raw, incoming } = message;
    const copy = countedCopy(raw, incoming, project);
    const outcome = await this.#untilKnown(
      message,
      await publisher.publish(copy, { isCopy: true }),
    );
    if (outcome.status === "unroutable") void repair();
    if (outcome.status !== "confirmed") return false;
    ack(message);
    return true;
  }

  /** Ends a message that was handled before. */
  skip(message: Received): void {
    ack(message);
    this.#notes.duplicate(message.incoming);
  }

  /**
   * Ends a request whose caller waits no longer as the broker ends what expires in its queue: without
   * a reply, and dead-lettered where the queue has dead letters.
   *
   * @returns as `settle`.
   */
  async expire(message: Received): Promise<boolean> {
    const { raw, incoming } = message;
    const { deadLetter } = this.#options.queue();
    const error = `waited here for a handler until its time of ${raw.properties.expiration} ms was over`;
    if (deadLetter !== null) {
      const copy = deadCopy(raw, incoming, { to: deadLetter, cause: { reason: "expired", error } });
      if (!(await this.#publishCopy(message, copy))) return false;
    }
    ack(message);
    this.#options.onRequestExpired();
    this.#notes.expired(incoming, error);
    return true;
  }

  /** Waits before the same attempt is run again. */
  async hold({ incoming }: Received, reason: string): Promise<void> {
    this.#holding += 1;
    this.#notes.held(incoming, reason);
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
    const outcome = await this.#insist(message, reply, isReplyOver);
    if (outcome === null) return false;
    if (fateOf(outcome) === "dropped") this.#options.onReplyDropped();
    return true;
  }

  async #publishCopy(message: Received, copy: Outgoing): Promise<boolean> {
    return (await this.#insist(message, copy, never)) !== null;
  }

  /**
   * Publishes until the broker has confirmed it, or it is over; meanwhile the message is held.
   *
   * @returns what it came to; null: the broker has the message again, or is to have it.
   */
  async #insist(
    message: Received,
    first: Outgoing,
    isOver: (outcome: PublishOutcome) => boolean,
  ): Promise<PublishOutcome | null> {
    let copy = first;
    let isHeld = false;
    try {
      for (let failures = 0; message.subscription.isLive; failures++) {
        const answer = await this.#options.publisher.publish(copy, { isCopy: true });
        if (answer.status === "confirmed" || isOver(answer)) return answer;
        if (this.#pauses.isOver) return null;
        if (!isHeld) this.#holding += 1;
        isHeld = true;
        this.#notes.held(message.incoming, answer.message);
        const outcome = await this.#untilKnown(message, answer);
        if (outcome.status === "confirmed" || isOver(outcome)) return outcome;
        if (outcome.status === "malformed") copy = barest(copy);
        if (outcome.status === "unroutable") await this.#options.repair();
        await this.#pauses.wait(backoffMs(failures));
      }
      return null;
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
}

/** Of a reply: it is sent, or nobody takes it. */
function isReplyOver(outcome: PublishOutcome): boolean {
  return fateOf(outcome) !== null;
}

/** Of a copy, as long as it is not confirmed. */
function never(): boolean {
  return false;
}
