/** Waits that somebody else can cut short. */
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

export class Pauses {
  #cut = cutter();
  #isOver = false;

  /** Nobody waits any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async wait(ms: number): Promise<void> {
    if (this.#isOver) return;
    await sleep(ms, undefined, { signal: this.#cut.signal }).catch(() => undefined);
  }

  /** Waits for a value; undefined if the wait is cut short. */
  async until<T>(value: Promise<T>): Promise<T | undefined> {
    if (this.#isOver) return undefined;
    const { signal } = this.#cut;
    let onCut: () => void = () => undefined;
    const cut = new Promise<undefined>((resolve) => {
      onCut = () => resolve(undefined);
      signal.addEventListener("abort", onCut);
    });
    return await Promise.race([value, cut]).finally(() =>
      signal.removeEventListener("abort", onCut),
    );
  }

  /** Ends the waits of this moment. */
  cut(): void {
    const before = this.#cut;
    this.#cut = cutter();
    before.abort();
  }

  /** Ends those of this moment and all later ones. */
  end(): void {
    this.#isOver = true;
    this.cut();
  }
}

/** As many may wait as a queue has messages here. */
function cutter(): AbortController {
  const cut = new AbortController();
  setMaxListeners(0, cut.signal);
  return cut;
}
