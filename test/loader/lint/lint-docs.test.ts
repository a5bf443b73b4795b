import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ErrorCode, errorTable, isWarning } from "../../../src/errors.ts";
import { REPOSITORY } from "../../support/processes.ts";

const text = readFileSync(join(REPOSITORY, "docs/lint.md"), "utf8");
const codes = Object.keys(errorTable) as ErrorCode[];
const ofLoader = codes.slice(0, codes.indexOf("ambiguous-event") + 1);

test("docs/lint.md names every rule, and no other", () => {
  const named = [...text.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code = ""]) => code);
  const known = new Set<string>(codes);
  expect(new Set(named.filter((code) => known.has(code)))).toEqual(new Set(ofLoader));
});

test("docs/lint.md says of each rule in its tables whether it is an error or a warning", () => {
  const rows = [...text.matchAll(/^\| (`.+?`) \| (error|warning) \|/gm)];
  const said = rows.flatMap(([, names = "", severity]) =>
    names.split(", ").map((name) => [name.slice(1, -1), severity] as const),
  );
  const wrong = said.filter(
    ([code, severity]) => (severity === "warning") !== isWarning(code as ErrorCode),
  );
  expect(wrong).toEqual([]);
  expect(said.filter(([, severity]) => severity === "warning")).toHaveLength(
    codes.filter(isWarning).length,
  );
});

test("the schema lets a block allow every warning but message-loss, which has a key of its own", () => {
  const schema = JSON.parse(readFileSync(join(REPOSITORY, "schemas/topology.schema.json"), "utf8"));
  const warnings = codes.filter((code) => isWarning(code) && code !== "message-loss");
  expect(schema.definitions.allow.items.enum).toEqual(warnings);
});
