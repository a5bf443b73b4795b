/** One timer that rings at the earliest of the times it was set to. */

/** The longest that a timer of Node waits. */
const MAX_WAIT_MS = 2 ** 31 - 1;

export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | null = null;
  #at = Number.POSITIVE_INFINITY;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** @param at by the monotonic clock, in milliseconds; later than it is set to: nothing changes. */
  setBy(at: number): void {
    if (at >= this.#at) return;
    this.clear();
    this.#at = at;
    // A timer may fire up to a millisecond early.
    const waitMs = Math.min(Math.max(0, Math.ceil(at - performance.now())), MAX_WAIT_MS);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#at = Number.POSITIVE_INFINITY;
      if (performance.now() < at) this.setBy(at);
      else this.#ring();
    }, waitMs);
  }

  clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
