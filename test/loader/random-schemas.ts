/** Schemas as nobody should write them: sound ones, nearly sound ones, and what is none at all. */
import type { Random } from "../support/random.ts";

/** The files that refer to each other, by their paths in the folder schemas. */
export const NAMES = ["events/a.b.json", "events/c.d.json", "common/x.json", "common/y.json"];

const PATTERNS = [
  "^a+$",
  "(a+)+$",
  "(",
  "^(?=a)b",
  "\\1(a)",
  "[^",
  "^\\p{L}{1,9}$",
  "a{1,9999}",
  "(a|a)*b",
];
const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null", "strin"];
const KEYS = [
  "a",
  "b",
  "__proto__",
  "constructor",
  "$ref",
  "default",
  "",
  "a/b~c %#",
  "\ud800",
  "toString",
];
const FORMATS = ["email", "date-time", "uuid", "emial", "regex", "__proto__"];
const REFERENCES = [
  "#",
  "#/properties/a",
  "#/$defs/a",
  "#/$defs/b",
  "#/allOf/0",
  "../common/x.json",
  "../common/y.json#/$defs/a",
  "../events/a.b.json",
  "x.json",
  "../../out.json",
  "http://host/x.json",
  "#/$defs/a%2",
  "#nothing",
];
const EVIL = [null, 0, -1, 1.5, "text", [], {}, [[]], true, "\ud800", "__proto__"];

/** The text of a file. */
export function randomText(random: Random, isEvent: boolean): string {
  const kind = random.below(20);
  if (kind === 0)
    return random.pick(["", "{", "[]", "true", "null", "\ufeff{}", "{} {}", '{"a":1,"a":2}']);
  if (kind === 1) return nested(random.pick([10, 63, 64, 65, 1_000, 100_000]));
  if (kind === 2) return JSON.stringify(wide(random));
  const schema = randomSchema(random, 3, isEvent ? 40 : 10);
  const text = JSON.stringify(
    isEvent ? { ...schema, type: "object" } : schema,
    null,
    random.below(3),
  );
  return kind === 3 ? mutated(random, text) : text;
}

/** `errors`: of so many choices one is a mistake. */
function randomSchema(random: Random, depth: number, errors: number): Record<string, unknown> {
  const count = depth === 0 ? 1 : 1 + random.below(3);
  return Object.fromEntries(random.list(count, () => randomMember(random, depth, errors)));
}

function randomMember(random: Random, depth: number, errors: number): [string, unknown] {
  if (random.below(errors) === 0)
    return [random.pick([...KEYS, "maximun", "$id", "$anchor", "if"]), random.pick(EVIL)];
  const schema = () => (random.below(12) === 0 ? true : randomSchema(random, depth - 1, errors));
  const map = () => Object.fromEntries(random.list(2, () => [random.pick(KEYS), schema()]));
  const simple: (() => [string, unknown])[] = [
    () => ["type", random.pick(random.below(errors) === 0 ? TYPES : TYPES.slice(0, -1))],
    () => ["maxLength", random.below(9)],
    () => ["minimum", random.below(9)],
    () => ["enum", [random.below(9), "a", null]],
    () => ["format", random.pick(random.below(errors) === 0 ? FORMATS : FORMATS.slice(0, 3))],
    () => ["pattern", random.below(4) === 0 ? random.pick(PATTERNS) : "^a+$"],
    () => ["uniqueItems", true],
    () => ["$ref", random.pick(random.below(4) === 0 ? REFERENCES : REFERENCES.slice(5, 6))],
  ];
  if (depth === 0) return random.pick(simple)();
  const nesting: (() => [string, unknown])[] = [
    () => ["properties", map()],
    () => ["$defs", { a: schema(), b: schema() }],
    () => ["allOf", random.list(2, schema)],
    () => ["anyOf", random.list(2, schema)],
    () => ["oneOf", random.list(2, schema)],
    () => ["items", schema()],
    () => ["not", schema()],
    () => ["additionalProperties", schema()],
    () => ["patternProperties", { [random.pick(PATTERNS)]: schema() }],
    () => ["dependentSchemas", map()],
    () => ["unevaluatedProperties", schema()],
    () => ["prefixItems", random.list(2, schema)],
  ];
  return random.pick([...simple, ...nesting, ...nesting])();
}

function nested(levels: number): string {
  return `{"type":"object","properties":{"a":${'{"items":'.repeat(levels)}{}${"}".repeat(levels)}}}`;
}

function wide(random: Random): object {
  const count = random.pick([100, 400, 1_100, 5_000]);
  const make = random.pick<(n: number) => object>([
    (n) => ({ type: "string", maxLength: n }),
    (n) => ({ $ref: `#/properties/p${(n * 7 + 1) % count}` }),
    (n) => ({ items: { $ref: `#/properties/p${(n + 1) % count}` } }),
    (n) => ({
      allOf:
        n === 0 ? [{}] : [{ $ref: `#/properties/p${n - 1}` }, { $ref: `#/properties/p${n - 1}` }],
    }),
  ]);
  const properties = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`p${n}`, make(n)]),
  );
  return { type: "object", properties };
}

function mutated(random: Random, text: string): string {
  const at = random.below(text.length);
  const inserted = random.pick(["", "{", "}", '"', ",", "\\", "\u0000", "\ud800", "0", "\n"]);
  return text.slice(0, at) + inserted + text.slice(at + random.below(3));
}
