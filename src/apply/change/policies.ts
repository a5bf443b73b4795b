/** Sets and removes policies, over the management API: AMQP has no way to. */
import type { DesiredPolicy } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { type ChangeContext, visitEntries } from "./context.ts";
import { overManagement } from "./refusal.ts";
import { type ApplyEntry, resultOf } from "./results.ts";

/** Sets what is not there or differs. */
export async function setPolicies(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  const done = (entry: PlanEntry) => (entry.action === "create" ? "created" : "updated");
  return await visitEntries(context, entries, async (entry) => {
    const { management } = context;
    if (!management) return noManagement(entry);
    const { name, pattern, applyTo, priority, definition } = entry.desired as DesiredPolicy;
    const body = { pattern, "apply-to": applyTo, priority, definition };
    const path = ["policies", management.vhost, name];
    return await overManagement(entry, done(entry), () => management.put(path, body));
  });
}

/** Last of all: nothing is left by then that they were laid over. */
export async function removePolicies(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  return await visitEntries(context, entries, async (entry) => {
    const { management } = context;
    if (!management) return noManagement(entry);
    const path = ["policies", management.vhost, entry.name];
    return await overManagement(entry, "removed", () => management.remove(path));
  });
}

function noManagement(entry: PlanEntry): ApplyEntry {
  return resultOf(entry, "refused", "only the management API can do it");
}
