import type { Topology } from "../topology.ts";

/**
 * The topology as a runner sees it that consumes these queues alone: of the others it has no handler.
 *
 * @param queues null: it consumes all.
 */
export function staffedBy(topology: Topology, queues: readonly string[] | null): Topology {
  if (queues === null) return topology;
  const names = new Set(queues);
  const staffed: Record<string, Topology["queues"][string]> = Object.create(null);
  for (const [name, queue] of Object.entries(topology.queues)) {
    staffed[name] = names.has(name) ? queue : Object.freeze({ ...queue, handler: null });
  }
  return Object.freeze({ ...topology, queues: Object.freeze(staffed) });
}
