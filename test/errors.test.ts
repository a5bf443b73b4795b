import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { errorTable } from "../src/errors.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const sources = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((name) => /\.(test\.ts|yaml)$/.test(name) && !name.endsWith("errors.test.ts"))
  .map((name) => readFileSync(join(folder, name), "utf8"));

test.each(Object.keys(errorTable))("code %s is expected by a test", (code) => {
  const named = new RegExp(`(["'\`]|# expect(-warning)?: )${code}\\b`);
  expect(sources.some((text) => named.test(text))).toBe(true);
});

test("every remedy is a sentence, and every HTTP status belongs to a refusal", () => {
  for (const { remedy, exit, ...facts } of Object.values(errorTable)) {
    expect(remedy).toMatch(/[.!]$/);
    expect([0, 1, 2, 3, 4, 5, 70]).toContain(exit);
    if ("http" in facts) expect(facts.http).toBeGreaterThanOrEqual(400);
  }
});
