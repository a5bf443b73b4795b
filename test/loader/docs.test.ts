import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pages } from "../../scripts/pages.ts";

test("the generated pages of docs are current (npm run docs)", () => {
  for (const { file, text } of pages()) expect(readFileSync(file, "utf8")).toBe(text);
});
