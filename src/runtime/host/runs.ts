/** What one thread was given: runs without a result, and those whose function goes on after it. */
import { NUMBERS } from "../../numbers.ts";
import { PassingMap } from "../../passing-map.ts";
import type { Delivery } from "./host.ts";
import type { NumberedRun } from "./packing.ts";
import type { RunOutcome, RunResult } from "./protocol.ts";

export type ThreadResult = {
  readonly delivery: Delivery;
  readonly outcome: RunOutcome;
  readonly durationMs: number;
};

export type RunsPorts = {
  /** The function of a run of this queue has ended, at its result or later. */
  readonly onLeft: (queue: string) => void;
  /** It goes on long after its time was over. */
  readonly onStuck: (queue: string) => void;
};

export class Runs {
  readonly #ports: RunsPorts;
  readonly #inFlight = new PassingMap<number, Delivery>();
  readonly #loose = new Map<number, string>();
  #last = 0;

  constructor(ports: RunsPorts) {
    this.#ports = ports;
  }

  get inFlight(): readonly Delivery[] {
    return [...this.#inFlight.values()];
  }

  get isEmpty(): boolean {
    return this.#inFlight.size === 0;
  }

  get isLoose(): boolean {
    return this.#loose.size > 0;
  }

  /** null: it has its result. */
  get(run: number): Delivery | null {
    return this.#inFlight.get(run) ?? null;
  }

  open(batch: readonly Delivery[]): readonly NumberedRun[] {
    return batch.map((delivery) => {
      const run = ++this.#last;
      this.#inFlight.set(run, delivery);
      return { run, delivery };
    });
  }

  close(results: readonly RunResult[]): readonly ThreadResult[] {
    return results.flatMap(({ run, outcome, durationMs, isLoose }) => {
      const delivery = this.#inFlight.delete(run);
      if (!delivery) return [];
      if (isLoose) this.#watch(run, delivery.queue);
      else this.#ports.onLeft(delivery.queue);
      return [{ delivery, outcome, durationMs }];
    });
  }

  /** The functions of runs with a result have ended. */
  leave(runs: Iterable<number>): void {
    for (const run of runs) {
      const queue = this.#loose.get(run);
      if (this.#loose.delete(run) && queue !== undefined) this.#ports.onLeft(queue);
    }
  }

  /** The thread is gone, and with it every function. */
  end(): void {
    this.leave([...this.#loose.keys()]);
  }

  #watch(run: number, queue: string): void {
    this.#loose.set(run, queue);
    const check = () => {
      if (this.#loose.has(run)) this.#ports.onStuck(queue);
    };
    setTimeout(check, NUMBERS.workerGraceMs).unref();
  }
}
