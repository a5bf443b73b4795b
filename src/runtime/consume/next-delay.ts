/** Whether a message that has failed is tried again, and when. */
import type { Queue } from "../../topology.ts";
import type { Cause, Ended } from "../host/host.ts";
import type { Incoming } from "./incoming.ts";

/** The delay before the next attempt, in milliseconds; null when there is none. */
export function nextDelayMs(
  queue: Pick<Queue, "retryDelaysMs" | "retryOn" | "rejectOn">,
  incoming: Pick<Incoming, "attempt">,
  outcome: Ended,
): number | null {
  if (outcome.status === "handled" || outcome.status === "dead") return null;
  const delays = queue.retryDelaysMs;
  const remaining = delays.slice(incoming.attempt - 1);
  const [next] = remaining;
  if (next === undefined) return null;
  if (outcome.status === "failed") return isRetried(outcome.cause, queue) ? next : null;
  return remaining.find((delayMs) => delayMs >= outcome.afterMs) ?? Math.max(...delays);
}

/** The first error that a list names decides, from what was thrown down to its last cause. */
function isRetried({ reason, names }: Cause, queue: Pick<Queue, "retryOn" | "rejectOn">): boolean {
  const { retryOn, rejectOn } = queue;
  for (const error of names ?? [[reason]]) {
    if (error.some((name) => rejectOn.includes(name))) return false;
    if (error.some((name) => retryOn?.includes(name))) return true;
  }
  return retryOn === null;
}
