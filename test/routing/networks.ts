import { type Arguments, deadLetterRoute, type Topology } from "../../src/topology.ts";
import type { Random } from "../support/random.ts";
import { type ShortBinding, type ShortTopology, topologyOf } from "../support/topology.ts";

/** A network in short, with all that may be taken from it one by one. */
export type RandomNetwork = {
  readonly exchanges: ShortTopology["exchanges"];
  readonly bindings: readonly ShortBinding[];
  /** Parked queue that keeps nothing → where its dead letters go. */
  readonly letters: Readonly<Record<string, Letter>>;
};

type Letter = { readonly exchange: string; readonly key: string | null };

export const EVENTS = ["a.a", "a.b", "b.a", "b.b", "a.b.a"];

/** Queues that keep what they get, and are looked into. */
export const QUEUES = ["q1", "q2", "q3", "q4", "q5"];

const exchanges = ["x1", "x2", "x3", "x4", "x5"];
const parked = ["p1", "p2", "p3"];
const types = ["direct", "fanout", "topic", "topic", "headers", "headers"];
const patterns = ["#", "*.*", "a.*", "*.b", "a.#", "#.a", "*", "late", ...EVENTS, ...EVENTS];
const matches = ["all", "any", "all-with-x", "any-with-x"];
const names = ["n", "m", "x-n"];
const values = ["1", 1, true];

/** Exchanges of every type, with circles, alternates and dead letters of parked queues. */
export function randomNetwork(random: Random): RandomNetwork {
  const typeOf = new Map(exchanges.map((name) => [name, random.pick(types)]));
  return {
    exchanges: Object.fromEntries(
      exchanges.map((name) => [
        name,
        {
          type: typeOf.get(name) ?? "",
          alternate: random.pick([null, ...exchanges]),
          events: EVENTS.filter(() => random.below(2) === 0),
        },
      ]),
    ),
    bindings: random.list(14, (): ShortBinding => {
      const source = random.pick(exchanges);
      const into = [...QUEUES, ...parked, ...exchanges.map((name) => `x>${name}`)];
      const isHeaders = typeOf.get(source) === "headers";
      return [
        source,
        random.pick(into),
        isHeaders ? randomArguments(random) : random.pick(patterns),
      ];
    }),
    letters: Object.fromEntries(parked.map((name) => [name, randomLetter(random)])),
  };
}

function randomArguments(random: Random) {
  const wanted = names
    .filter(() => random.below(2) === 0)
    .map((name) => [name, random.pick(values)]);
  return { "x-match": random.pick(matches), ...Object.fromEntries(wanted) };
}

function randomLetter(random: Random): Letter {
  return random.below(3) === 0
    ? { exchange: "", key: random.pick([...QUEUES, ...parked]) }
    : { exchange: random.pick(exchanges), key: random.pick([null, "late", ...EVENTS]) };
}

/**
 * The network as a topology; `prefix` keeps its names apart from those of others on the broker. An
 * exchange without events is bound to every queue: one that nothing leads to would be open.
 */
export function topologyOfNetwork(network: RandomNetwork, prefix: string): Topology {
  const named = (name: string) =>
    name.startsWith("x>") ? `x>${prefix}${name.slice(2)}` : `${prefix}${name}`;
  const passing = Object.entries(network.letters).map(([name, { exchange, key }]) => [
    named(name),
    {
      arguments: {
        "x-max-length": 0,
        "x-dead-letter-exchange": exchange === "" ? "" : named(exchange),
        ...(key !== null && { "x-dead-letter-routing-key": exchange === "" ? named(key) : key }),
      },
    },
  ]);
  const handled = { handler: { name: "handler", file: "/handler.ts" } };
  return topologyOf({
    exchanges: Object.fromEntries([
      [named("nothing"), { type: "fanout", events: [] }],
      ...Object.entries(network.exchanges).map(([name, { alternate, ...exchange }]) => [
        named(name),
        { ...exchange, ...(alternate && { alternate: named(alternate) }) },
      ]),
    ]),
    bindings: [
      ...[...QUEUES, ...parked].map((name): ShortBinding => [named("nothing"), named(name)]),
      ...network.bindings.map(
        ([source, destination, by = ""]): ShortBinding => [named(source), named(destination), by],
      ),
    ],
    queues: Object.fromEntries([
      ...QUEUES.map((name) => [named(name), handled]),
      ...parked.map((name) => [named(name), {}]),
      ...passing,
    ]),
  });
}

/** The queues that pass everything on. */
export function passingQueues({ queues }: Topology): readonly string[] {
  const passing = Object.values(queues).filter((queue) => deadLetterRoute(queue) !== null);
  return passing.map(({ name }) => name);
}

/** Every way to carry, or not, each value that a headers binding of the network compares. */
export function witnesses({ bindings }: RandomNetwork): readonly Arguments[] {
  const wanted = bindings.flatMap(([, , by]) => (typeof by === "object" ? Object.entries(by) : []));
  let all: readonly Arguments[] = [{}];
  for (const name of names) {
    const told = new Set(wanted.filter(([key]) => key === name).map(([, value]) => value));
    all = all.flatMap((one) => [one, ...[...told].map((value) => ({ ...one, [name]: value }))]);
  }
  return all;
}

/** All networks that have one thing less. */
export function smaller(network: RandomNetwork): readonly RandomNetwork[] {
  const { exchanges: all, bindings, letters } = network;
  return [
    ...bindings.map((_, index) => ({ ...network, bindings: bindings.toSpliced(index, 1) })),
    ...Object.keys(letters).map((name) => ({ ...network, letters: without(letters, name) })),
    ...Object.entries(all)
      .filter(([, { alternate }]) => alternate !== null)
      .map(([name, exchange]) => ({
        ...network,
        exchanges: { ...all, [name]: { ...exchange, alternate: null } },
      })),
  ];
}

function without<T>(record: Readonly<Record<string, T>>, name: string) {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}
