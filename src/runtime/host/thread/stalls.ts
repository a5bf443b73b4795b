/** How long the loop of this thread has not turned, in all. */
export class Stalls {
  readonly #everyMs: number;
  #totalMs = 0;
  #last = performance.now();

  /** @param everyMs how often `turned` is called, if nothing is in the way. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  turned(): void {
    this.#totalMs += this.#lateMs();
    this.#last = performance.now();
  }

  /** Up to now, in milliseconds. */
  get totalMs(): number {
    return this.#totalMs + this.#lateMs();
  }

  #lateMs(): number {
    const late = performance.now() - this.#last - this.#everyMs;
    // A little late is the usual way of timers.
    return late < this.#everyMs ? 0 : late;
  }
}
