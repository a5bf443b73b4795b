import { expect, test } from "vitest";
import { delayName, desiredObjects } from "../../src/apply/objects.ts";
import type { Queue } from "../../src/topology.ts";
import { topologyOf } from "../support/topology.ts";

const handled: Partial<Queue> = {
  handler: { name: "bill", file: "/bill.ts" },
  type: "quorum",
  retryDelaysMs: [5_000],
};

function requeued(queues: Readonly<Record<string, Partial<Queue>>>) {
  return desiredObjects(topologyOf({ exchanges: {}, queues }))
    .bindings.filter(({ source }) => source === "warren.test.requeue")
    .map(({ key, destination }) => `${key} -> ${destination}`);
}

test("retries come back to their queue, also those of the name that it had before", () => {
  expect(requeued({ billing: { ...handled, was: "invoices" } })).toEqual([
    "*.billing -> billing",
    "*.invoices -> billing",
  ]);
});

test("also where the queue has no retries any more", () => {
  const ordered = { ...handled, ordered: true, was: "invoices" };
  expect(requeued({ billing: ordered })).toEqual(["*.invoices -> billing"]);
});

test("a file without retries has nothing for them, whatever its queues were called", () => {
  expect(requeued({ parked: { handler: null, was: "invoices" } })).toEqual([]);
});

test.each([
  [1, "1ms"],
  [500, "500ms"],
  [1_500, "1500ms"],
  [90_000, "90s"],
  [120_000, "2m"],
  [3_600_000, "1h"],
])("%i ms is named %s", (delayMs, name) => {
  expect(delayName(delayMs)).toBe(name);
});
