/**
 * Signs of life of a handler thread, in memory that the runner's thread reads also while the other
 * is busy.
 */
const BEATS = 0;
const RUN = 1;
const HEAP_KIB = 2;

export class Pulse {
  readonly shared: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(shared = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#cells = new Int32Array(shared);
  }

  /** Written at every turn of the thread's loop that is `NUMBERS.workerBeatMs` after the last. */
  beat(heapBytes: number): void {
    Atomics.store(this.#cells, HEAP_KIB, heapBytes / 1024);
    Atomics.add(this.#cells, BEATS, 1);
  }

  get beats(): number {
    return Atomics.load(this.#cells, BEATS);
  }

  /** In use at the last beat, garbage included. */
  get heapBytes(): number {
    return Atomics.load(this.#cells, HEAP_KIB) * 1024;
  }

  /** The run whose handler is in its first synchronous part; 0: none is. */
  get run(): number {
    return Atomics.load(this.#cells, RUN);
  }

  set run(run: number) {
    Atomics.store(this.#cells, RUN, run);
  }
}
