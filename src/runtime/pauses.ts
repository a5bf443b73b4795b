/** Waits that somebody else can cut short. */
import { setTimeout as sleep } from "node:timers/promises";

export class Pauses {
  #cut = new AbortController();
  #isOver = false;

  /** Nobody waits any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async wait(ms: number): Promise<void> {
    if (this.#isOver) return;
    await sleep(ms, undefined, { signal: this.#cut.signal }).catch(() => undefined);
  }

  /** Ends the waits of this moment. */
  cut(): void {
    const before = this.#cut;
    this.#cut = new AbortController();
    before.abort();
  }

  /** Ends those of this moment and all later ones. */
  end(): void {
    this.#isOver = true;
    this.cut();
  }
}
