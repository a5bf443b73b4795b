/** Why a queue is paused: as long as there is a reason, nothing of it begins, and nothing waits here. */

/** For /health; times are RFC 3339, of this machine's clock. */
export type Pause = {
  readonly reason: string;
  readonly since: string;
  /** null: nobody knows yet. */
  readonly until: string | null;
};

export class Pausing {
  readonly #pauses = new Set<Pause>();
  readonly #onChange: () => void;

  /** @param onChange it has begun, or is over. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get isPaused(): boolean {
    return this.#pauses.size > 0;
  }

  /** Those of this moment, oldest first. */
  get pauses(): readonly Pause[] {
    return [...this.#pauses];
  }

  /**
   * @param forMs how long it is meant to last, for who reads it; null: nobody knows.
   * @returns ends this reason; a second call does nothing.
   */
  add(reason: string, forMs: number | null): () => void {
    const now = Date.now();
    const until = forMs === null ? null : new Date(now + forMs).toISOString();
    const pause = { reason, since: new Date(now).toISOString(), until };
    this.#pauses.add(pause);
    if (this.#pauses.size === 1) this.#onChange();
    return () => {
      if (this.#pauses.delete(pause) && !this.isPaused) this.#onChange();
    };
  }

  /**
   * Waits for a time, and is paused meanwhile if there is a reason.
   *
   * @param onOver is called when the time is over, and before the pause is.
   * @returns ends it early, without `onOver`.
   */
  rest(ms: number, reason: string | null, onOver: () => void): () => void {
    const release = reason === null ? () => undefined : this.add(reason, ms);
    const timer = setTimeout(() => {
      onOver();
      release();
    }, ms);
    return () => {
      clearTimeout(timer);
      release();
    };
  }
}
