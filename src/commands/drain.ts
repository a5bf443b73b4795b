import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { closeServer } from "../http/server.ts";
import type { Runner } from "../runtime/runner.ts";

/**
 * Ends a runner and its server, all of it within `drain.timeout`: says at once that it is not ready and
 * serves on for `drain.delay`; then answers the requests under way and takes no others, while consumers
 * start nothing new and finish what runs; then closes what it has on the broker.
 *
 * @returns false when time was over: what was left was cut off, and the broker has it again.
 */
export async function drain(server: Server, runner: Runner): Promise<boolean> {
  const { delayMs, timeoutMs } = runner.topology.drain;
  const endsAt = performance.now() + timeoutMs;
  const leftMs = () => Math.max(0, endsAt - performance.now());
  runner.announceStop();
  await sleep(delayMs);
  const closing = closeServer(server, leftMs());
  const [isServed, isDrained] = await Promise.all([closing, runner.stop(leftMs(), closing)]);
  return isServed && isDrained;
}
