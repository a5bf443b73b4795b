/** The file's policies, and those of ours that it no longer has; through the management API alone. */
import type { DesiredPolicy } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { comparePolicy } from "./compare.ts";
import { entryOf, hiddenEntry, listed, unlessPruned } from "./entry.ts";
import { type AnyPolicy, isMatch, type PolicyObject, policiesOf } from "./policy-match.ts";
import { queueTypeOf } from "./queue-type.ts";
import { liveQueues, type Scene } from "./scene.ts";

export function planPolicies(scene: Scene): readonly PlanEntry[] {
  return scene.desired.policies.map((desired) => planPolicy(scene, desired));
}

/** What is to go comes last: nothing is left by then that it was laid over. */
export function leftoverPolicies(scene: Scene): readonly PlanEntry[] {
  const named = new Set(scene.desired.policies.map(({ name }) => name));
  const leftover = (scene.live.policies ?? []).filter(
    ({ name }) => scene.ours.policies.has(name) && !named.has(name),
  );
  const blocked = unlessPruned(scene.permissions);
  return leftover.map(({ name }) => entryOf("remove", { kind: "policy", name, blocked }));
}

function planPolicy(scene: Scene, desired: DesiredPolicy): PlanEntry {
  const { name } = desired;
  const facts = { kind: "policy", name, desired } as const;
  if (scene.live.policies === null && scene.live.by === "management") {
    return hiddenEntry(facts, "the user of broker.management may not see policies");
  }
  if (scene.live.policies === null) {
    const reason = "AMQP can neither tell of policies nor set one: broker.management is needed";
    return entryOf("create", { ...facts, blocked: { reason, flags: [] } });
  }
  const notes = rivalNotes(scene, desired);
  const live = scene.live.policies.find((policy) => policy.name === name);
  if (!live) return entryOf("create", { ...facts, notes });
  const differences = comparePolicy(desired, live);
  if (differences.length === 0) return entryOf("unchanged", { ...facts, notes });
  const isAllowed = scene.ours.policies.has(name) || scene.permissions.adopt;
  const blocked = isAllowed
    ? null
    : { reason: "made by somebody else", flags: ["--adopt" as const] };
  return entryOf("update", { ...facts, differences, notes, blocked });
}

/** One policy alone applies to an object, so of two that match it one is without effect there. */
function rivalNotes(scene: Scene, policy: DesiredPolicy): readonly string[] {
  const objects = objectsOf(scene).filter((object) => isMatch(policy, object));
  return policiesOf(scene).flatMap((rival) => {
    if (rival.name === policy.name) return [];
    const shared = objects.filter((object) => isMatch(rival, object));
    if (shared.length === 0) return [];
    const where = listed(shared.map(({ kind, name }) => `${kind} ${name}`));
    return [`${verdict(policy, rival)} ${where}`];
  });
}

function verdict(policy: AnyPolicy, rival: AnyPolicy): string {
  const other = `policy "${rival.name}" (priority ${rival.priority})`;
  if (rival.priority > policy.priority) return `has no effect where ${other} matches:`;
  if (rival.priority < policy.priority) return `takes the place of ${other} on`;
  return `as high as ${other}: the broker chooses one of the two for`;
}

function objectsOf(scene: Scene): readonly PolicyObject[] {
  const { desired, live } = scene;
  const exchanges = new Set([
    ...live.exchanges.keys(),
    ...desired.exchanges.map(({ name }) => name),
  ]);
  const queues = new Map(
    [...liveQueues(scene), ...desired.queues].map((queue) => [queue.name, queueTypeOf(queue)]),
  );
  return [
    ...[...exchanges].map((name) => ({ kind: "exchange" as const, name })),
    ...[...queues].map(([name, type]) => ({ kind: "queue" as const, name, type })),
  ];
}
