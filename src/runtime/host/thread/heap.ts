/** Whether what is alive on the heap of this thread nearly fills it. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Above this part of the limit garbage is collected, to see what is alive. */
const SUSPECT = 0.8;
/** With so much alive, collecting would be all that a thread does. */
const FULL = 0.6;

export class Heap {
  readonly #maxBytes: number;
  readonly #collect: () => void;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc");
  }

  /** Garbage included, and the buffers outside of the heap. */
  get usedBytes(): number {
    const { used_heap_size, external_memory } = getHeapStatistics();
    return used_heap_size + external_memory;
  }

  isFull(): boolean {
    if (this.usedBytes < SUSPECT * this.#maxBytes) return false;
    this.#collect();
    return this.usedBytes > FULL * this.#maxBytes;
  }
}
