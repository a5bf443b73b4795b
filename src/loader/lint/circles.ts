import type { Queue } from "../../topology.ts";
import { certainTargets } from "../dead-letter-targets.ts";
import { join } from "../pointer.ts";
import { limitOf } from "./limits.ts";
import { ownerOf, type Subject, soundQueues } from "./subject.ts";

/**
 * Finds circles of dead letters that a message can go round without a client: the broker drops it
 * when it is back where it has been. Circles of parked queues alone are errors already.
 */
export function lintCircles(subject: Subject): void {
  const next = new Map(
    soundQueues(subject).map((queue) => [queue.name, nextOf(subject, queue)] as const),
  );
  const reported = new Set<string>();
  for (const queue of soundQueues(subject)) {
    if (queue.handler === null || reported.has(queue.name)) continue;
    const circle = circleFrom(queue.name, next);
    if (circle === null) continue;
    for (const name of circle) reported.add(name);
    const at = subject.report.placeOf(join("/queues", queue.name, "deadLetter"), "value");
    const message = `a message that expires, or is pushed out, all the way round is dropped: ${[...circle, queue.name].join(" → ")}`;
    subject.warnings.add("expiry-cycle", ownerOf(queue), at, message);
  }
}

/** Where the broker itself sends the messages of a queue. */
function nextOf({ settings, topology }: Subject, queue: Queue): readonly string[] {
  const letter = settings.letterOf(queue);
  const limit = limitOf(settings, queue);
  const isAutomatic = settings.of(queue, "message-ttl") !== null || limit?.overflow === "drop-head";
  return letter === null || !isAutomatic ? [] : certainTargets(topology, letter);
}

/** The shortest way from a queue back to itself, over at least one other; null: there is none. */
function circleFrom(
  start: string,
  next: ReadonlyMap<string, readonly string[]>,
): readonly string[] | null {
  const ways = new Map<string, readonly string[]>([[start, [start]]]);
  // A Map gives what is added while it is walked, too.
  for (const [name, way] of ways) {
    for (const target of next.get(name) ?? []) {
      if (target === start && way.length > 1) return way;
      if (!ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return null;
}
