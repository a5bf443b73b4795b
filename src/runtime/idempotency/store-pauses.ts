import type { Queue } from "../../topology.ts";

type Pausable = { readonly queue: Queue; pause(reason: string): () => void };

/** Leaves the queues alone that need the store, while it is away. */
export class StorePauses {
  readonly #ends = new Map<Pausable, () => void>();

  /**
   * @param consumers all that there are.
   * @param reason why the store is away; null: it answers.
   */
  apply(consumers: readonly Pausable[], reason: string | null): void {
    const needy = consumers.filter(({ queue }) => reason !== null && queue.idempotency !== null);
    for (const [consumer, end] of this.#ends) {
      if (needy.includes(consumer)) continue;
      this.#ends.delete(consumer);
      end();
    }
    for (const consumer of needy) {
      if (this.#ends.has(consumer)) continue;
      this.#ends.set(consumer, consumer.pause(reason ?? ""));
    }
  }
}
