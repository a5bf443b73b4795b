/** Watches the signs of life of a thread: whether its loop turns, and how much memory it takes. */
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import type { Pulse } from "./pulse.ts";
import { OUT_OF_MEMORY } from "./spawn.ts";

/** The threads of this process that give no sign of life: which of several has grown, nobody knows. */
const silent = new Set<Watch>();

/** A thread that does not say what it takes, since it is busy, is ended above so many limits. */
const OVER = 1.5;

export class Watch {
  readonly #pulse: Pulse;
  readonly #limits: Topology["worker"];
  readonly #onDoomed: (reason: string) => void;
  readonly #timer: NodeJS.Timeout;
  #lastBeats = -1;
  #lastCheck = performance.now();
  #silentMs = 0;
  /** Of the process, at the last beat: what it has grown since is the busy thread's. */
  #rssAtBeat = 0;

  /** @param onDoomed the thread has to go; called once. */
  constructor(pulse: Pulse, limits: Topology["worker"], onDoomed: (reason: string) => void) {
    this.#pulse = pulse;
    this.#limits = limits;
    this.#onDoomed = onDoomed;
    this.#timer = setInterval(() => this.#check(), NUMBERS.workerBeatMs);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
    silent.delete(this);
  }

  #check(): void {
    const { beats, heapBytes } = this.#pulse;
    const rss = this.#residentBytes();
    const sinceMs = performance.now() - this.#lastCheck;
    this.#lastCheck += sinceMs;
    if (beats !== this.#lastBeats) {
      this.#lastBeats = beats;
      this.#silentMs = 0;
      this.#rssAtBeat = rss;
      silent.delete(this);
      return;
    }
    silent.add(this);
    // While this thread itself stood still, nothing is known of the other.
    this.#silentMs += Math.min(sinceMs, 2 * NUMBERS.workerBeatMs);
    const { blockedMs, maxHeapBytes } = this.#limits;
    const isOver = heapBytes + rss - this.#rssAtBeat > OVER * maxHeapBytes;
    if (isOver && silent.size === 1) this.#doom(OUT_OF_MEMORY);
    else if (this.#silentMs >= blockedMs) this.#doom(`blocked for ${blockedMs} ms`);
  }

  #residentBytes(): number {
    try {
      return process.memoryUsage.rss();
    } catch {
      // Linux says it in a file, and the process may have no file left to open: nothing has grown.
      return this.#rssAtBeat;
    }
  }

  #doom(reason: string): void {
    this.end();
    this.#onDoomed(reason);
  }
}
