import { type Network, walk } from "./walk.ts";

/** Where a message goes. */
export type Route = {
  /** Each queue once, sorted. */
  readonly queues: readonly string[];
  /** The alternate exchange that took it; null if the exchange's own bindings did, or nobody. */
  readonly via: string | null;
};

/** The queues that RabbitMQ gives a message to; `walk` says on which way. */
export function route(
  network: Network,
  exchange: string,
  key: string,
  headers: Readonly<Record<string, unknown>>,
): Route {
  const queues = new Set<string>();
  // The exchange published to and its alternates, as long as each hands the message on.
  const chain = new Set([exchange]);
  let last = exchange;
  for (const visit of walk(network, exchange, key, headers)) {
    for (const { destination, destinationKind } of visit.taken) {
      if (destinationKind === "queue") queues.add(destination);
    }
    const { handedTo } = visit;
    if (visit.exchange.name !== last || handedTo === null || chain.has(handedTo)) continue;
    chain.add(handedTo);
    last = handedTo;
  }
  const via = last === exchange || queues.size === 0 ? null : last;
  return { queues: [...queues].sort(), via };
}
