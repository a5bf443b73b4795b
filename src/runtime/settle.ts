/**
 * What becomes of a message once its handler has ended: acked, or copied to a delay queue or to the
 * dead letters and acked after the copy is confirmed. While a copy can't be confirmed the message
 * is held: neither acked nor rejected, and no attempt is counted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumeMessage } from "amqplib";
import { retryExchange } from "../apply/objects.ts";
import type { Log } from "../handler.ts";
import type { Queue } from "../topology.ts";
import type { Acks } from "./acks.ts";
import { backoffMs } from "./backoff.ts";
import { barest, deadCopy, retryCopy } from "./copies.ts";
import type { Outcome } from "./host/host.ts";
import type { Incoming } from "./incoming.ts";
import type { Outgoing, Publisher } from "./publisher.ts";
import type { Trace, TracedOutcome } from "./trace.ts";

export type SettlerOptions = {
  readonly queue: Queue;
  readonly project: string;
  readonly publisher: Publisher;
  /** A copy found no queue: something of the topology is gone. Never rejects. */
  readonly repair: () => Promise<void>;
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

type Ended = Exclude<Outcome, { readonly status: "held" }>;
type Failed = Exclude<Ended, { readonly status: "handled" }>;

/** How long a message waits whose handler met broker trouble, in milliseconds. */
const HOLD_MS = 1_000;

export class Settler {
  readonly #options: SettlerOptions;
  #holding = 0;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Broker trouble: nothing more of the queue should be started. */
  get isHolding(): boolean {
    return this.#holding > 0;
  }

  /** Resolves once the message is acked, or its channel is over. */
  async settle(message: Received, outcome: Ended, durationMs: number): Promise<void> {
    const copy = outcome.status === "handled" ? null : this.#copyFor(message, outcome);
    const isSafe = copy === null || (await this.#publishCopy(message, copy));
    if (!isSafe) return;
    message.subscription.acks.ack(message.raw.fields.deliveryTag);
    this.#note(message, outcome, copy, durationMs);
  }

  /** Waits before the same attempt is run again. */
  async hold(message: Received, reason: string): Promise<void> {
    this.#holding += 1;
    this.#warn(message, reason);
    await sleep(HOLD_MS);
    this.#holding -= 1;
  }

  #copyFor({ raw, incoming }: Received, outcome: Failed): Outgoing | null {
    const { queue, project } = this.#options;
    const delayMs = outcome.status === "dead" ? null : nextDelayMs(queue, incoming, outcome);
    if (delayMs !== null) return retryCopy(raw, incoming, { project, delayMs });
    if (queue.deadLetter === null) return null;
    return deadCopy(raw, incoming, { to: queue.deadLetter, cause: outcome.cause });
  }

  /** @returns false when the channel ended first: the broker has the message again. */
  async #publishCopy(message: Received, first: Outgoing): Promise<boolean> {
    let copy = first;
    let isHeld = false;
    try {
      for (let failures = 0; message.subscription.isLive; failures++) {
        const outcome = await this.#options.publisher.publish(copy, { isCopy: true });
        if (outcome.status === "confirmed") return true;
        if (!isHeld) this.#holding += 1;
        isHeld = true;
        this.#warn(message, outcome.message);
        if (outcome.status === "malformed") copy = barest(copy);
        if (outcome.status === "unroutable") await this.#options.repair();
        await sleep(backoffMs(failures));
      }
      return false;
    } finally {
      if (isHeld) this.#holding -= 1;
    }
  }

  #warn({ incoming }: Received, reason: string): void {
    const facts = { queue: this.#options.queue.name, messageId: incoming.message.id, reason };
    this.#options.log.warn(facts, "message held: the broker does not take what it leads to");
  }

  #note({ incoming }: Received, outcome: Ended, copy: Outgoing | null, durationMs: number): void {
    const { queue, trace, log } = this.#options;
    const { attempt, message } = incoming;
    const became = this.#became(outcome, copy);
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
    else if (became === "dropped") log.error(facts, "message dropped: deadLetter is none");
    else log.error(facts, "message dead-lettered");
  }

  #became(outcome: Ended, copy: Outgoing | null): TracedOutcome {
    if (outcome.status === "handled") return "handled";
    if (copy === null) return "dropped";
    return copy.exchange === retryExchange(this.#options.project) ? "retried" : "dead-lettered";
  }
}

/** The delay before the next attempt, in milliseconds; null when there is none left. */
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
