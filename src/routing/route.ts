import type { Binding, Exchange } from "../topology.ts";
import { takes } from "./binding.ts";

/** What routing needs of a topology. */
export type Network = {
  readonly exchanges: Readonly<Record<string, Exchange>>;
  readonly bindings: readonly Binding[];
};

/** Where a message goes. */
export type Route = {
  /** Each queue once, sorted. */
  readonly queues: readonly string[];
  /** The alternate exchange that took it; null if the exchange's own bindings did, or nobody. */
  readonly via: string | null;
};

/**
 * The queues that RabbitMQ gives a message to. As there, an exchange none of whose bindings takes
 * the message hands it to its alternate, also within a chain of exchanges, and every exchange is
 * entered once. Exchanges that the network does not know are passed over.
 */
export function route(
  network: Network,
  exchange: string,
  key: string,
  headers: Readonly<Record<string, unknown>>,
): Route {
  const queues = new Set<string>();
  const entered = new Set([exchange]);
  // The exchange published to and its alternates, as long as each hands the message on.
  let chain: string | null = exchange;
  // A Set gives what is added while it is walked, too.
  for (const name of entered) {
    const { type, alternate } = network.exchanges[name] ?? { type: null, alternate: null };
    if (type === null) continue;
    const taken = bindingsFrom(network, name).filter((binding) =>
      takes(type, binding, key, headers),
    );
    for (const { destination, destinationKind } of taken) {
      (destinationKind === "queue" ? queues : entered).add(destination);
    }
    if (taken.length === 0 && alternate !== null) {
      if (name === chain && !entered.has(alternate)) chain = alternate;
      entered.add(alternate);
    }
  }
  const via = chain === exchange || queues.size === 0 ? null : chain;
  return { queues: [...queues].sort(), via };
}

const indexes = new WeakMap<Network, ReadonlyMap<string, readonly Binding[]>>();

/** The bindings of an exchange; the network is indexed once, since routes are asked per message. */
export function bindingsFrom(network: Network, exchange: string): readonly Binding[] {
  let index = indexes.get(network);
  if (index === undefined) {
    index = indexBySource(network.bindings);
    indexes.set(network, index);
  }
  return index.get(exchange) ?? [];
}

function indexBySource(bindings: readonly Binding[]): ReadonlyMap<string, readonly Binding[]> {
  const index = new Map<string, Binding[]>();
  for (const binding of bindings) {
    const known = index.get(binding.source);
    if (known === undefined) index.set(binding.source, [binding]);
    else known.push(binding);
  }
  return index;
}
