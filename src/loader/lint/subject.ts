import type { Queue, Topology } from "../../topology.ts";
import type { TopologyFile } from "../file.ts";
import { join } from "../pointer.ts";
import type { Report } from "../report.ts";
import type { MatchedPolicies } from "./matched.ts";
import type { Settings } from "./settings.ts";
import type { Warnings } from "./warnings.ts";

/** What a rule looks at, and where it reports. */
export type Subject = {
  readonly file: TopologyFile;
  readonly topology: Topology;
  readonly settings: Settings;
  readonly matched: MatchedPolicies;
  readonly warnings: Warnings;
  readonly report: Report;
};

/** The queues of which nothing is known to be wrong. */
export function soundQueues({ topology, report }: Subject): readonly Queue[] {
  if (report.isBroken("/defaults")) return [];
  return Object.values(topology.queues).filter(
    ({ name }) => !report.isBroken(join("/queues", name)),
  );
}

/** The owner of a finding about a queue. */
export function ownerOf({ name }: Queue): { readonly kind: "queues"; readonly name: string } {
  return { kind: "queues", name };
}
