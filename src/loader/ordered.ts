import { NUMBERS } from "../numbers.ts";
import type { QueueBlock } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";

/** Finds what a queue says against the order which it says as well. */
export function checkOrdered(block: QueueBlock, pointer: string, report: Report): void {
  const { concurrency = 1, prefetch = 1, singleActiveConsumer = true } = block;
  const { arguments: raw = {} } = block;
  if (concurrency > 1) {
    const message = `concurrency ${concurrency} breaks the order: an ordered queue has 1`;
    report.value("bad-value", join(pointer, "concurrency"), message);
  }
  if (prefetch > NUMBERS.maxOrderedPrefetch) {
    const message = `prefetch of an ordered queue is at most ${NUMBERS.maxOrderedPrefetch}, found ${prefetch}`;
    report.value("bad-value", join(pointer, "prefetch"), message);
  }
  if (!singleActiveConsumer) {
    const message = "singleActiveConsumer false breaks the order: an ordered queue has one";
    report.value("bad-value", join(pointer, "singleActiveConsumer"), message);
  }
  if (raw["x-single-active-consumer"] !== undefined) {
    const at = join(pointer, "arguments", "x-single-active-consumer");
    report.key("argument-twice", at, "x-single-active-consumer is said by ordered: as well");
  }
  const isDelayed = (raw["x-delayed-retry-type"] ?? "disabled") !== "disabled";
  // With each of these the broker delivers another message before the next.
  const reordering = [
    ...(block.maxPriority === undefined ? [] : [["maxPriority"]]),
    ...(raw["x-max-priority"] === undefined ? [] : [["arguments", "x-max-priority"]]),
    ...(isDelayed ? [["arguments", "x-delayed-retry-type"]] : []),
  ];
  for (const path of reordering) {
    const message = `${path.at(-1)} breaks the order of an ordered queue`;
    report.key("bad-value", join(pointer, ...path), message);
  }
}
