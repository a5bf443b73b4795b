/** How late the loop of this thread turns: HTTP and the broker wait for it. */
import { monitorEventLoopDelay } from "node:perf_hooks";

export type LoopDelayStatus = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** How often it is looked at, in milliseconds; so much is in every value that Node measures. */
const EVERY_MS = 20;

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: EVERY_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** Since the start, in milliseconds. */
  get status(): LoopDelayStatus {
    const histogram = this.#histogram;
    return {
      p50Ms: lateMs(histogram.percentile(50)),
      p99Ms: lateMs(histogram.percentile(99)),
      maxMs: lateMs(histogram.max),
    };
  }

  end(): void {
    this.#histogram.disable();
  }
}

function lateMs(nanoseconds: number): number {
  return Math.round(Math.max(0, nanoseconds / 1e6 - EVERY_MS) * 10) / 10;
}
