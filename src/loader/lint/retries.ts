import { NUMBERS } from "../../numbers.ts";
import type { Queue } from "../../topology.ts";
import { join } from "../pointer.ts";
import { formatQuantity } from "../units.ts";
import { ownerOf, type Subject, soundQueues } from "./subject.ts";

/** More cost memory and time in every queue, whether they are used or not. */
const CHEAP_PRIORITIES = 10;

/** Finds ttls and callers that do not bound what they seem to, and priorities that cost. */
export function lintRetries(subject: Subject): void {
  const { settings, warnings } = subject;
  for (const queue of soundQueues(subject)) {
    const ttl = settings.numberOf(queue, "message-ttl");
    const message = ttl === null ? null : problemOf(queue, ttl.value);
    if (ttl !== null && message !== null) {
      warnings.add("retry-outlives-ttl", ownerOf(queue), ttl.at, message);
    }
    lintCallers(subject, queue);
    const priorities = settings.numberOf(queue, "max-priority");
    if (priorities !== null && priorities.value > CHEAP_PRIORITIES) {
      const cost = `${priorities.value} priorities cost memory and time also where they are not used; at most ${CHEAP_PRIORITIES} are meant to be`;
      warnings.add("costly-priorities", ownerOf(queue), priorities.at, cost);
    }
  }
}

/**
 * A caller hears of a failure after the last attempt alone, and a copy that comes back does not expire
 * with it: the handler then runs for nobody.
 */
function lintCallers({ report, warnings }: Subject, queue: Queue): void {
  const sumMs = sumOf(queue.retryDelaysMs);
  if (!queue.rpc || sumMs < NUMBERS.callTimeoutMs) return;
  const at = report.placeOf(join("/queues", queue.name, "retry"), "value");
  const message = `the last attempt begins ${duration(sumMs)} after the first at the earliest, and callers wait ${duration(NUMBERS.callTimeoutMs)} unless they say more`;
  warnings.add("retry-outlives-caller", ownerOf(queue), at, message);
}

function sumOf(delaysMs: readonly number[]): number {
  return delaysMs.reduce((sum, delayMs) => sum + delayMs, 0);
}

/**
 * A copy that comes back is a new message to its queue, with its whole ttl before it. An ordered
 * queue retries in place: there what waits behind grows old.
 */
function problemOf({ handler, ordered, retryDelaysMs }: Queue, ttlMs: number): string | null {
  if (handler === null) return null;
  const ttl = duration(ttlMs);
  if (ordered) {
    const sumMs = sumOf(retryDelaysMs);
    return sumMs < ttlMs
      ? null
      : `while one message is retried in place, for ${duration(sumMs)}, those behind it expire: ttl is ${ttl}`;
  }
  const longestMs = Math.max(0, ...retryDelaysMs);
  return longestMs <= ttlMs
    ? null
    : `ttl ${ttl} counts anew when a message comes back, after ${duration(longestMs)}: it does not bound its age`;
}

function duration(ms: number): string {
  return formatQuantity("duration", ms);
}
