import { Pausing } from "./pausing.ts";

/** One that runs a queue's handler. */
export type Sharer = {
  /** Runs under way. */
  readonly inFlight: number;
  /** A slot may be free. */
  wake(): void;
  /** The queue is paused, or goes on. */
  obey(): void;
};

/** The runs that a queue's handler may have at once, whichever of its consumers begins them. */
export class Slots {
  readonly #sharers = new Set<Sharer>();
  /** Nothing begins while there is a reason. */
  readonly pausing = new Pausing(() => {
    for (const sharer of this.#sharers) sharer.obey();
  });

  get taken(): number {
    let taken = 0;
    for (const { inFlight } of this.#sharers) taken += inFlight;
    return taken;
  }

  join(sharer: Sharer): void {
    this.#sharers.add(sharer);
  }

  leave(sharer: Sharer): void {
    this.#sharers.delete(sharer);
  }

  /** The others come first, so that none of them waits for ever. */
  freed(by: Sharer): void {
    for (const sharer of this.#sharers) if (sharer !== by) sharer.wake();
    by.wake();
  }
}
