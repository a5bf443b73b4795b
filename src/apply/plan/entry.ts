/** How the entries of a plan are made. */
import type { Action, Blocked, Permissions, PlanEntry } from "../planned.ts";

type Facts = Pick<PlanEntry, "kind" | "name"> &
  Partial<Pick<PlanEntry, "differences" | "counts" | "blocked" | "notes" | "desired" | "binding">>;

/** An entry with these facts, and nothing of what is not said. */
export function entryOf(action: Action, facts: Facts): PlanEntry {
  return {
    action,
    at: facts.desired?.at ?? null,
    differences: [],
    counts: null,
    blocked: null,
    notes: [],
    desired: null,
    binding: null,
    ...facts,
  };
}

/** That of an object which the broker does not show, or does not let this user change. */
export function hiddenEntry(facts: Facts, reason: string): PlanEntry {
  return entryOf("hidden", { ...facts, blocked: { reason, flags: [] } });
}

/** That of what is ours, and stays although the file no longer has it. */
export function keptEntry(facts: Facts, reason: string): PlanEntry {
  return entryOf("kept", { ...facts, blocked: { reason, flags: [] } });
}

/** What holds a removal up without the leave to remove. */
export function unlessPruned({ prune }: Permissions): Blocked | null {
  return prune ? null : { reason: "made by warren, not in the file", flags: ["--prune"] };
}

/** `a, b, c and 4 more` */
export function listed(names: readonly string[], limit = 5): string {
  const rest = names.length - limit;
  const shown = names.slice(0, limit).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
