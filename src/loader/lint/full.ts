import { isRequeued, type Queue } from "../../topology.ts";
import { certainTargets } from "../dead-letter-targets.ts";
import { limitOf, type Overflow } from "./limits.ts";
import { ownerOf, type Subject, soundQueues } from "./subject.ts";

/**
 * Finds queues that refuse, once they are full, what should have come to them. One with a handler
 * makes room by itself, so only a parked one holds up others until somebody comes.
 */
export function lintFull(subject: Subject): void {
  const senders = sendersByTarget(subject);
  for (const queue of soundQueues(subject)) {
    const limit = limitOf(subject.settings, queue);
    const effect =
      limit === null ? null : effectOf(queue, limit.overflow, senders.get(queue.name) ?? []);
    if (limit === null || effect === null) continue;
    const message = `while queue ${JSON.stringify(queue.name)} is full, ${effect}`;
    subject.warnings.add("held-when-full", ownerOf(queue), limit.at, message);
  }
}

/** The queues with a handler whose dead letters come to a queue. */
function sendersByTarget({ topology, settings }: Subject): ReadonlyMap<string, readonly Queue[]> {
  const senders = new Map<string, Queue[]>();
  for (const queue of Object.values(topology.queues)) {
    const letter = queue.handler === null ? null : settings.letterOf(queue);
    for (const target of letter === null ? [] : certainTargets(topology, letter)) {
      const known = senders.get(target);
      if (known === undefined) senders.set(target, [queue]);
      else known.push(queue);
    }
  }
  return senders;
}

function effectOf(queue: Queue, overflow: Overflow, senders: readonly Queue[]): string | null {
  const [first, ...others] = senders;
  if (overflow === "drop-head") return null;
  if (queue.handler === null) {
    // A dead letter that is not confirmed keeps its message unacknowledged, and its slot.
    const more = others.length === 0 ? "" : `, and ${others.length} more`;
    return first === undefined
      ? null
      : `queues stop at their first dead letter (${JSON.stringify(first.name)}${more})`;
  }
  const isRetried = queue.retryDelaysMs.length > 0 && isRequeued(queue);
  // The broker takes it for refused and sends it again, though it has gone to the dead letters.
  return isRetried && overflow === "reject-publish-dlx"
    ? "each retry that comes back is a dead letter with attempts left, and again every 3 minutes"
    : null;
}
