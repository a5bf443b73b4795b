/**
 * The resolved model: what topology.yaml and the JSON Schemas mean, with every default filled in.
 * Frozen; the loader alone makes it.
 *
 * Glossary (RabbitMQ's own words; see https://www.rabbitmq.com/tutorials/amqp-concepts)
 *
 * exchange        takes messages in and routes each to queues, by its bindings
 * alternate       the exchange that gets what an exchange could not route
 * queue           keeps messages until a consumer has acknowledged them
 * binding         a rule of an exchange: this key (or these headers) → that queue or exchange
 * routing key     the word that a publisher gives a message; where an exchange declares events it
 *                 is the event type
 * event           a JSON message with a schema; its type is the schema's file name
 * group           the part of an event type before its first dot
 * open exchange   one that declares no events: any JSON may be published there
 * request         a message of a queue with `rpc`; whoever sent it waits for the reply
 * reply           what the handler of a request returns; its schema stands in schemas/replies
 * handler         the user's function that a queue's messages are given to
 * parked queue    one without a handler, on purpose: dead letters wait there for a person
 * attempt         one run of a handler for a message; the first is 1
 * dead letter     a message that ended without being handled, with its cause in its headers
 * delay queue     where a failed message waits for its next attempt; one for each distinct delay
 * external        exists already: verified, never created, changed or deleted
 */
import type { Place } from "./errors.ts";

export type QueueType = "classic" | "quorum" | "stream";

/** An AMQP argument; whole numbers travel as 64-bit `long`, others as `double`. */
export type ArgumentValue =
  | string
  | number
  | boolean
  | readonly ArgumentValue[]
  | { readonly [key: string]: ArgumentValue };
export type Arguments = Readonly<Record<string, ArgumentValue>>;

/** Of a broker, or of a store. `shown` is without its password: the only form for logs and errors. */
export type BrokerAddress = { readonly url: string; readonly shown: string };

export type Exchange = {
  readonly name: string;
  /** direct, fanout, topic, headers, or a plugin's type such as x-consistent-hash. */
  readonly type: string;
  readonly internal: boolean;
  readonly autoDelete: boolean;
  /** Without `alternate-exchange`, which is `alternate`. */
  readonly arguments: Arguments;
  readonly alternate: string | null;
  /** Event types that may be published here; null: open, any JSON. */
  readonly events: readonly string[] | null;
  readonly external: boolean;
  readonly at: Place;
};

export type Binding = {
  readonly source: string;
  readonly destination: string;
  readonly destinationKind: "queue" | "exchange";
  readonly key: string;
  readonly arguments: Arguments;
  readonly at: Place;
};

export type Handler = { readonly name: string /** Absolute path. */; readonly file: string };

export type DeadLetter = { readonly exchange: string; readonly key: string };

/** By what a message is known that was handled before. */
export type Idempotency = {
  readonly by:
    | { readonly kind: "message_id" }
    | { readonly kind: "header"; readonly name: string }
    /** The keys that lead to a field of the event. */
    | { readonly kind: "pointer"; readonly path: readonly string[] };
  /** How long it is remembered. */
  readonly ttlMs: number;
  /** What becomes of a message without: it is handled as if there were no idempotency, or dead-lettered. */
  readonly missing: "run" | "reject";
};

/** When a queue is left alone because its handler fails. */
export type Breaker = {
  /** Of the last runs: above 0, at most 1. */
  readonly failureRate: number;
  /** So many of them are looked at. */
  readonly window: number;
  readonly pauseMs: number;
};

export type Queue = {
  readonly name: string;
  readonly type: QueueType;
  /** Everything that is declared, `x-queue-type` included. */
  readonly arguments: Arguments;
  /** null: parked, nobody consumes it. */
  readonly handler: Handler | null;
  /** Handler runs at once. */
  readonly concurrency: number;
  /** Unacknowledged messages that the broker sends ahead; at least `concurrency`, without a rate. */
  readonly prefetch: number;
  /** Of consumers, by which the broker prefers some to others; 0 unless it is said. */
  readonly consumerPriority: number;
  /** Runs that begin in an hour, at most; null: as they come. */
  readonly ratePerHour: number | null;
  readonly breaker: Breaker | null;
  /** A message is acknowledged when its handler begins; then nothing of it can be retried. */
  readonly acksOnDelivery: boolean;
  /** Of one handler run. */
  readonly timeoutMs: number;
  /** One entry for each retry, in order; so attempts = length + 1. */
  readonly retryDelaysMs: readonly number[];
  /** Names or codes of errors: what fails otherwise is dead-lettered at once; null: all is retried. */
  readonly retryOn: readonly string[] | null;
  /** Names or codes of errors that are dead-lettered at once. */
  readonly rejectOn: readonly string[];
  readonly deadLetter: DeadLetter | null;
  /** Which messages are handled once; null: each delivery is a message of its own. */
  readonly idempotency: Idempotency | null;
  /** One message after another: a failed one is retried in place, and those behind it wait. */
  readonly ordered: boolean;
  /** The broker deletes it when its last consumer leaves. */
  readonly autoDelete: boolean;
  /** What its handler returns is sent to whoever asked. */
  readonly rpc: boolean;
  /** It belongs to the connection that consumes it, is declared and bound by that, and goes with it. */
  readonly exclusive: boolean;
  readonly external: boolean;
  /** The name that it had before: it takes over that queue's bindings and messages; null: none. */
  readonly was: string | null;
  readonly at: Place;
};

