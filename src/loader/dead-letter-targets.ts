import { route } from "../routing/route.ts";
import type { Network } from "../routing/walk.ts";

/** A way of dead letters; `key` null: each has its own. */
export type Letter = { readonly exchange: string; readonly key: string | null };

/** The queues that dead letters come to, whatever their headers and, where it is open, their key. */
export function certainTargets(network: Network, { exchange, key }: Letter): readonly string[] {
  if (exchange === "") return key === null ? [] : [key];
  if (key === null && network.exchanges[exchange]?.type !== "fanout") return [];
  return route(network, exchange, key ?? "", {}).queues;
}
