/** The results of everything in a plan, and the report that they make. */
import { isInTheWay } from "../plan/plan.ts";
import type { Blocked, PlanEntry } from "../planned.ts";
import type { ApplyOptions } from "./options.ts";
import type { Results } from "./phases.ts";
import { type ApplyEntry, type ApplyReport, isRight, resultOf } from "./results.ts";

/** Those of the changes, and of what needs none; somebody else's objects have none. */
export function completed(entries: readonly PlanEntry[], changed: Results): Results {
  return new Map(
    entries.flatMap((entry) => {
      const result = changed.get(entry) ?? standing(entry);
      return result ? [[entry, result] as const] : [];
    }),
  );
}

/** Nothing is changed, for a reason that will pass: what is to be done waits. */
export function postponed(entries: readonly PlanEntry[], reason: string): Results {
  return completed(
    entries,
    new Map(
      entries
        .filter((entry) => standing(entry) === null && entry.action !== "foreign")
        .map((entry) => [entry, resultOf(entry, "deferred", reason)]),
    ),
  );
}

export function reportOf(
  head: Pick<ApplyReport, "broker" | "file" | "generation" | "hash" | "plan">,
  results: Results,
  { permissions }: Pick<ApplyOptions, "permissions">,
): ApplyReport {
  const entries = [...results.values()];
  const isKept = ([{ blocked }, { result }]: readonly [PlanEntry, ApplyEntry]) =>
    result === "kept" && (permissions?.prune === true || blocked === null);
  return {
    ...head,
    entries,
    isDone: entries.every(isRight),
    isPartial: entries.some(({ result }) => result === "deferred") || [...results].some(isKept),
  };
}

/** The result of what no change is made to; null: something is to be done, or nothing to be said. */
function standing(entry: PlanEntry): ApplyEntry | null {
  const { action, blocked, differences } = entry;
  const why = blocked ? describe(blocked) : undefined;
  if (action === "unchanged") return resultOf(entry, "unchanged");
  if (action === "hidden") return resultOf(entry, "refused", why);
  if (action === "missing") return resultOf(entry, "missing", why);
  if (isInTheWay(entry)) return { ...resultOf(entry, "conflict", why), differences };
  return blocked ? resultOf(entry, "kept", why) : null;
}

function describe({ reason, flags }: Blocked): string {
  return flags.length === 0 ? reason : `${reason}: needs ${flags.join(" and ")}`;
}
