import { join } from "node:path";
import { expect, test } from "vitest";
import { compileCheck } from "../../src/events/check.ts";
import { load } from "../../src/loader/load.ts";
import { REPOSITORY } from "../support/processes.ts";

test("every event of the bookshop has an example, which is valid", () => {
  const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env: {} });
  const events = loaded.ok ? Object.values(loaded.topology.events) : [];
  expect(events).toHaveLength(14);
  for (const event of events) {
    const [example] = event.schema.examples as readonly unknown[];
    expect(example, event.type).toBeTypeOf("object");
    expect(compileCheck(event).violations(example), event.type).toEqual([]);
  }
});
