/** Watches the signs of life of a thread: whether its loop turns, and how much memory it takes. */
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import type { Pulse } from "./pulse.ts";
import { OUT_OF_MEMORY } from "./spawn.ts";

/**
 * What a thread that does not come to saying what is alive has on top of its limit: V8 may have
 * so much garbage before it collects for the first time.
 */
const SLACK_BYTES = 512 * 1024 * 1024;
/** A false alarm is followed by another one only after so much of the limit has been filled anew. */
const ROOM = 0.2;

export class Watch {
  readonly #pulse: Pulse;
  readonly #limits: Topology["worker"];
  readonly #onAlarm: (reason: string) => void;
  readonly #timer: NodeJS.Timeout;
  #lastBeats = -1;
  #lastCheck = performance.now();
  #silentMs = 0;
  #heapBytes = 0;
  #allowedBytes: number;
  /** Of the process, when `#heapBytes` was known: what it has grown since may be the thread's. */
  #rss = 0;
  #isAlarmed = false;
  #onFar: () => void = () => undefined;

  /** @param onAlarm once, unless `calm` is called. */
  constructor(pulse: Pulse, limits: Topology["worker"], onAlarm: (reason: string) => void) {
    this.#pulse = pulse;
    this.#limits = limits;
    this.#allowedBytes = limits.maxHeapBytes;
    this.#onAlarm = onAlarm;
    this.#timer = setInterval(() => this.#check(), NUMBERS.workerBeatMs);
    this.#timer.unref();
  }

  /** The alarm was false: so much is alive. */
  calm(heapBytes: number): void {
    const { maxHeapBytes } = this.#limits;
    this.#allowedBytes = Math.max(maxHeapBytes, heapBytes + ROOM * maxHeapBytes);
    this.#heapBytes = heapBytes;
    this.#rss = this.#residentBytes();
    this.#isAlarmed = false;
  }

  /** Resolves if the thread may be far above its limit before it is calm. */
  far(): Promise<null> {
    return new Promise((resolve) => {
      this.#onFar = () => resolve(null);
    });
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const { beats, heapBytes } = this.#pulse;
    const rss = this.#residentBytes();
    const sinceMs = performance.now() - this.#lastCheck;
    this.#lastCheck += sinceMs;
    if (beats !== this.#lastBeats) {
      this.#lastBeats = beats;
      this.#silentMs = 0;
      this.#heapBytes = heapBytes;
      this.#rss = rss;
    } else {
      // While this thread itself stood still, nothing is known of the other.
      this.#silentMs += Math.min(sinceMs, 2 * NUMBERS.workerBeatMs);
    }
    const { blockedMs, maxHeapBytes } = this.#limits;
    const bytes = this.#heapBytes + rss - this.#rss;
    if (bytes > maxHeapBytes + SLACK_BYTES) this.#onFar();
    if (this.#silentMs >= blockedMs) this.#alarm(`blocked for ${blockedMs} ms`);
    else if (bytes > this.#allowedBytes) this.#alarm(OUT_OF_MEMORY);
  }

  #residentBytes(): number {
    try {
      return process.memoryUsage.rss();
    } catch {
      // Linux says it in a file, and the process may have no file left to open: nothing has grown.
      return this.#rss;
    }
  }

  #alarm(reason: string): void {
    if (this.#isAlarmed) return;
    this.#isAlarmed = true;
    this.#onAlarm(reason);
  }
}
