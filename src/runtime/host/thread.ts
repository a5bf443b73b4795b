/** Runs the handlers of one generation on the thread that it is made on. */
import type { EventReader } from "../../events/reader.ts";
import type { HandlerModule, Log } from "../../handler.ts";
import { eventsOfQueue } from "../../routing/events.ts";
import type { Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish.ts";
import { oneLine } from "./cause.ts";
import type { Delivery } from "./host.ts";
import type { NumberedRun } from "./packing.ts";
import type { RunOutcome, RunResult } from "./protocol.ts";
import { functionOf, Run, type RunOptions, type Workplace } from "./run.ts";

export type HandlerThreadOptions = {
  readonly topology: Topology;
  readonly reader: EventReader;
  /** By queue. */
  readonly modules: Readonly<Record<string, HandlerModule>>;
  readonly log: Log;
  readonly stalls: RunOptions["stalls"];
  /** Which run is in its first synchronous part; 0: none is. */
  readonly pulse: { run: number };
  readonly publish: (request: PublishRequest, run: number) => Promise<Published>;
  readonly onResult: (result: RunResult) => void;
  /** The function of a run whose result was loose has ended. */
  readonly onEnded: (run: number) => void;
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
        run: functionOf(module),
        events: eventsOfQueue(options.topology, queue.name),
      });
    }
  }

  /** Starts each; never throws. */
  start(batch: readonly NumberedRun[]): void {
    for (const run of batch) {
      this.#options.pulse.run = run.run;
      void this.#handle(run);
    }
    this.#options.pulse.run = 0;
  }

  async #handle({ run: number, delivery }: NumberedRun): Promise<void> {
    const { onResult, onEnded } = this.#options;
    const started = performance.now();
    const opened = this.#open(number, delivery);
    const outcome = opened.run ? await opened.run.outcome(opened.event) : opened.outcome;
    const isLoose = opened.run?.onEnd(() => onEnded(number)) ?? false;
    onResult({ run: number, outcome, durationMs: performance.now() - started, isLoose });
  }

  /** A run with its event, or what became of the message without one. */
  #open(
    number: number,
    delivery: Delivery,
  ):
    | { readonly run: Run; readonly event: unknown }
    | { readonly run: null; readonly outcome: RunOutcome } {
    const { topology, reader, log, stalls, publish } = this.#options;
    const workplace = this.#workplaces.get(delivery.queue);
    if (!workplace) {
      return { run: null, outcome: { status: "held", reason: "the queue has no handler" } };
    }
    const read = reader.read(delivery.message, workplace.events);
    if (!read.ok) {
      const reason = read.code === "unknown-event" ? "unexpected-event" : read.code;
      const { message: error, violations } = read;
      const cause = { reason, error: oneLine(error), violations } as const;
      return { run: null, outcome: { status: "dead", cause } };
    }
    const send = (request: PublishRequest) => publish(request, number);
    const run = new Run(delivery, workplace, { topology, log, stalls, publish: send });
    return { run, event: read.event };
  }
}
