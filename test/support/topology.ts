import { versionOf } from "../../src/loader/schema-version.ts";
import type { Binding, Exchange, JsonSchema, Queue, Topology } from "../../src/topology.ts";

const at = { file: "topology.yaml", line: 1, column: 1 };

/** A binding in short: source, destination, key or arguments; "x>" before an exchange. */
export type ShortBinding = readonly [
  source: string,
  destination: string,
  by?: string | Binding["arguments"],
];

export type ShortTopology = {
  readonly exchanges: Readonly<Record<string, Partial<Exchange>>>;
  readonly bindings?: readonly ShortBinding[];
  readonly queues?: Readonly<Record<string, Partial<Queue>>>;
  readonly schemas?: Readonly<Record<string, JsonSchema>>;
  /** By queue. */
  readonly replies?: Readonly<Record<string, JsonSchema>>;
};

/** A topology as the loader would make it; exchanges are of type topic unless they say otherwise. */
export function topologyOf(short: ShortTopology): Topology {
  const { exchanges, bindings = [], queues = {}, schemas = {}, replies = {} } = short;
  return {
    file: "topology.yaml",
    project: "test",
    broker: { addresses: [], management: null, heartbeatMs: 10_000, consumerTimeoutMs: 1_800_000 },
    http: { host: "127.0.0.1", port: 0 },
    stores: { idempotency: null },
    worker: { maxHeapBytes: 512 * 1024 * 1024, maxCrashes: 3, blockedMs: 5_000 },
    drain: { delayMs: 0, timeoutMs: 30_000 },
    exchanges: mapValues(exchanges, exchangeOf),
    queues: mapValues(queues, (name, given) =>
      queueOf(name, { rpc: Object.hasOwn(replies, name), ...given }),
    ),
    bindings: bindings.map(bindingOf),
    policies: {},
    events: mapValues(schemas, (type, schema) => ({
      type,
      file: `schemas/events/${type}.json`,
      schema,
      version: versionOf(schema),
    })),
    replies: mapValues(replies, (queue, schema) => ({
      queue,
      file: `schemas/replies/${queue}.json`,
      schema,
      version: versionOf(schema),
    })),
    places: { project: at, broker: at, http: at, stores: at },
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

function exchangeOf(name: string, given: Partial<Exchange>): Exchange {
  return {
    name,
    type: "topic",
    internal: false,
    autoDelete: false,
    arguments: {},
    alternate: null,
    events: null,
    external: false,
    at,
    ...given,
  };
}

function queueOf(name: string, given: Partial<Queue>): Queue {
  return {
    name,
    type: "classic",
    arguments: {},
    handler: null,
    concurrency: 1,
    prefetch: 1,
    consumerPriority: 0,
    ratePerHour: null,
    breaker: null,
    acksOnDelivery: false,
    timeoutMs: 1_000,
    retryDelaysMs: [],
    retryOn: null,
    rejectOn: [],
    deadLetter: null,
    idempotency: null,
    ordered: false,
    autoDelete: false,
    rpc: false,
    exclusive: false,
    external: false,
    was: null,
    at,
    ...given,
  };
}

function bindingOf([source, destination, by = ""]: ShortBinding): Binding {
  const isExchange = destination.startsWith("x>");
  return {
    source,
    destination: isExchange ? destination.slice(2) : destination,
    destinationKind: isExchange ? "exchange" : "queue",
    key: typeof by === "string" ? by : "",
    arguments: typeof by === "string" ? {} : by,
    at,
  };
}
