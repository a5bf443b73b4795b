/** Runs the handlers of one generation on the thread that it is made on. */
import type { EventReader } from "../../events/reader.ts";
import type { HandlerModule } from "../../handler.ts";
import { eventsOfQueue } from "../../routing/events.ts";
import type { Delivery, Outcome, Result } from "./host.ts";
import { oneLine, Run, type RunOptions, type Workplace } from "./run.ts";

export type HandlerThreadOptions = RunOptions & {
  readonly reader: EventReader;
  /** By queue. */
  readonly modules: Readonly<Record<string, HandlerModule>>;
  readonly onResult: (result: Result) => void;
};

export class HandlerThread {
  readonly #options: HandlerThreadOptions;
  readonly #workplaces = new Map<string, Workplace>();

  constructor(options: HandlerThreadOptions) {
    this.#options = options;
    for (const queue of Object.values(options.topology.queues)) {
      const module = options.modules[queue.name];
      if (!module) continue;
      this.#workplaces.set(queue.name, {
        queue,
        module,
        events: eventsOfQueue(options.topology, queue.name),
      });
    }
  }

  /** Starts a run for each; never throws. */
  deliver(batch: readonly Delivery[]): void {
    for (const delivery of batch) void this.#handle(delivery);
  }

  async #handle(delivery: Delivery): Promise<void> {
    const started = performance.now();
    const outcome = await this.#outcome(delivery);
    const { id, queue } = delivery;
    this.#options.onResult({ id, queue, outcome, durationMs: performance.now() - started });
  }

  async #outcome(delivery: Delivery): Promise<Outcome> {
    const workplace = this.#workplaces.get(delivery.queue);
    if (!workplace) return { status: "held", reason: "the queue has no handler" };
    const read = this.#options.reader.read(delivery.message, workplace.events);
    if (!read.ok) {
      const reason = read.code === "unknown-event" ? "unexpected-event" : read.code;
      const { message: error, violations } = read;
      return { status: "dead", cause: { reason, error: oneLine(error), violations } };
    }
    return await new Run(delivery, workplace, this.#options).outcome(read.event);
  }
}
