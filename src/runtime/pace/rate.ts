/**
 * How often runs may begin: a bucket of tokens that fills evenly, by the monotonic clock. It holds a
 * tenth of a second's worth, or one. When the next token is more than a moment away the queue is
 * paused, so that no message waits here for it.
 */
import { NUMBERS } from "../../numbers.ts";
import type { Pausing } from "./pausing.ts";

/** What is not used up within so long is lost: nothing begins in bursts, in milliseconds. */
const BURST_MS = 100;
const HOUR_MS = 3_600_000;
/** Sums of fractions may stay below a whole. */
const EPSILON = 1e-6;

export type RateOptions = {
  readonly pausing: Pausing;
  /** A run may begin. */
  readonly onToken: () => void;
};

export class RateLimit {
  readonly #options: RateOptions;
  #perHour: number | null = null;
  #tokens = 1;
  /** When the tokens were counted. */
  #at = performance.now();
  /** null: nobody waits. */
  #endRest: (() => void) | null = null;

  constructor(options: RateOptions) {
    this.#options = options;
  }

  /** Runs that may begin now. */
  get room(): number {
    if (this.#perHour === null) return Number.POSITIVE_INFINITY;
    const now = performance.now();
    const perMs = this.#perHour / HOUR_MS;
    const most = Math.max(1, perMs * BURST_MS);
    this.#tokens = Math.min(most, this.#tokens + (now - this.#at) * perMs);
    this.#at = now;
    return Math.floor(this.#tokens + EPSILON);
  }

  /** @param perHour null: as they come. */
  adopt(perHour: number | null): void {
    if (perHour === this.#perHour) return;
    this.end();
    this.#perHour = perHour;
    this.#at = performance.now();
  }

  /** So many begin; there is room for them. */
  begin(count: number): void {
    if (this.#perHour === null) return;
    this.#tokens -= count;
    if (this.#nextMs() > NUMBERS.rateAheadMs) this.#wait();
  }

  /** A message waits for the next token: `onToken` says when it is there. */
  expect(): void {
    if (this.#perHour !== null) this.#wait();
  }

  /** Nobody waits any more. */
  end(): void {
    this.#endRest?.();
    this.#endRest = null;
  }

  #wait(): void {
    if (this.#endRest) return;
    const ms = this.#nextMs();
    const reason = ms > NUMBERS.rateAheadMs ? "its rate is used up" : null;
    this.#endRest = this.#options.pausing.rest(Math.ceil(ms), reason, () => {
      this.end();
      this.#options.onToken();
    });
  }

  #nextMs(): number {
    if (this.#perHour === null || this.room >= 1) return 0;
    return ((1 - this.#tokens) * HOUR_MS) / this.#perHour;
  }
}
