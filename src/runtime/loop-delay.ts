/** How late the loop of this thread turns: HTTP and the broker wait for it. */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** In milliseconds; all but `worstMs` are of the last half minute at least, and of a minute at most. */
export type LoopDelayStatus = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Since the start. */
  readonly worstMs: number;
};

/** How often it is looked at, in milliseconds; so much is in every value that Node measures. */
const EVERY_MS = 20;

const HALF_A_MINUTE_MS = 30_000;

export class LoopDelay {
  /** Of two that begin half a minute apart the one that has seen more. */
  #older = monitor();
  #newer = monitor();
  #worstMs = 0;
  readonly #turns = setInterval(() => this.#turn(), HALF_A_MINUTE_MS).unref();

  get status(): LoopDelayStatus {
    const maxMs = lateMs(this.#older.max);
    return {
      p50Ms: lateMs(this.#older.percentile(50)),
      p99Ms: lateMs(this.#older.percentile(99)),
      maxMs,
      worstMs: Math.max(this.#worstMs, maxMs),
    };
  }

  end(): void {
    clearInterval(this.#turns);
    this.#older.disable();
    this.#newer.disable();
  }

  #turn(): void {
    this.#worstMs = this.status.worstMs;
    const oldest = this.#older;
    this.#older = this.#newer;
    this.#newer = oldest;
    oldest.reset();
  }
}

function monitor(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: EVERY_MS });
  histogram.enable();
  return histogram;
}

function lateMs(nanoseconds: number): number {
  return Math.round(Math.max(0, nanoseconds / 1e6 - EVERY_MS) * 10) / 10;
}
