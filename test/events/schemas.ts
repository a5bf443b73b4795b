/** Random JSON Schemas, and values that know what is in them. */
import type { JsonSchema } from "../../src/topology.ts";
import type { Random } from "../support/random.ts";

const names = ["a", "b", "c", "title", "price", "constructor", "toString"];
const texts = ["", "a", "abc", "1", "2026-11-25", "2026-11-25T10:00:00Z", "a@b.de", "😀", "x/y~z"];
const numbers = [0, 1, -1, 2.5, 1e300, 1e-9, 0.3, 42];
const patterns = ["^a", "^(a+)+$", "[0-9]{2,}", "\\p{L}+!", "(a|b)*c", "^\\w+$", "x"];
const formats = [
  "date",
  "date-time",
  "email",
  "uri",
  "uuid",
  "ipv6",
  "hostname",
  "duration",
  "byte",
];

/** In `$defs` of the schema that it is used in. */
const references = ["#/$defs/one", "#/$defs/two", "#"];

export function randomSchema(random: Random): JsonSchema {
  const $defs = { one: randomPart(random, 2), two: randomPart(random, 2) };
  const properties = Object.fromEntries(
    random.list(1 + random.below(5), () => [random.pick(names), randomPart(random, 0)]),
  );
  const $schema = "http://json-schema.org/draft-07/schema#";
  return {
    ...(random.below(3) === 0 ? { $schema } : {}),
    type: "object",
    properties,
    $defs,
    ...(random.below(2) === 0 ? { required: [random.pick(names)] } : {}),
    ...(random.below(3) === 0 ? { additionalProperties: randomPart(random, 1) } : {}),
  };
}

function randomPart(random: Random, depth: number): JsonSchema | boolean {
  const inner = () => randomPart(random, depth + 1);
  const list = () => random.list(1 + random.below(3), inner);
  const choices: readonly (() => JsonSchema | boolean)[] = [
    () => random.below(5) > 0,
    () => ({ type: random.pick(["string", "number", "integer", "boolean", "null", "array"]) }),
    () => ({ type: ["string", "null"], minLength: random.below(4), maxLength: random.below(20) }),
    () => ({ type: "string", pattern: random.pick(patterns) }),
    () => ({ type: "string", format: random.pick(formats) }),
    () => ({ type: "number", minimum: random.pick(numbers), multipleOf: random.pick([1, 0.1, 3]) }),
    () => ({ enum: [random.pick(texts), random.pick(numbers), null, { a: [1] }] }),
    () => ({ const: random.pick<unknown>([...texts, ...numbers, [1, { a: 2 }]]) }),
    () => ({ $ref: random.pick(references) }),
    () => ({ type: "array", items: inner(), uniqueItems: random.below(2) === 0 }),
    () => ({ type: "array", contains: inner(), maxItems: random.below(30) }),
    () => ({ type: "object", properties: { [random.pick(names)]: inner() }, minProperties: 1 }),
    () => ({ type: "object", patternProperties: { [random.pick(patterns)]: inner() } }),
    () => ({ type: "object", propertyNames: { pattern: random.pick(patterns) } }),
    () => ({ type: "object", additionalProperties: inner() }),
    () => ({ oneOf: list() }),
    () => ({ anyOf: list() }),
    () => ({ allOf: list() }),
    () => ({ not: inner() }),
    () => Object.fromEntries(["if", "then", "else"].map((keyword) => [keyword, inner()])),
  ];
  return random.pick(depth > 3 ? choices.slice(0, 9) : choices)();
}

/** Up to some thousands of values, and deep. */
export function randomValue(random: Random, depth: number): unknown {
  const inner = () => randomValue(random, depth + 1);
  const kind = random.below(depth > 40 ? 3 : 8);
  if (kind === 0) return random.pick(texts).repeat(1 + random.below(3) ** 5);
  if (kind === 1) return random.pick(numbers);
  if (kind === 2) return random.pick([null, true, false, [], {}]);
  if (kind === 3) return random.list(random.below(3), inner);
  if (kind === 4 && depth < 2) {
    const item = inner();
    return random.list(random.below(40), () => item);
  }
  return Object.fromEntries(random.list(random.below(4), () => [random.pick(names), inner()]));
}
