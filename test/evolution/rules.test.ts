import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compareSchemas } from "../../src/evolution/compare.ts";
import { compareContracts } from "../../src/evolution/contracts.ts";
import { RULES } from "../../src/evolution/rules.ts";
import type { JsonSchema } from "../../src/topology.ts";
import { CASES, contractsOf } from "./cases.ts";

test.each(CASES)("$0: $3", (_rule, old, now, _words, expected) => {
  expect(compareSchemas(old, now).map(lineOf)).toEqual(expected);
});

/** `rule pointer publishers/consumers`, each b(reaking), u(ndecided) or c(ompatible). */
function lineOf(change: ReturnType<typeof compareSchemas>[number]): string {
  const { rule, publishers, consumers } = change;
  return `${rule} ${change.new ?? change.old} ${publishers[0]}/${consumers[0]}`;
}

test.each(CASES)("$0: $3, and nothing is said of what did not change", (_rule, old, now) => {
  expect(compareSchemas(old, old)).toEqual([]);
  expect(compareSchemas(now, structuredClone(now))).toEqual([]);
});

const some: JsonSchema = { type: "object" };
const other: JsonSchema = { type: "object", required: ["a"] };

test.each([
  ["event added", contractsOf({}), contractsOf({ events: { "a.b": some } }), "event c/c"],
  ["event removed", contractsOf({ events: { "a.b": some } }), contractsOf({}), "event b/b"],
  ["reply added", contractsOf({}), contractsOf({ replies: { q: some } }), "reply b/c"],
  ["reply removed", contractsOf({ replies: { q: some } }), contractsOf({}), "reply c/b"],
  [
    "reply changed",
    contractsOf({ replies: { q: some } }),
    contractsOf({ replies: { q: other } }),
    "required b/c",
  ],
  [
    "old schema unreadable",
    contractsOf({ unreadable: ["a.b"] }),
    contractsOf({ events: { "a.b": some } }),
    "unreadable u/u",
  ],
])("%s", (_what, old, now, expected) => {
  const [difference, ...more] = compareContracts(old, now);
  expect(more).toEqual([]);
  const lines = difference?.changes.map(
    ({ rule, publishers, consumers }) => `${rule} ${publishers[0]}/${consumers[0]}`,
  );
  expect(lines).toEqual([expected]);
});

test("every rule has an example among these cases", () => {
  const shown = CASES.flatMap(([, , , , lines]) => lines.map((line) => line.split(" ")[0]));
  const ofContracts = ["event", "reply", "unreadable"];
  expect([...new Set([...shown, ...ofContracts])].sort()).toEqual(Object.keys(RULES).sort());
});

test("every keyword that a rule names has a case", () => {
  const text = JSON.stringify(CASES);
  const missing = Object.values(RULES)
    .flatMap(({ keywords }) => keywords)
    .filter((keyword) => !text.includes(`"${keyword}":`));
  expect(missing).toEqual([]);
});

test("docs/schema-changes.md has the table of rules as the code has it", () => {
  const file = fileURLToPath(new URL("../../docs/schema-changes.md", import.meta.url));
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const expected = Object.entries(RULES).map(([rule, { keywords, publishers, consumers }]) => {
    const names = keywords.map((keyword) => `\`${keyword}\``).join(" ");
    return `| \`${rule}\` | ${names} | ${publishers} | ${consumers} |`.replace("|  |", "| |");
  });
  expect(rows).toEqual(expected);
});

test("alternatives that refer to each other without end are given up, and said to be undecided", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const schemaOf = (type: string): JsonSchema => ({
    type: "object",
    properties: { x: { $ref: "#/$defs/a" } },
    $defs: Object.fromEntries(
      names.map((name, index) => [
        name,
        {
          anyOf: names.map((to, at) => ({
            type: "object",
            properties: { [`${name}${to}`]: { $ref: `#/$defs/${to}` }, v: { type, minLength: at } },
            required: [`${name}${to}`, `r${index}`],
          })),
        },
      ]),
    ),
  });
  const changes = compareSchemas(schemaOf("string"), schemaOf("integer"));
  expect(changes.some(({ publishers }) => publishers !== "compatible")).toBe(true);
  expect(changes.some(({ consumers }) => consumers !== "compatible")).toBe(true);
});
