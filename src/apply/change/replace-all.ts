/** Replaces queues that differ, one after another. */
import type { PlanEntry } from "../planned.ts";
import type { ChangeContext } from "./context.ts";
import { type ApplyEntry, resultOf } from "./results.ts";

export async function replaceAll(
  _context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  return entries.map((entry) => resultOf(entry, "deferred", "replacing is not built yet"));
}
