/** How often each delivery has ended a thread, and how often it was there when nobody knew who did. */
import type { Topology } from "../../topology.ts";
import type { Delivery, Result } from "./host.ts";

export class Crashes {
  readonly #crashes = new WeakMap<Delivery, number>();
  readonly #doubts = new WeakMap<Delivery, number>();

  of(delivery: Delivery): number {
    return this.#crashes.get(delivery) ?? 0;
  }

  /** @returns its result once it has had its chances; else it runs again. */
  count(delivery: Delivery, reason: string, { worker }: Topology): Result | null {
    const crashes = this.of(delivery) + 1;
    this.#crashes.set(delivery, crashes);
    if (crashes < worker.maxCrashes) return null;
    const times = crashes === 1 ? "once" : `${crashes} times`;
    const error = `the handler ended its thread ${times}, at last: ${reason}`;
    const { id, queue } = delivery;
    const outcome = { status: "dead", cause: { reason: "handler-crash", error } } as const;
    return { id, queue, outcome, durationMs: 0 };
  }

  /** @returns whether it was there too often for a coincidence. */
  doubt(delivery: Delivery): boolean {
    const doubts = (this.#doubts.get(delivery) ?? 0) + 1;
    this.#doubts.set(delivery, doubts);
    return doubts > 1;
  }
}
