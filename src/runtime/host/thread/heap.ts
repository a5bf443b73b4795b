/** The memory of this thread. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export class Heap {
  readonly #collect: (options?: { readonly type: "minor" }) => void;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc");
  }

  /** Garbage included, and the buffers outside of the heap. */
  get usedBytes(): number {
    const { used_heap_size, external_memory } = getHeapStatistics();
    return used_heap_size + external_memory;
  }

  /** What is alive; takes a tenth of a second and more. */
  collect(): number {
    this.#collect();
    // Buffers are let go of aside, and count until another collection has waited for that.
    this.#collect({ type: "minor" });
    return this.usedBytes;
  }
}
