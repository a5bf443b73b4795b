/** How much the messages of a broker take, and whether that is too much. */

/** What they may take unless it is said: RabbitMQ has a part of the machine's memory. */
export const MAX_STORED_BYTES = 512 * 1024 * 1024;
/** Publishers go on below this part of it, so that they do not stop and go for every message. */
const ENOUGH = 0.9;
/** About what a message takes besides its bytes. */
export const MESSAGE_OVERHEAD_BYTES = 1024;

export class Memory {
  readonly #maxBytes: number;
  readonly #onRelief: () => void;
  #stored = 0;
  #isFull = false;

  /** @param onRelief called, not at once, when there is room again. */
  constructor(maxBytes: number, onRelief: () => void) {
    this.#maxBytes = maxBytes;
    this.#onRelief = onRelief;
  }

  /** Publishers have to wait. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get storedBytes(): number {
    return this.#stored;
  }

  /** A message is kept once more, or less; `bytes` as it counts them. */
  add(bytes: number): void {
    this.#stored += bytes;
    if (this.#stored > this.#maxBytes) this.#isFull = true;
    else if (this.#isFull && this.#stored < ENOUGH * this.#maxBytes) {
      this.#isFull = false;
      // Somebody is in the middle of something.
      setImmediate(this.#onRelief);
    }
  }
}
