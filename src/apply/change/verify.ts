/** Looks again when everything has been changed: only what is there then counts as done. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan, PlanEntry } from "../planned.ts";
import { isPending, type Results } from "./phases.ts";
import { type ApplyEntry, type Result, resultOf } from "./results.ts";

/** For the nodes of a cluster to agree. */
const PATIENCE_MS = 3_000;
const RETRY_MS = 200;

const CHANGED: ReadonlySet<Result> = new Set([
  "created",
  "updated",
  "unbound",
  "replaced",
  "removed",
]);

/** Whether anything was changed. */
export function hasChanged(results: Results): boolean {
  return [...results.values()].some(({ result }) => CHANGED.has(result));
}

/**
 * The results, in which nothing counts as changed that a fresh plan would change again.
 *
 * @param planAgain by what this apply will have left.
 */
export async function verified(results: Results, planAgain: () => Promise<Plan>): Promise<Results> {
  for (const endsAt = performance.now() + PATIENCE_MS; ; await sleep(RETRY_MS)) {
    const again = await planAgain();
    const pending = new Set(again.entries.filter(isUndone).map(titleOf));
    const isWrong = ([entry, { result }]: readonly [PlanEntry, ApplyEntry]) =>
      CHANGED.has(result) && pending.has(titleOf(entry));
    if (![...results].some(isWrong)) return results;
    if (performance.now() < endsAt) continue;
    return new Map([...results].map((one) => (isWrong(one) ? [one[0], undone(one[0])] : one)));
  }
}

/** A binding that AMQP can't see is bound again each time. */
function isUndone(entry: PlanEntry): boolean {
  return isPending(entry) && entry.action !== "ensure";
}

function undone(entry: PlanEntry): ApplyEntry {
  return resultOf(entry, "refused", "was changed, and is as before: somebody else changes it too");
}

function titleOf({ kind, name }: PlanEntry): string {
  return `${kind} ${name}`;
}
