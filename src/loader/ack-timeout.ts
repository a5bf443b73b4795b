import { NUMBERS } from "../numbers.ts";
import type { Queue } from "../topology.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { formatQuantity } from "./units.ts";

/**
 * Finds queues whose messages could wait longer for their ack than the broker does, which counts
 * from the delivery: the last of those sent ahead waits for all before it. The broker would close
 * the channel, and give to somebody again what is still being handled.
 */
export function checkAckTimeouts(
  queues: Readonly<Record<string, Queue>>,
  consumerTimeoutMs: number,
  report: Report,
): void {
  for (const queue of Object.values(queues)) {
    if (queue.handler === null) continue;
    const own = queue.arguments["x-consumer-timeout"];
    const limitMs = typeof own === "number" ? own : consumerTimeoutMs;
    const { heldMs, because } = longestHold(queue);
    if (heldMs < limitMs) continue;
    const held = `its messages may wait ${duration(heldMs)} for their ack (${because})`;
    const limit = `the broker waits ${duration(limitMs)}`;
    report.key("ack-timeout", join("/queues", queue.name), `${held}, and ${limit}`);
  }
}

function longestHold(queue: Queue): { readonly heldMs: number; readonly because: string } {
  const { prefetch, concurrency, timeoutMs, retryDelaysMs, ordered, idempotency } = queue;
  // A longer wait for its turn is spent in the broker.
  const aheadMs = queue.ratePerHour === null ? 0 : NUMBERS.rateAheadMs;
  const waiting = aheadMs === 0 ? "" : ` + ${duration(aheadMs)} for its rate`;
  if (!ordered) {
    const rounds = Math.ceil(prefetch / concurrency);
    const because = `prefetch ${prefetch}, concurrency ${concurrency}, so ${rounds} × ${duration(timeoutMs)}${waiting}`;
    const heldMs = rounds * timeoutMs + aheadMs;
    if (idempotency === null) return { heldMs, because };
    const twins = `, and as long for the one that each repeats`;
    return { heldMs: 2 * heldMs, because: because + twins };
  }
  const delaysMs = retryDelaysMs.reduce((sum, delayMs) => sum + delayMs, 0);
  const attempts = retryDelaysMs.length + 1;
  const each = `${attempts} attempts × ${duration(timeoutMs)} + ${duration(delaysMs)} of delays${waiting}`;
  return {
    heldMs: prefetch * (attempts * (timeoutMs + aheadMs) + delaysMs),
    because: `prefetch ${prefetch} × (${each})`,
  };
}

function duration(ms: number): string {
  return formatQuantity("duration", ms);
}
