/** What is told of a queue's messages as they end: to whoever traces one, and to the log. */
import { retryExchange } from "../../apply/objects.ts";
import type { Log } from "../../handler.ts";
import type { Queue } from "../../topology.ts";
import type { Ended } from "../host/host.ts";
import type { Outgoing } from "../publish/publisher.ts";
import type { Trace, TracedOutcome } from "../trace.ts";
import type { Incoming } from "./incoming.ts";

export type NotesOptions = {
  /** As the topology in force says it. */
  readonly queue: () => Queue;
  readonly trace: Trace;
  readonly log: Log;
};

export class Notes {
  readonly #options: NotesOptions;

  constructor(options: NotesOptions) {
    this.#options = options;
  }

  /** A run has ended, and this became of its message. */
  ended(incoming: Incoming, outcome: Ended, became: TracedOutcome, durationMs: number): void {
    this.#trace(incoming, became, durationMs);
    if (outcome.status === "handled") return;
    const { log } = this.#options;
    const { reason, error } = outcome.cause;
    const { attempt } = incoming;
    const facts = { ...this.#factsOf(incoming), attempt, reason, error };
    if (became === "retried") log.warn(facts, "message retried");
    else if (became === "dropped") log.error(facts, "message dropped: nothing is to keep it");
    else log.error(facts, "message dead-lettered");
  }

  duplicate(incoming: Incoming): void {
    this.#trace(incoming, "duplicate", 0);
    this.#options.log.debug(this.#factsOf(incoming), "message acked: it was handled before");
  }

  expired(incoming: Incoming, error: string): void {
    this.#trace(incoming, "expired", 0);
    const facts = { ...this.#factsOf(incoming), error };
    this.#options.log.debug(facts, "request ended: its caller waits no longer");
  }

  held(incoming: Incoming, reason: string): void {
    const facts = { ...this.#factsOf(incoming), reason };
    this.#options.log.warn(facts, "message held: the broker does not take what it leads to");
  }

  /** It was acknowledged on delivery, and could not be ended before the runner does. */
  lost(incoming: Incoming): void {
    const facts = this.#factsOf(incoming);
    this.#options.log.error(facts, "message lost: it was acknowledged on delivery");
  }

  #factsOf({ message }: Incoming) {
    return { queue: this.#options.queue().name, messageId: message.id };
  }

  #trace({ attempt, message }: Incoming, outcome: TracedOutcome, durationMs: number): void {
    const { name: queue, handler } = this.#options.queue();
    const ms = Math.round(durationMs * 10) / 10;
    this.#options.trace.add(message.id, {
      queue,
      handler: handler?.name ?? "",
      attempt,
      outcome,
      ms,
    });
  }
}

/** @param copy what is published in the message's place; null: nothing. */
export function whatBecame(project: string, outcome: Ended, copy: Outgoing | null): TracedOutcome {
  if (outcome.status === "handled") return "handled";
  if (copy === null) return "dropped";
  return copy.exchange === retryExchange(project) ? "retried" : "dead-lettered";
}
