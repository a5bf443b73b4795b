/** The queues in which failed messages wait for their next attempt, also those of earlier files. */
import type { LiveQueue } from "../live.ts";
import { retryExchange } from "../objects.ts";
import { liveQueues, type Scene } from "./scene.ts";

/** Whether some message waits, as far as can be seen: what is held is not counted as ready. */
export function hasWaitingRetries(scene: Scene): boolean {
  return delayQueues(scene).some(({ counts: { messages } }) => messages !== 0);
}

export function delayQueues(scene: Scene): readonly LiveQueue[] {
  return liveQueues(scene).filter(({ name }) => isDelayQueue(scene.project, name));
}

export function isDelayQueue(project: string, name: string): boolean {
  return name.startsWith(`${retryExchange(project)}.`);
}
