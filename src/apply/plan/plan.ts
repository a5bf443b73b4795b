/** Compares what a file wants with what a broker has: pure, and in the order in which apply goes. */
import type { Live } from "../live.ts";
import type { DesiredObjects } from "../objects.ts";
import type { Permissions, Plan, PlanEntry } from "../planned.ts";
import type { StateRecord } from "../state/record.ts";
import { planBindings } from "./bindings.ts";
import { planExchanges } from "./exchanges.ts";
import { planForeign } from "./foreign.ts";
import { leftoverExchanges } from "./leftover-exchanges.ts";
import { leftoverQueues } from "./leftover-queues.ts";
import { leftoverPolicies, planPolicies } from "./policies.ts";
import { planQueues } from "./queues.ts";
import { sceneOf } from "./scene.ts";

/**
 * What lies between the file and the broker, and what these permissions let apply do about it.
 *
 * @param state what the last apply has left; null: there was none, or it is lost, so that nothing is
 *   this project's to unbind or to remove.
 */
export function plan(
  desired: DesiredObjects,
  live: Live,
  state: StateRecord | null,
  permissions: Permissions,
  project: string,
): Plan {
  const scene = sceneOf(desired, live, state, permissions, project);
  const queues = planQueues(scene);
  const bindings = planBindings(scene);
  const leftQueues = leftoverQueues(scene);
  const foreign = planForeign(scene);
  const entries = [
    ...planExchanges(scene),
    ...queues.filter(({ action }) => action !== "replace"),
    ...bindings.first,
    ...bindings.wanted,
    ...planPolicies(scene),
    ...queues.filter(({ action }) => action === "replace"),
    ...bindings.last,
    ...leftQueues,
    ...leftoverExchanges(scene, leftQueues),
    ...leftoverPolicies(scene),
    ...bindings.foreign,
    ...foreign.entries,
  ];
  return {
    project,
    entries,
    others: foreign.others,
    hasDifferences: entries.some(isDifferent),
    isBlocked: entries.some(({ blocked }) => blocked !== null),
  };
}

/** Whether the broker is not as the file wants it in this. */
export function isDifferent({ action }: PlanEntry): boolean {
  return !EQUAL.includes(action);
}

const EQUAL: readonly PlanEntry["action"][] = ["unchanged", "ensure", "foreign"];

/**
 * Whether apply stops before its first change because of this entry. What is only to go, or hidden,
 * stops nothing: it is reported.
 */
export function isInTheWay({ action, blocked }: PlanEntry): boolean {
  return blocked !== null && !LEFT.includes(action);
}

const LEFT: readonly PlanEntry["action"][] = ["remove", "unbind", "kept", "hidden"];
