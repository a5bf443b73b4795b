/** Runs the handlers of one generation on the thread that it is made on. */
import type { EventReader, ReadResult } from "../../../events/reader.ts";
import type { HandlerModule, Log } from "../../../handler.ts";
import { eventsOfQueue } from "../../../routing/events.ts";
import type { Topology } from "../../../topology.ts";
import type { Published, PublishRequest } from "../../publish/publish.ts";
import type { Called, CallRequest } from "../../rpc/call.ts";
import { createReplyCheck } from "../../rpc/reply-check.ts";
import type { Delivery } from "../host.ts";
import type { NumberedRun } from "../packing.ts";
import type { RunOutcome, RunResult } from "../protocol.ts";
import { oneLine, readFailure } from "./cause.ts";
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
  readonly call: (request: CallRequest, run: number) => Promise<Called>;
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
        reply: queue.rpc ? createReplyCheck(options.topology.replies[queue.name]) : null,
      });
    }
  }

  /** Starts each; never throws. */
  start(batch: readonly NumberedRun[]): void {
    const { pulse, onResult } = this.#options;
    for (const { run, delivery } of batch) {
      pulse.run = run;
      try {
        this.#start(run, delivery);
      } catch (error) {
        // A bug of ours: it ends this run, and no other.
        onResult({ run, outcome: readFailure(error), durationMs: 0, isLoose: false });
      }
    }
    pulse.run = 0;
  }

  #start(number: number, delivery: Delivery): void {
    const started = performance.now();
    const { reader, onResult, onEnded } = this.#options;
    const onOutcome = (outcome: RunOutcome, isLoose: boolean) =>
      onResult({ run: number, outcome, durationMs: performance.now() - started, isLoose });
    const workplace = this.#workplaces.get(delivery.queue);
    if (!workplace) {
      onOutcome({ status: "held", reason: "the queue has no handler" }, false);
      return;
    }
    const read = reader.read(delivery.message, workplace.events);
    if (!read.ok) {
      onOutcome(unreadable(read), false);
      return;
    }
    const publish = (request: PublishRequest) => this.#options.publish(request, number);
    const call = (request: CallRequest) => this.#options.call(request, number);
    const options = { ...this.#options, publish, call };
    const onEnd = () => onEnded(number);
    new Run(delivery, workplace, options, { onOutcome, onEnd }).start(read.event);
  }
}

function unreadable(read: Exclude<ReadResult, { ok: true }>): RunOutcome {
  const { code, message, violations, schema } = read;
  const reason = code === "unknown-event" ? "unexpected-event" : code;
  const cause = { reason, error: oneLine(message), violations } as const;
  return { status: "dead", cause: schema === null ? cause : { ...cause, schema } };
}
