/** The file's queues: created, or found equal, or replaced where their arguments or type differ. */
import type { DesiredQueue } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { compareQueue } from "./compare.ts";
import { entryOf, hiddenEntry } from "./entry.ts";
import { costNotes, obstacleTo, recipeFor } from "./replacing.ts";
import { liveQueue, type Scene } from "./scene.ts";

export function planQueues(scene: Scene): readonly PlanEntry[] {
  return scene.desired.queues.map((desired) => planQueue(scene, desired));
}

function planQueue(scene: Scene, desired: DesiredQueue): PlanEntry {
  const { name, isExternal } = desired;
  const facts = { kind: "queue", name, desired } as const;
  const live = scene.live.queues.get(name);
  if (scene.state?.journal?.queue === name) return planResumed(scene, desired);
  if (live?.kind === "hidden") return hiddenEntry(facts, live.detail);
  const counts = live?.counts ?? null;
  if (isExternal) {
    if (live) return entryOf("unchanged", { ...facts, counts });
    const reason = "external, so it has to be there already";
    return entryOf("missing", { ...facts, blocked: { reason, flags: [] } });
  }
  if (!live) return entryOf("create", { ...facts, notes: renameNotes(scene, desired) });
  const differences = compareQueue(desired, live);
  if (differences.length === 0) return entryOf("unchanged", { ...facts, counts });
  const blocked = obstacleTo(scene, desired, live);
  return entryOf("replace", {
    ...facts,
    differences,
    counts,
    blocked,
    // Where no flag would allow it, its price is of no interest, but the way round it is.
    notes:
      blocked !== null && blocked.flags.length === 0
        ? recipeFor(desired, live)
        : costNotes(scene, desired, live, differences),
  });
}

/** A replacement that was interrupted is always gone on with: half of it is no state to be in. */
function planResumed(scene: Scene, desired: DesiredQueue): PlanEntry {
  const live = liveQueue(scene, desired.name);
  return entryOf("replace", {
    kind: "queue",
    name: desired.name,
    desired,
    differences: live ? compareQueue(desired, live) : [],
    counts: live?.counts ?? null,
    notes: ["its replacement was interrupted: apply goes on with it before anything else"],
  });
}

function renameNotes(scene: Scene, { was }: DesiredQueue): readonly string[] {
  if (was === null || !liveQueue(scene, was)) return [];
  const note = `takes over the bindings of ${was}, which is consumed until it is empty`;
  if (scene.ours.queues.has(was) || scene.permissions.adopt) return [note];
  return [`${note}; that one's bindings are somebody else's, and go with --adopt alone`];
}
