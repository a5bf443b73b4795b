/** Queues that this project made and its file no longer has: removed, or kept, and why. */

import { counted } from "../../counted.ts";
import type { LiveQueue } from "../live.ts";
import type { PlanEntry } from "../planned.ts";
import { entryOf, hiddenEntry, keptEntry, listed, unlessPruned } from "./entry.ts";
import { foreignSources } from "./foreign.ts";
import { queueTypeOf } from "./queue-type.ts";
import { isDelayQueue } from "./retries.ts";
import type { Scene } from "./scene.ts";

export function leftoverQueues(scene: Scene): readonly PlanEntry[] {
  return [...scene.ours.queues].flatMap((name) => planQueue(scene, name));
}

function planQueue(scene: Scene, name: string): readonly PlanEntry[] {
  const live = scene.live.queues.get(name);
  if (!live || scene.wanted.queues.has(name)) return [];
  if (live.kind === "hidden") return [hiddenEntry({ kind: "queue", name }, live.detail)];
  const facts = { kind: "queue", name, counts: live.counts } as const;
  const reason = reasonToKeep(scene, live);
  if (reason !== null) return [keptEntry(facts, reason)];
  return [entryOf("remove", { ...facts, blocked: unlessPruned(scene.permissions) })];
}

function reasonToKeep(scene: Scene, live: LiveQueue): string | null {
  const { ready, unacked, messages, consumers } = live.counts;
  const heir = scene.renamed.get(live.name);
  const held = Math.max(ready + (unacked ?? 0), messages ?? 0);
  if (heir && (held > 0 || consumers !== 0)) {
    return `renamed: consumed by ${heir.name} until it is empty`;
  }
  if (held > 0) return `not empty: it holds ${counted(held, "message")}`;
  if (consumers === null) return "who consumes it is not known";
  if (consumers > 0) return `in use: it has ${counted(consumers, "consumer")}`;
  const sources = foreignSources(scene, "queue", live.name);
  if (sources.length > 0) return `in use: others have bound it to ${listed(sources)}`;
  if (messages !== null) return null;
  if (scene.live.by === "management" || queueTypeOf(live) === "stream") {
    return "how many messages it holds is not known";
  }
  return mayHoldUnseen(scene, live)
    ? "over AMQP alone the dead letters that it may hold can't be seen"
    : null;
}

/** At least once: a dead letter that finds no way is held, and counted neither as ready nor unacked. */
function mayHoldUnseen({ project }: Scene, { name, arguments: given }: LiveQueue): boolean {
  const isUnknown = given["x-queue-type"] === undefined;
  return (
    isUnknown || given["x-dead-letter-strategy"] === "at-least-once" || isDelayQueue(project, name)
  );
}
