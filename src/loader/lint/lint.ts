import type { Topology } from "../../topology.ts";
import type { TopologyFile } from "../file.ts";
import type { Report } from "../report.ts";
import { lintCircles } from "./circles.ts";
import { lintFull } from "./full.ts";
import { lintLoss } from "./loss.ts";
import { MatchedPolicies } from "./matched.ts";
import { lintPolicies } from "./policies.ts";
import { lintReach } from "./reach.ts";
import { lintRetries } from "./retries.ts";
import { Settings } from "./settings.ts";
import type { Warnings } from "./warnings.ts";

/**
 * Finds what a broker accepts and nobody can have meant; docs/lint.md says why for each rule. Where
 * something is wrong with a part of the file, nothing is concluded from it.
 */
export function lint(
  file: TopologyFile,
  topology: Topology,
  { report, warnings }: { readonly report: Report; readonly warnings: Warnings },
): void {
  const matched = new MatchedPolicies(topology.policies);
  const settings = new Settings(file, matched, report);
  const subject = { file, topology, settings, matched, warnings, report };
  const isWhole = report.problems.length === 0;
  if (!report.isBroken("/policies")) {
    lintRetries(subject);
    lintLoss(subject);
    lintPolicies(subject);
  }
  // A queue with a finding may lack the binding that it should have.
  if (!["/exchanges", "/queues", "/policies"].some((pointer) => report.isBroken(pointer))) {
    lintFull(subject);
    lintCircles(subject);
    lintReach(subject);
  }
  if (isWhole) warnings.checkAllows();
}
