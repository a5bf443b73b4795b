import { expect, test } from "../../support/test.ts";
import { runSoak } from "./soak.ts";

test("random operations leave nothing behind", async () => {
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const report = await runSoak({ rounds: 3, roundSeconds: 5, seed: 1, note });
  expect(report.problems, notes.join("\n")).toEqual([]);
  expect(report.operations).toBeGreaterThan(1_000);
});
