import { isRequeued, type Queue } from "../../topology.ts";
import { certainTargets } from "../dead-letter-targets.ts";
import { limitOf } from "./limits.ts";
import { ownerOf, type Subject, soundQueues } from "./subject.ts";

/** Finds full queues that refuse what can't be refused: retries, and dead letters. */
export function lintFull(subject: Subject): void {
  const senders = sendersByTarget(subject);
  for (const queue of soundQueues(subject)) {
    const limit = limitOf(subject.settings, queue);
    if (limit === null || limit.overflow === "drop-head") continue;
    const effects = [
      ...ofDeadLetters(senders.get(queue.name) ?? []),
      ...ofRetries(queue, limit.overflow === "reject-publish-dlx"),
    ];
    if (effects.length === 0) continue;
    const message = `while queue ${JSON.stringify(queue.name)} is full, ${effects.join("; and ")}`;
    subject.warnings.add("held-when-full", ownerOf(queue), limit.at, message);
  }
}

function sendersByTarget({ topology, settings }: Subject): ReadonlyMap<string, readonly Queue[]> {
  const senders = new Map<string, Queue[]>();
  for (const queue of Object.values(topology.queues)) {
    const letter = queue.handler === null ? null : settings.letterOf(queue);
    for (const target of letter === null ? [] : certainTargets(topology, letter)) {
      senders.set(target, [...(senders.get(target) ?? []), queue]);
    }
  }
  return senders;
}

/** A dead letter that can't be confirmed keeps its message unacknowledged, and its slot. */
function ofDeadLetters(senders: readonly Queue[]): readonly string[] {
  const [first, ...others] = senders;
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  return [`queues stop at their first dead letter (${JSON.stringify(first.name)}${more})`];
}

/** The broker tries again to give a refused message back, every three minutes. */
function ofRetries(queue: Queue, isDeadLettering: boolean): readonly string[] {
  if (queue.handler === null || queue.retryDelaysMs.length === 0 || !isRequeued(queue)) return [];
  return isDeadLettering
    ? ["each of its retries becomes a dead letter when it comes back, every 3 minutes again"]
    : ["its retries come back up to 3 minutes late"];
}
