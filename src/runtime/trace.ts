/** The last deliveries by message id, for people who try things out; bounded, in memory. */
import { PassingMap } from "../passing-map.ts";

/** `expired`: a request that no handler had, since its caller waits no longer. */
export type TracedOutcome =
  | "handled"
  | "duplicate"
  | "retried"
  | "dead-lettered"
  | "dropped"
  | "expired";

export type TracedDelivery = {
  readonly queue: string;
  readonly handler: string;
  readonly attempt: number;
  readonly outcome: TracedOutcome;
  /** Of the handler's run. */
  readonly ms: number;
};

const MAX_MESSAGES = 1_000;

export class Trace {
  readonly #deliveries = new PassingMap<string, TracedDelivery[]>();

  add(messageId: string, delivery: TracedDelivery): void {
    const known = this.#deliveries.delete(messageId);
    this.#deliveries.set(messageId, known ? [...known.slice(-99), delivery] : [delivery]);
    if (this.#deliveries.size <= MAX_MESSAGES) return;
    const { value: oldest } = this.#deliveries.keys().next();
    if (oldest !== undefined) this.#deliveries.delete(oldest);
  }

  /** What has ended, oldest first. */
  of(messageId: string): readonly TracedDelivery[] {
    return this.#deliveries.get(messageId) ?? [];
  }
}
