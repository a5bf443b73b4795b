/** What is known of a queue without a broker: from its file alone. */
import { delayQueue, desiredObjects, requeueExchange } from "../apply/objects.ts";
import { fieldType } from "../apply/wire.ts";
import type { Place } from "../errors.ts";
import { MatchedPolicies } from "../loader/lint/matched.ts";
import { eventsOfQueue } from "../routing/events.ts";
import { reachable } from "../routing/reach.ts";
import {
  type Arguments,
  type ArgumentValue,
  type Binding,
  deadLetterRoute,
  type Policy,
  type Queue,
  type ReplySchema,
  type Topology,
} from "../topology.ts";
import { type Cause, deadLettersOf, failuresOf, type LetterWay, lossesOf } from "./dead-ways.ts";

export type Explanation = {
  readonly queue: Pick<Queue, "name" | "type" | "external" | "ordered" | "at"> & {
    /** null: parked. */
    readonly handler: Queue["handler"];
    readonly concurrency: number | null;
    readonly prefetch: number | null;
    readonly timeoutMs: number | null;
    /** null: all that fails. */
    readonly retryOn: Queue["retryOn"];
    readonly rejectOn: Queue["rejectOn"];
    /** null: none. */
    readonly idempotency: Queue["idempotency"];
    /** What is not the default, of a queue with a handler. */
    readonly consumerPriority: number;
    readonly ratePerHour: number | null;
    readonly breaker: Queue["breaker"];
    readonly acksOnDelivery: boolean;
    readonly autoDelete: boolean;
    readonly exclusive: boolean;
  };
  /** What is declared, with the AMQP type by which it travels; nothing of an external queue. */
  readonly arguments: readonly {
    readonly name: string;
    readonly value: ArgumentValue;
    readonly type: string;
  }[];
  /** Policies of the file that apply to it, the one in force first. */
  readonly policies: readonly Pick<Policy, "name" | "priority" | "definition" | "at">[];
  /** Every binding on a way to it, its own first; `alternateOf`: an exchange hands on what it can't route. */
  readonly bindings: readonly Inflow[];
  /** Queues whose dead letters can come to it. */
  readonly deadLettersOf: readonly string[];
  /** null: any JSON may arrive. */
  readonly events: readonly string[] | null;
  /** Every attempt; none for a queue without a handler. */
  readonly attempts: readonly Attempt[];
  readonly deadLetters: readonly LetterWay[];
  /** What a request is answered with; null: nobody replies. */
  readonly reply: Reply | null;
  /** How a message can vanish unhandled, a sentence each. */
  readonly losses: readonly string[];
};

export type Inflow =
  | (Omit<Binding, "arguments"> & { readonly arguments: Arguments })
  | { readonly alternateOf: string; readonly destination: string; readonly at: Place };

/** It goes to the request's `reply_to`, through the default exchange, with its `correlation_id`. */
export type Reply = {
  /** null: any JSON. */
  readonly schema: Pick<ReplySchema, "file" | "version"> | null;
  /** An error in its place, once, when it has come to this. */
  readonly errors: readonly Cause[];
};

export type Attempt = {
  readonly attempt: number;
  /** Since the end of the one before; 0 for the first. */
  readonly afterMs: number;
  /** Of all delays until then; what runs and waits in the queue comes on top. */
  readonly totalMs: number;
  /** The delay queue; null: it is the first, or an ordered queue waits in place. */
  readonly through: string | null;
};

/** @param queue one of the topology's. */
export function explainQueue(topology: Topology, queue: Queue): Explanation {
  const { name, type, external, ordered, at, handler, autoDelete, exclusive } = queue;
  const { consumerPriority, ratePerHour, breaker, acksOnDelivery } = queue;
  const isConsumed = handler !== null;
  const isRetried = isConsumed && queue.retryDelaysMs.length > 0;
  return {
    queue: {
      ...{ name, type, external, ordered, at, handler },
      concurrency: isConsumed ? queue.concurrency : null,
      prefetch: isConsumed ? queue.prefetch : null,
      timeoutMs: isConsumed ? queue.timeoutMs : null,
      retryOn: isRetried ? queue.retryOn : null,
      rejectOn: isRetried ? queue.rejectOn : [],
      idempotency: queue.idempotency,
      ...{ consumerPriority, ratePerHour, breaker, acksOnDelivery, autoDelete, exclusive },
    },
    arguments: Object.entries(queue.arguments).map(([key, value]) => ({
      name: key,
      value,
      type: fieldType(value),
    })),
    policies: new MatchedPolicies(topology.policies)
      .ofQueue(queue)
      .map(({ name, priority, definition, at }) => ({ name, priority, definition, at })),
    bindings: inflowsOf(topology, queue),
    deadLettersOf: sendersTo(topology, name),
    events: eventsOfQueue(topology, name),
    attempts: isConsumed ? attemptsOf(topology.project, queue) : [],
    deadLetters: deadLettersOf(topology, queue),
    reply: queue.rpc ? replyOf(topology, queue) : null,
    losses: lossesOf(topology, queue),
  };
}

function replyOf(topology: Topology, queue: Queue): Reply {
  const { file, version } = topology.replies[queue.name] ?? {};
  const schema = file === undefined || version === undefined ? null : { file, version };
  return { schema, errors: failuresOf(topology, queue) };
}

function attemptsOf(project: string, { retryDelaysMs, ordered }: Queue): readonly Attempt[] {
  let totalMs = 0;
  const retries = retryDelaysMs.map((afterMs, index) => {
    totalMs += afterMs;
    const through = ordered ? null : delayQueue(project, afterMs);
    return { attempt: index + 2, afterMs, totalMs, through };
  });
  return [{ attempt: 1, afterMs: 0, totalMs: 0, through: null }, ...retries];
}

function inflowsOf(topology: Topology, { name: queue, exclusive }: Queue): readonly Inflow[] {
  // With that by which its own retries come back.
  const requeue = requeueExchange(topology.project);
  const bindings = exclusive
    ? topology.bindings
    : desiredObjects(topology).bindings.map(({ kind: _, ...binding }) => binding);
  const own = bindings.filter((it) => it.destinationKind === "queue" && it.destination === queue);
  const flows: Inflow[] = [...own];
  // A Set gives what is added while it is walked, too.
  const sources = new Set(own.map(({ source }) => source).filter((name) => name !== requeue));
  for (const name of sources) {
    for (const binding of topology.bindings) {
      if (binding.destinationKind !== "exchange" || binding.destination !== name) continue;
      flows.push(binding);
      sources.add(binding.source);
    }
    for (const { name: alternateOf, alternate, at } of Object.values(topology.exchanges)) {
      if (alternate !== name) continue;
      flows.push({ alternateOf, destination: name, at });
      sources.add(alternateOf);
    }
  }
  return flows;
}

function sendersTo(topology: Topology, queue: string): readonly string[] {
  return Object.values(topology.queues)
    .filter((sender) => {
      const way = deadLetterRoute(sender);
      if (way === null) return false;
      if (way.exchange === "") return way.key === queue;
      return reachable(topology, way.exchange, way.key).has(queue);
    })
    .map(({ name }) => name);
}
