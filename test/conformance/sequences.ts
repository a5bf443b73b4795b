/** Random topologies, and sequences of operations on them, as data that can be shown and cut down. */
import type { Random } from "../support/random.ts";

export type Topology = {
  readonly exchanges: readonly Exchange[];
  readonly queues: readonly Queue[];
  readonly bindings: readonly Binding[];
};

export type Exchange = {
  readonly name: string;
  readonly type: string;
  readonly autoDelete: boolean;
  readonly alternateExchange?: string;
};

export type Queue = {
  readonly name: string;
  readonly autoDelete: boolean;
  readonly args: Readonly<Record<string, unknown>>;
};

export type Binding = {
  readonly source: string;
  readonly destination: string;
  readonly to: "queue" | "exchange";
  readonly key: string;
  readonly args: Readonly<Record<string, unknown>>;
};

export type Settlement = "ack" | "nack" | "reject" | "discard" | "reject for good";

/**
 * `at` and `which` are numbers that are counted round and round among what there is when it comes
 * to it: queues that have messages, channels that hold some, and those messages.
 */
export type Operation =
  | {
      readonly do: "publish";
      readonly exchange: string;
      readonly key: string;
      readonly bodies: readonly string[];
      readonly options: object;
    }
  | { readonly do: "get"; readonly at: number; readonly noAck: boolean }
  | {
      readonly do: "consume";
      readonly queue: string;
      readonly prefetch: number;
      readonly noAck: boolean;
    }
  | {
      readonly do: "settle";
      readonly which: number;
      readonly at: number;
      readonly how: Settlement;
      readonly multiple: boolean;
    }
  | { readonly do: "recover" | "close"; readonly which: number }
  | { readonly do: "cancel" | "purge" | "delete" | "declare"; readonly queue: string }
  | { readonly do: "delete exchange" | "declare exchange"; readonly exchange: string }
  | { readonly do: "bind" | "unbind"; readonly binding: Binding };

/** What RabbitMQ 4.3 has and what is before it does otherwise can be left out. */
export type Sequence = { readonly topology: Topology; readonly operations: readonly Operation[] };

const WORDS = ["a", "b"];
const QUEUES = ["q1", "q2", "q3"];

/** @param isModern whether to use what older versions than 4.3 do otherwise. */
export function randomSequence(random: Random, length: number, isModern: boolean): Sequence {
  const topology = randomTopology(random, isModern);
  let count = 0;
  const body = () => `m${++count}`;
  const operations = random.list(length, () => randomOperation(random, topology, isModern, body));
  return { topology, operations };
}

function randomTopology(random: Random, isModern: boolean): Topology {
  const types = random.list(4, () => random.pick(["direct", "fanout", "topic", "headers"]));
  const names = types.map((_, at) => `x${at + 1}`);
  const exchanges = types.map((type, at) => ({
    name: `x${at + 1}`,
    type,
    autoDelete: random.below(6) === 0,
    ...(random.below(4) === 0 && { alternateExchange: random.pick(names) }),
  }));
  const queues = QUEUES.flatMap((name) => {
    const queue = randomQueue(random, name, isModern);
    return "x-dead-letter-exchange" in queue.args ? [queue, graveOf(random, name)] : [queue];
  });
  const bindings = random.list(12, () => randomBinding(random, names));
  return { exchanges, queues, bindings };
}

// Dead letters go to a queue that gets them from one queue alone: from two at once, they would come
// in any order. Some come back when they are nacked there.
function graveOf(random: Random, queue: string): Queue {
  const back = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue };
  return { name: `dead.${queue}`, autoDelete: false, args: random.below(2) === 0 ? back : {} };
}

