import { join } from "node:path";
import { formatProblem } from "../../src/errors.ts";
import { load } from "../../src/loader/load.ts";
import type { Topology } from "../../src/topology.ts";
import { REPOSITORY } from "../support/processes.ts";

/** The events that the repository ships, as they are loaded. */
export function bookshopEvents(): Topology["events"] {
  const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.topology.events;
}
