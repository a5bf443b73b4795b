import { NUMBERS } from "../numbers.ts";
import type { Topology } from "../topology.ts";
import type { TopologyFile } from "./file.ts";
import type { Report } from "./report.ts";
import { bytesOf, millisecondsOf } from "./units.ts";

/** The thread that runs the handlers. */
export function resolveWorker(file: TopologyFile): Topology["worker"] {
  const { memory, crashes, blocked } = file.worker ?? {};
  return {
    maxHeapBytes: bytesOf(memory) ?? NUMBERS.workerHeapBytes,
    maxCrashes: crashes ?? NUMBERS.workerCrashes,
    blockedMs: millisecondsOf(blocked) ?? NUMBERS.workerBlockedMs,
  };
}

/** How the runner ends. */
export function resolveDrain(file: TopologyFile, report: Report): Topology["drain"] {
  const { delay, timeout } = file.drain ?? {};
  const delayMs = millisecondsOf(delay) ?? NUMBERS.drainDelayMs;
  const timeoutMs = millisecondsOf(timeout) ?? NUMBERS.drainTimeoutMs;
  if (delayMs >= timeoutMs && !report.isBroken("/drain")) {
    const most = timeout ?? `${timeoutMs / 1_000}s`;
    const message = `delay ${delay} leaves nothing of the timeout, which is ${most}`;
    report.value("bad-value", "/drain/delay", message);
  }
  return { delayMs, timeoutMs };
}
