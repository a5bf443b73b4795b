import type { QueueBlock } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";

/** What a message that is acknowledged on delivery can't have any more. */
const AFTER_DELIVERY = ["retry", "retryOn", "rejectOn", "ordered", "idempotency"] as const;
/** What an auto-delete queue can't have: a runner that leaves it alone would delete it. */
const LEAVING = ["rate", "breaker", "idempotency", "ordered", "was"] as const;
/** What a queue can't have that one connection alone consumes, and that is gone with it. */
const WITH_CONNECTION = [
  "retry",
  "retryOn",
  "rejectOn",
  "ordered",
  "singleActiveConsumer",
  "consumerPriority",
  "autoDelete",
  "was",
] as const;

/** Finds what a queue says against `ack: on-delivery`, `exclusive` or `autoDelete`, said as well. */
export function checkDelivery(block: QueueBlock, pointer: string, report: Report): void {
  if (block.ack === "on-delivery") {
    for (const key of AFTER_DELIVERY.filter((it) => isSaid(block, it))) {
      const message = `${key} means nothing with ack on-delivery: what fails is gone`;
      report.key("bad-value", join(pointer, key), message);
    }
  }
  if (block.exclusive === true) {
    for (const key of WITH_CONNECTION.filter((it) => isSaid(block, it))) {
      const message = `${key} means nothing of an exclusive queue, which is its connection's and gone with it`;
      report.key("bad-value", join(pointer, key), message);
    }
    return;
  }
  if (block.autoDelete !== true) return;
  for (const key of LEAVING.filter((it) => isSaid(block, it))) {
    const message = `${key} would have the queue deleted with its messages: it is autoDelete`;
    report.key("bad-value", join(pointer, key), message);
  }
}

function isSaid(block: QueueBlock, key: keyof QueueBlock): boolean {
  const value = block[key];
  return value !== undefined && value !== false && value !== "none";
}
