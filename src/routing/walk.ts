import type { Binding, Exchange } from "../topology.ts";
import { routingType, takes } from "./binding.ts";

/** What routing needs of a topology. */
export type Network = {
  readonly exchanges: Readonly<Record<string, Exchange>>;
  readonly bindings: readonly Binding[];
};

/** An exchange on a message's way, and what it does with the message. */
export type Visit = {
  readonly exchange: Exchange;
  /** The bindings that take the message, in file order. */
  readonly taken: readonly Binding[];
  /** Its alternate, where no binding takes the message; null: it has none, or a binding does. */
  readonly handedTo: string | null;
};

/**
 * The exchanges that RabbitMQ leads a message through, the one published to first. As there, an
 * exchange none of whose bindings takes the message hands it to its alternate, also within a chain
 * of exchanges, and every exchange is entered once. Exchanges that the network does not know are
 * passed over.
 */
export function walk(
  network: Network,
  exchange: string,
  key: string,
  headers: Readonly<Record<string, unknown>>,
): readonly Visit[] {
  const visits: Visit[] = [];
  // A Set gives what is added while it is walked, too.
  const entered = new Set([exchange]);
  for (const name of entered) {
    const source = network.exchanges[name];
    if (source === undefined) continue;
    const type = routingType(source);
    const taken = bindingsFrom(network, name).filter((it) => takes(type, it, key, headers));
    for (const { destination, destinationKind } of taken) {
      if (destinationKind === "exchange") entered.add(destination);
    }
    const handedTo = taken.length === 0 ? source.alternate : null;
    if (handedTo !== null) entered.add(handedTo);
    visits.push({ exchange: source, taken, handedTo });
  }
  return visits;
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
