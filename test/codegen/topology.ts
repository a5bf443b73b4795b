import type {
  Binding,
  EventSchema,
  Exchange,
  JsonSchema,
  Queue,
  Topology,
} from "../../src/topology.ts";

/** Queue → its bindings' exchange and key; null: parked. */
export type QueueBlocks = Readonly<Record<string, readonly (readonly [string, string])[] | null>>;

export type Blocks = {
  /** Topic exchange → its event types; null: open. */
  readonly exchanges: Readonly<Record<string, readonly string[] | null>>;
  readonly queues: QueueBlocks;
  readonly events: Readonly<Record<string, JsonSchema>>;
};

const at = { file: "topology.yaml", line: 1, column: 1 };

/** A topology of topic exchanges, as the loader would make it. */
export function topologyOf({ exchanges, queues, events }: Blocks): Topology {
  return {
    file: "topology.yaml",
    project: "test",
    broker: { addresses: [], heartbeatMs: 10_000 },
    http: { host: "127.0.0.1", port: 8003 },
    exchanges: mapValues(exchanges, exchangeOf),
    queues: mapValues(queues, (name, bindings) => queueOf(name, bindings !== null)),
    bindings: Object.entries(queues).flatMap(([queue, bindings]) =>
      (bindings ?? []).map(([exchange, key]) => bindingOf(exchange, queue, key)),
    ),
    events: mapValues(events, eventOf),
  };
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (name: string, value: From) => To,
): Readonly<Record<string, To>> {
  const result: Record<string, To> = Object.create(null);
  for (const [name, value] of Object.entries(record)) result[name] = change(name, value);
  return result;
}

function exchangeOf(name: string, events: readonly string[] | null): Exchange {
  return {
    name,
    type: "topic",
    internal: false,
    autoDelete: false,
    arguments: {},
    alternate: null,
    events,
    external: false,
    at,
  };
}

function queueOf(name: string, hasHandler: boolean): Queue {
  return {
    name,
    type: "quorum",
    arguments: {},
    handler: hasHandler ? { name: "handler", file: "/handler.ts" } : null,
    concurrency: 20,
    prefetch: 20,
    timeoutMs: 30_000,
    retryDelaysMs: [],
    deadLetter: null,
    external: false,
    at,
  };
}

function bindingOf(source: string, destination: string, key: string): Binding {
  return { source, destination, destinationKind: "queue", key, arguments: {}, at };
}

function eventOf(type: string, schema: JsonSchema): EventSchema {
  return { type, file: `schemas/events/${type}.json`, schema };
}
