/** Runs deliveries that may have ended a thread, one at a time, on a thread where nothing else runs. */
import type { Delivery } from "./host.ts";
import type { RemoteThread } from "./remote-thread.ts";

export type QuarantineOptions = {
  /** Of the handlers that are in use now; null: there is no use for it any more. */
  readonly start: () => Promise<RemoteThread | null>;
  readonly isCurrent: (thread: RemoteThread) => boolean;
};

export class Quarantine {
  readonly #options: QuarantineOptions;
  #suspects: Delivery[] = [];
  #alone: Delivery | null = null;
  #thread: RemoteThread | null = null;
  #isStarting = false;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#suspects.length + (this.#alone === null ? 0 : 1);
  }

  owns(thread: RemoteThread): boolean {
    return thread === this.#thread;
  }

  /** They run before those that wait already, the first of them first. */
  add(suspects: readonly Delivery[]): void {
    this.#suspects.unshift(...suspects);
    void this.#next();
  }

  /** The one that runs has a result. */
  acquit(): void {
    this.#alone = null;
    // The next would not be alone with one that does not let go, or with what those before it kept.
    if (this.#thread?.isTired) this.#endThread();
    void this.#next();
  }

  /** Its thread has ended. @returns the one that was alone with it. */
  lost(): Delivery | null {
    const alone = this.#alone;
    this.#alone = null;
    this.#thread = null;
    return alone;
  }

  /** Lets those go that nothing is known against. */
  release(isInnocent: (delivery: Delivery) => boolean): readonly Delivery[] {
    const released = this.#suspects.filter(isInnocent);
    this.#suspects = this.#suspects.filter((delivery) => !isInnocent(delivery));
    void this.#next();
    return released;
  }

  async #next(): Promise<void> {
    if (this.#alone || this.#isStarting) return;
    if (this.#suspects.length === 0) {
      this.#endThread();
      return;
    }
    if (this.#thread && !this.#options.isCurrent(this.#thread)) this.#endThread();
    if (!this.#thread) {
      this.#isStarting = true;
      this.#thread = await this.#options.start();
      this.#isStarting = false;
    }
    const [suspect, ...others] = this.#suspects;
    if (!suspect || !this.#thread) {
      this.#endThread();
      return;
    }
    this.#suspects = others;
    this.#alone = suspect;
    this.#thread.deliver([suspect]);
  }

  #endThread(): void {
    this.#thread?.end();
    this.#thread = null;
  }
}
