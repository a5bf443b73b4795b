/** Lets one run at a time into the handler of an ordered queue, whatever thread is to run it. */
import type { Topology } from "../../topology.ts";
import type { Delivery } from "./host.ts";

export class Turnstile {
  /** Ordered queues with a run, and what waits for its end. */
  readonly #waiting = new Map<string, Delivery[]>();

  /** Those that may run now. */
  enter(batch: readonly Delivery[], { queues }: Topology): readonly Delivery[] {
    return batch.filter((delivery) => {
      if (!queues[delivery.queue]?.ordered) return true;
      const waiting = this.#waiting.get(delivery.queue);
      if (waiting) waiting.push(delivery);
      else this.#waiting.set(delivery.queue, []);
      return waiting === undefined;
    });
  }

  /** The function of a run has ended: who may run now. */
  leave(queue: string): Delivery | null {
    const next = this.#waiting.get(queue)?.shift();
    if (!next) this.#waiting.delete(queue);
    return next ?? null;
  }
}