function randomQueue(random: Random, name: string, isModern: boolean): Queue {
  const isQuorum = random.below(2) === 0;
  const limit = isModern ? random.pick([1, 2, undefined]) : 1_000;
  const args: Record<string, unknown> = isQuorum
    ? { "x-queue-type": "quorum", ...(limit !== undefined && { "x-delivery-limit": limit }) }
    : { "x-queue-type": "classic" };
  if (random.below(3) === 0) args["x-max-length"] = 1 + random.below(4);
  if (!isQuorum && random.below(4) === 0) args["x-max-length-bytes"] = 4 + random.below(10);
  if (!isQuorum && random.below(4) === 0) args["x-overflow"] = "reject-publish";
  if (!isQuorum && random.below(3) === 0) args["x-max-priority"] = random.pick([1, 4]);
  const isDying = random.below(2) === 0;
  // What a full quorum queue drops at once is dead-lettered forwards or backwards, as it comes.
  if (isDying && !(isQuorum && "x-max-length" in args)) {
    args["x-dead-letter-exchange"] = "";
    args["x-dead-letter-routing-key"] = `dead.${name}`;
  }
  return { name, autoDelete: !isQuorum && random.below(6) === 0, args };
}

function randomBinding(random: Random, exchanges: readonly string[]): Binding {
  const isQueue = random.below(3) > 0;
  const destination = isQueue ? random.pick(QUEUES) : random.pick(exchanges);
  const match = random.pick([{}, { "x-match": "any" }, { "x-match": "all" }]);
  const headers = Object.fromEntries(random.list(random.below(3), () => randomHeader(random)));
  const key = random.list(1 + random.below(2), () => random.pick([...WORDS, "*", "#"])).join(".");
  const args = random.below(2) === 0 ? { ...match, ...headers } : {};
  const to = isQueue ? "queue" : "exchange";
  return { source: random.pick(exchanges), destination, to, key, args };
}

function randomHeader(random: Random): readonly [string, unknown] {
  return [random.pick(["h1", "h2"]), random.pick(["1", 1, true])];
}

function randomOperation(
  random: Random,
  topology: Topology,
  isModern: boolean,
  body: () => string,
): Operation {
  const queue = random.pick(topology.queues).name;
  const exchange = random.pick(topology.exchanges).name;
  const binding = random.pick(topology.bindings);
  const [at, which] = [random.below(6), random.below(6)];
  const noAck = random.below(4) === 0;
  const makers: readonly (readonly [number, () => Operation])[] = [
    [12, () => randomPublish(random, exchange, body, isModern)],
    [5, () => ({ do: "get", at, noAck })],
    [3, () => ({ do: "consume", queue, prefetch: random.below(4), noAck })],
    [10, () => ({ do: "settle", which, at, ...randomSettlement(random, isModern) })],
    [1, () => ({ do: random.pick(["recover", "close"] as const), which })],
    [1, () => ({ do: random.pick(["cancel", "cancel", "purge"] as const), queue })],
    [1, () => ({ do: random.pick(["delete", "declare", "declare"] as const), queue })],
    [1, () => ({ do: random.pick(["delete exchange", "declare exchange"] as const), exchange })],
    [2, () => ({ do: random.pick(["bind", "bind", "unbind"] as const), binding })],
  ];
  const all = makers.flatMap(([weight, make]) => Array.from({ length: weight }, () => make));
  return random.pick(all)();
}

function randomPublish(
  random: Random,
  exchange: string,
  body: () => string,
  isModern: boolean,
): Operation {
  const key = random.list(1 + random.below(2), () => random.pick(WORDS)).join(".");
  const headers = Object.fromEntries(random.list(random.below(3), () => randomHeader(random)));
  const options = {
    mandatory: random.below(2) === 0,
    headers,
    // In a quorum queue they mean nothing to older versions.
    ...(isModern && random.below(2) === 0 && { priority: random.below(6) }),
    ...(random.below(6) === 0 && { CC: [random.pick([...WORDS, ...QUEUES])] }),
  };
  const bodies = random.list(1 + random.below(3), body);
  return random.below(2) === 0
    ? { do: "publish", exchange: "", key: random.pick(QUEUES), bodies, options }
    : { do: "publish", exchange, key, bodies, options };
}

function randomSettlement(random: Random, isModern: boolean) {
  const ways: readonly Settlement[] = isModern
    ? ["ack", "nack", "nack", "reject", "discard", "reject for good"]
    : ["ack", "nack", "nack", "discard"];
  const how = random.pick(ways);
  return { how, multiple: !how.startsWith("reject") && random.below(3) === 0 };
}