/** By what a message is known, as the file says it. */
export function formatBy(by: Idempotency["by"]): string {
  if (by.kind === "message_id") return "message_id";
  if (by.kind === "header") return `header ${by.name}`;
  return by.path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Settings that the broker lays over every object whose name matches; through the management API. */
export type Policy = {
  readonly name: string;
  /** A regular expression, as the broker reads it. */
  readonly pattern: string;
  readonly applyTo: PolicyTarget;
  /** Of those that match an object, the highest alone applies. */
  readonly priority: number;
  /** Keys without `x-`: `message-ttl`. */
  readonly definition: Arguments;
  readonly at: Place;
};

export type PolicyTarget =
  | "all"
  | "exchanges"
  | "queues"
  | "classic_queues"
  | "quorum_queues"
  | "streams";

/**
 * Whether its messages can come back to it through the project's requeue exchange: after a delay,
 * or, in a classic queue, which counts nothing, when they are delivered once more. An external
 * queue is bound there for its retries alone. An exclusive queue may be gone by then.
 */
export function isRequeued(
  queue: Pick<Queue, "type" | "retryDelaysMs" | "ordered" | "exclusive" | "external">,
): boolean {
  const { type, retryDelaysMs, ordered, exclusive, external } = queue;
  if (ordered || exclusive) return false;
  return retryDelaysMs.length > 0 || (type === "classic" && !external);
}

/** Those that whoever consumes them declares and binds, and no apply. */
export function exclusiveQueues({ queues }: Pick<Topology, "queues">): readonly Queue[] {
  return Object.values(queues).filter(({ exclusive }) => exclusive);
}

/** Those of the file that lead straight to a queue. */
export function bindingsTo(
  { bindings }: Pick<Topology, "bindings">,
  queue: string,
): readonly Binding[] {
  return bindings.filter((it) => it.destinationKind === "queue" && it.destination === queue);
}

/**
 * Where the broker sends the dead letters of a queue, also where its raw arguments say so; `key`
 * null: each with its own.
 */
export function deadLetterRoute(
  queue: Pick<Queue, "deadLetter" | "arguments">,
): { readonly exchange: string; readonly key: string | null } | null {
  if (queue.deadLetter !== null) return queue.deadLetter;
  const { "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": key } = queue.arguments;
  if (typeof exchange !== "string") return null;
  return { exchange, key: typeof key === "string" ? key : null };
}

export type JsonSchema = { readonly [key: string]: unknown };

export type EventSchema = {
  /** `book.created`, the file's name. */
  readonly type: string;
  /** Path for messages, as the user would write it. */
  readonly file: string;
  /** Self-contained: what it takes from other files stands under `$defs`. */
  readonly schema: JsonSchema;
  /** Twelve hexadecimal digits that are others for another schema, whatever file it changed in. */
  readonly version: string;
};

/** The JSON Schema of what a queue's handler returns; a value of any type. */
export type ReplySchema = {
  /** The file's name. */
  readonly queue: string;
  readonly file: string;
  /** Self-contained, as that of an event. */
  readonly schema: JsonSchema;
  readonly version: string;
};

/** The url of the broker that warren brings along, in place of an address. */
export const EMBEDDED = "embedded:";

/** Records have no prototype, so a name such as `constructor` is an ordinary key. */
export type Topology = {
  /** As the user named it. */
  readonly file: string;
  readonly project: string;
  readonly broker: {
    /** One node, or the nodes of a cluster. */
    readonly addresses: readonly BrokerAddress[];
    readonly heartbeatMs: number;
    /** The management API; null: what it alone can tell and do is left out, and said. */
    readonly management: BrokerAddress | null;
    /** How long the broker waits for an ack before it takes a consumer's messages back. */
    readonly consumerTimeoutMs: number;
  };
  readonly http: { readonly host: string; readonly port: number };
  /** What runners share; null: the memory of each. */
  readonly stores: { readonly idempotency: BrokerAddress | null };
  /** The thread that runs the handlers. */
  readonly worker: {
    readonly maxHeapBytes: number;
    /** A message that has ended its thread so often is dead-lettered. */
    readonly maxCrashes: number;
    /** A thread whose loop has not turned for so long counts as dead. */
    readonly blockedMs: number;
  };
  /** The end: HTTP is served for `delayMs` more; `timeoutMs` is for everything, the delay included. */
  readonly drain: { readonly delayMs: number; readonly timeoutMs: number };
  readonly exchanges: Readonly<Record<string, Exchange>>;
  readonly queues: Readonly<Record<string, Queue>>;
  /** In file order. */
  readonly bindings: readonly Binding[];
  readonly policies: Readonly<Record<string, Policy>>;
  readonly events: Readonly<Record<string, EventSchema>>;
  /** By queue; each of them has `rpc`. */
  readonly replies: Readonly<Record<string, ReplySchema>>;
  /** Where the file says what can't change while a runner runs. */
  readonly places: Readonly<Record<"project" | "broker" | "http" | "stores", Place>>;
};
