import type { Exchange, Topology } from "../topology.ts";
import { routingType } from "./binding.ts";
import { reachable } from "./reach.ts";

/** Routing key → the queues that reply to it, sorted; the key null: any. */
export type RepliesByKey = ReadonlyMap<string | null, readonly string[]>;

/**
 * For each exchange that may be published to: the keys by which a message can come to a queue whose
 * reply has a schema. Of an exchange that declares events they are event types; of another one, what
 * bindings say without a wildcard. Sorted; an exchange that leads to no such queue is not in it.
 */
export function repliesOfExchanges(topology: Topology): ReadonlyMap<string, RepliesByKey> {
  const names = Object.values(topology.exchanges)
    .filter(({ internal }) => !internal)
    .map(({ name }) => name)
    .sort();
  const replying = (exchange: string, key: string | null) =>
    [...reachable(topology, exchange, key)].filter((queue) => topology.replies[queue]).sort();
  const replies = new Map<string, RepliesByKey>();
  for (const name of names) {
    const exchange = topology.exchanges[name];
    if (exchange === undefined || replying(name, null).length === 0) continue;
    const byKey = keysOf(topology, exchange)
      .map((key) => [key, replying(name, key)] as const)
      .filter(([, queues]) => queues.length > 0);
    if (byKey.length > 0) replies.set(name, new Map(byKey));
  }
  return replies;
}

/** The keys worth asking for; only null where the exchange reads no key. */
function keysOf({ bindings }: Topology, exchange: Exchange): readonly (string | null)[] {
  if (exchange.events !== null) return [...exchange.events].sort();
  if (!["direct", "topic"].includes(routingType(exchange))) return [null];
  const keys = bindings.map(({ key }) => key).filter((key) => !/(^|\.)[*#](\.|$)/.test(key));
  return [...new Set(keys)].sort();
}
