/** The changes of a plan, in its order: what is of one kind and stands together is done together. */
import type { PlanEntry } from "../planned.ts";
import { bindAll, unbindAll } from "./bind.ts";
import type { ChangeContext } from "./context.ts";
import { declareAll } from "./declare.ts";
import { removePolicies, setPolicies } from "./policies.ts";
import { removeExchanges } from "./remove-exchanges.ts";
import { removeQueues } from "./remove-queues.ts";
import { replaceAll } from "./replacements.ts";
import type { ApplyEntry } from "./results.ts";

export type Results = ReadonlyMap<PlanEntry, ApplyEntry>;

/** Whether apply does something about it. */
export function isPending(entry: PlanEntry): boolean {
  return phaseOf(entry) !== null;
}

/** Does what is pending, one phase after another. */
export async function makeChanges(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<Results> {
  const results = new Map<PlanEntry, ApplyEntry>();
  for (const { phase, together } of inPhases(entries)) {
    const done = await phase(context, together, [...results.values()]);
    for (const [index, entry] of together.entries()) {
      results.set(entry, done[index] as ApplyEntry);
    }
  }
  return results;
}

/** @param before the results of the phases before it. @returns one result for each, in order. */
type Phase = (
  context: ChangeContext,
  entries: readonly PlanEntry[],
  before: readonly ApplyEntry[],
) => Promise<readonly ApplyEntry[]>;

const REMOVALS: Readonly<Record<PlanEntry["kind"], Phase>> = {
  queue: removeQueues,
  exchange: removeExchanges,
  policy: removePolicies,
  binding: unbindAll,
};

function phaseOf({ action, kind, blocked }: PlanEntry): Phase | null {
  if (blocked) return null;
  switch (action) {
    case "create":
    case "update":
      return kind === "policy" ? setPolicies : declareAll;
    case "bind":
    case "ensure":
      return bindAll;
    case "unbind":
    case "remove":
      return REMOVALS[kind];
    case "replace":
      return replaceAll;
    default:
      return null;
  }
}

type Step = { readonly phase: Phase; readonly together: PlanEntry[] };

function inPhases(entries: readonly PlanEntry[]): readonly Step[] {
  const steps: Step[] = [];
  for (const entry of entries) {
    const phase = phaseOf(entry);
    if (!phase) continue;
    const last = steps.at(-1);
    if (last?.phase === phase) last.together.push(entry);
    else steps.push({ phase, together: [entry] });
  }
  return steps;
}
