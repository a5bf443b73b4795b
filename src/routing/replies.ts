import type { Exchange, Topology } from "../topology.ts";
import { routingType } from "./binding.ts";
import { reachable } from "./reach.ts";

/** Routing key → the queues that reply to it, sorted; the key null: any other. */
export type RepliesByKey = ReadonlyMap<string | null, readonly string[]>;

/**
 * For each exchange that may be published to: the keys by which a message can come to a queue that
 * replies. Of an exchange that declares events they are event types; of another one, what bindings
 * say, and any other key where a wildcard, or an exchange that reads no key, lets it through. Sorted;
 * an exchange that leads to no such queue is not in it.
 */
export function repliesOfExchanges(topology: Topology): ReadonlyMap<string, RepliesByKey> {
  const exchanges = Object.values(topology.exchanges)
    .filter(({ internal }) => !internal)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const replies = new Map<string, RepliesByKey>();
  for (const exchange of exchanges) {
    const byKey = repliesOf(topology, exchange);
    if (byKey.size > 0) replies.set(exchange.name, byKey);
  }
  return replies;
}

function repliesOf(topology: Topology, exchange: Exchange): RepliesByKey {
  const replying = (key: string | null) =>
    [...reachable(topology, exchange.name, key)]
      .filter((queue) => topology.queues[queue]?.rpc)
      .sort();
  // Most exchanges lead to none, whatever the key.
  if (replying(null).length === 0) return new Map();
  const entries = keysOf(topology, exchange).map((key) => [key, replying(key)] as const);
  const others = samplesOf(topology, exchange).flatMap(replying);
  const all = [...entries, [null, [...new Set(others)].sort()] as const];
  return new Map(all.filter(([, queues]) => queues.length > 0));
}

/** The keys worth asking for. */
function keysOf({ bindings }: Topology, exchange: Exchange): readonly string[] {
  if (exchange.events !== null) return [...exchange.events].sort();
  if (!readsKey(exchange)) return [];
  const keys = bindings.map(({ key }) => key).filter((key) => !WILDCARD.test(key));
  return [...new Set(keys)].sort();
}

/** Keys that stand for all others: one for each binding with a wildcard; null where none is read. */
function samplesOf({ bindings }: Topology, exchange: Exchange): readonly (string | null)[] {
  if (exchange.events !== null) return [];
  if (!readsKey(exchange)) return [null];
  const keys = bindings.map(({ key }) => key).filter((key) => WILDCARD.test(key));
  return [...new Set(keys)].map((key) => key.replace(/[*#]/g, ODD_WORD));
}

/** A word of a topic key alone. */
const WILDCARD = /(^|\.)[*#](\.|$)/;
/** No key that a person writes has it. */
const ODD_WORD = "\u0000";

function readsKey(exchange: Exchange): boolean {
  return ["direct", "topic"].includes(routingType(exchange));
}
