/** What a topology wants on the broker: the file's objects, and those that its retries need. */
import { isDeepStrictEqual } from "node:util";
import type { Place } from "../errors.ts";
import { NUMBERS } from "../numbers.ts";
import {
  type Arguments,
  type Binding,
  isRequeued,
  type Policy,
  type Queue,
  type Topology,
} from "../topology.ts";

export type DesiredExchange = {
  readonly kind: "exchange";
  readonly name: string;
  readonly type: string;
  readonly internal: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Arguments;
  readonly isExternal: boolean;
  readonly at: Place;
};

export type DesiredQueue = {
  readonly kind: "queue";
  readonly name: string;
  readonly autoDelete: boolean;
  readonly arguments: Arguments;
  readonly isExternal: boolean;
  /** The queue whose bindings it takes over; null: none. */
  readonly was: string | null;
  readonly at: Place;
};

export type DesiredBinding = Binding & { readonly kind: "binding" };
export type DesiredPolicy = Policy & { readonly kind: "policy" };

/** All of them durable. */
export type DesiredObjects = {
  readonly exchanges: readonly DesiredExchange[];
  readonly queues: readonly DesiredQueue[];
  readonly bindings: readonly DesiredBinding[];
  readonly policies: readonly DesiredPolicy[];
};

/** Where failed messages wait; `<delay>.<queue>` is the routing key. */
export const retryExchange = (project: string) => `warren.${project}.retry`;
/** Where they come back from. */
export const requeueExchange = (project: string) => `warren.${project}.requeue`;
/** Where they wait for so long. */
export const delayQueue = (project: string, delayMs: number) =>
  `warren.${project}.retry.${delayName(delayMs)}`;

/** The routing key of a retry copy: `5s.order_payments`. */
export const retryKey = (delayMs: number, queue: string) => `${delayName(delayMs)}.${queue}`;
/** The routing key of a copy that goes back to its queue at once. */
export const requeueKey = (queue: string) => `now.${queue}`;

/** A delay in its largest whole unit, without a dot: `500ms`, `90s`, `2m`, `1h`. */
export function delayName(delayMs: number): string {
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  for (const [unit, ms] of units) {
    if (delayMs >= ms && delayMs % ms === 0) return `${delayMs / ms}${unit}`;
  }
  return `${delayMs}ms`;
}

/**
 * Everything to be declared or, where it is external, found. Not an exclusive queue, nor what binds it:
 * whoever consumes it declares it, and the broker shows it to nobody else.
 */
export function desiredObjects(topology: Topology): DesiredObjects {
  const returning = Object.values(topology.queues).filter(
    (queue) => queue.handler !== null && (isRequeued(queue) || queue.was !== null),
  );
  const isShared = ({ destination, destinationKind }: Binding) =>
    destinationKind === "exchange" || topology.queues[destination]?.exclusive !== true;
  const retry = returning.length === 0 ? NOTHING : retryObjects(topology, returning);
  return {
    exchanges: [...Object.values(topology.exchanges).map(toDesired), ...retry.exchanges],
    queues: [
      ...Object.values(topology.queues)
        .filter(({ exclusive }) => !exclusive)
        .map(toDesiredQueue),
      ...retry.queues,
    ],
    bindings: [
      ...topology.bindings
        .filter(isShared)
        .map((binding) => ({ kind: "binding" as const, ...binding })),
      ...retry.bindings,
    ],
    policies: Object.values(topology.policies).map((policy) => ({ kind: "policy", ...policy })),
  };
}

/** Whether two topologies want the same of a broker, wherever their files say it. */
export function wantSame(before: Topology, after: Topology): boolean {
  return isDeepStrictEqual(placeless(desiredObjects(before)), placeless(desiredObjects(after)));
}

function placeless({ exchanges, queues, bindings, policies }: DesiredObjects): readonly object[] {
  return [...exchanges, ...queues, ...bindings, ...policies].map(({ at, ...object }) => object);
}

const NOTHING: DesiredObjects = { exchanges: [], queues: [], bindings: [], policies: [] };

function toDesired(exchange: Topology["exchanges"][string]): DesiredExchange {
  const { name, type, internal, autoDelete, alternate, external, at } = exchange;
  return {
    kind: "exchange",
    name,
    type,
    internal,
    autoDelete,
    arguments:
      alternate === null
        ? exchange.arguments
        : { ...exchange.arguments, "alternate-exchange": alternate },
    isExternal: external,
    at,
  };
}

function toDesiredQueue(queue: Queue): DesiredQueue {
  const { name, autoDelete, arguments: args, external: isExternal, was, at } = queue;
  return { kind: "queue", name, autoDelete, arguments: args, isExternal, was, at };
}

/**
 * One delay queue for each distinct delay, shared by all queues: a fixed TTL, so that the head is
 * always the next to expire. The delay is in the name, so another delay is another queue, never a
 * conflict. Dead letters go back at least once: a hop that finds no queue is tried again, not lost.
 * What waits for a queue by the name that it had before comes back to it all the same.
 */
function retryObjects(topology: Topology, returning: readonly Queue[]): DesiredObjects {
  const { project } = topology;
  const at = { file: topology.file, line: 1, column: 1 };
  const [retry, requeue] = [retryExchange(project), requeueExchange(project)];
  const requeued = returning.filter(isRequeued);
  const delays = [...new Set(requeued.flatMap((queue) => queue.retryDelaysMs))];
  return {
    exchanges: [retry, requeue].map((name) => ({
      kind: "exchange",
      name,
      type: "topic",
      internal: false,
      autoDelete: false,
      arguments: {},
      isExternal: false,
      at,
    })),
    queues: delays.map((delayMs) => ({
      kind: "queue",
      name: delayQueue(project, delayMs),
      autoDelete: false,
      arguments: {
        "x-queue-type": "quorum",
        "x-message-ttl": delayMs,
        "x-dead-letter-exchange": requeue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": NUMBERS.parkedDeliveryLimit,
      },
      isExternal: false,
      was: null,
      at,
    })),
    bindings: [
      ...delays.map((delayMs) =>
        toQueue(retry, delayQueue(project, delayMs), `${delayName(delayMs)}.#`, at),
      ),
      ...requeued.map((queue) => toQueue(requeue, queue.name, `*.${queue.name}`, queue.at)),
      ...returning.flatMap(({ name, was, at: place }) =>
        was === null ? [] : [toQueue(requeue, name, `*.${was}`, place)],
      ),
    ],
    policies: [],
  };
}

function toQueue(source: string, destination: string, key: string, at: Place): DesiredBinding {
  return { kind: "binding", source, destination, destinationKind: "queue", key, arguments: {}, at };
}
