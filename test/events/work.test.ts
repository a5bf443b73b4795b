import { expect, test } from "vitest";
import { compileCheck, FORMATS } from "../../src/events/check.ts";
import type { JsonSchema } from "../../src/topology.ts";
import { leastCpuMs } from "./cpu.ts";
import { messageOf, readerOf } from "./reading.ts";

/** For nobody to notice: what a thread may be blocked for by one body. */
const MAX_MS = 50;
const TOO_MUCH = { pointer: "", message: "takes more than 300000 steps to check" };

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const object = (properties: JsonSchema): JsonSchema => ({ type: "object", properties });
const nested = (depth: number, inner: unknown): unknown =>
  many(depth, () => 0).reduce<unknown>((value) => ({ l: value, r: value === 0 ? 1 : 2 }), inner);

/** A schema of `v`, and a value of it: within every limit, and as much work as it can make. */
const worst: Readonly<Record<string, readonly [schema: JsonSchema, value: unknown]>> = {
  "numbers, each in one of nine": [
    { type: "array", items: { oneOf: many(9, (n) => ({ type: "number", minimum: n * 9 })) } },
    many(19_900, (n) => n % 80),
  ],
  "numbers that are none of nine": [
    { type: "array", items: { anyOf: many(9, (n) => ({ const: -n - 1 })) } },
    many(19_900, () => 1),
  ],
  "numbers that contain none": [
    { type: "array", contains: { enum: many(5_000, (n) => `${n}`) } },
    many(19_900, (n) => n),
  ],
  "texts of a huge enum, the last one wrong": [
    { type: "array", items: { enum: many(10_000, (n) => `w${n}`) } },
    [...many(19_900, (n) => `w${n % 10_000}`), "w"],
  ],
  "objects of a huge enum": [
    { type: "array", items: { enum: many(2_000, (n) => ({ n })) } },
    many(9_900, (n) => ({ n: n % 2_000 })),
  ],
  "branches that lead to themselves": [{ $ref: "#/$defs/tree" }, nested(50, 0)],
  "unique items in unique items": [{ $ref: "#/$defs/unique" }, nestedLists(50, 19_800)],
  "unique objects, all alike but for the last field": [
    { type: "array", uniqueItems: true },
    many(4_900, (n) => ({ a: "x".repeat(150), b: 0, n })),
  ],
  "property names of a pattern": [
    { type: "object", propertyNames: { pattern: "^(k+[0-9]*)+$" } },
    Object.fromEntries(many(19_900, (n) => [`kkkkkkkk${n}`, 0])),
  ],
  "pattern properties that all fit": [
    {
      type: "object",
      patternProperties: Object.fromEntries(many(8, (n) => [`^k+.*${n}`, { type: "number" }])),
      additionalProperties: false,
    },
    Object.fromEntries(many(19_900, (n) => [`kk${n}01234567`, 0])),
  ],
  "unevaluated properties": [
    {
      type: "object",
      allOf: many(9, (n) => ({ properties: { [`p${n}`]: true } })),
      unevaluatedProperties: { type: "number" },
    },
    Object.fromEntries(many(19_900, (n) => [`k${n}`, 0])),
  ],
  "multiples of a fraction": [
    { type: "array", items: { type: "number", multipleOf: 0.01 } },
    many(19_900, (n) => n / 100),
  ],
  "a text of 1 MiB, its length counted nine times": [
    { allOf: many(9, (n) => ({ type: "string", minLength: n, maxLength: 2_000_000 })) },
    "é".repeat(500_000),
  ],
  "a text of 1 MiB against patterns": [
    { allOf: many(9, () => ({ type: "string", pattern: "^(a+)+$" })) },
    `${"a".repeat(1_000_000)}!`,
  ],
  "a text of 1 MiB that is nearly a uri": [
    { type: "string", format: "uri-reference" },
    `http://a${"a".repeat(1_000_000)} `,
  ],
  "many texts that are nearly e-mail addresses": [
    { type: "array", items: { anyOf: [{ type: "string", format: "email" }, true] } },
    many(900, () => `a.${"a-".repeat(500)}@`),
  ],
  "a huge enum of one text that is much repeated": [
    { type: "array", items: { enum: many(20_000, (n) => `w${n}`) } },
    many(19_900, () => "w19999"),
  ],
  "wide objects of many properties": [
    {
      type: "array",
      items: object(Object.fromEntries(many(50, (n) => [`p${n}`, { type: "number" }]))),
    },
    many(380, () => Object.fromEntries(many(50, (n) => [`p${n}`, n]))),
  ],
};

function nestedLists(depth: number, width: number): unknown {
  return many(depth, (n) => n).reduce<unknown>(
    (inner, n) => [n, inner],
    many(width, (n) => n),
  );
}

const $defs = {
  tree: {
    oneOf: many(3, (n) => ({
      type: "object",
      properties: { l: { $ref: "#/$defs/tree" }, r: { const: n } },
      required: ["l", "r"],
    })),
  },
  unique: { type: ["array", "number"], uniqueItems: true, items: { $ref: "#/$defs/unique" } },
};

test.each(Object.entries(worst))(`%s: read or refused within ${MAX_MS} ms`, (_what, [v, value]) => {
  const schema = { type: "object", properties: { v }, $defs };
  const reader = readerOf({ e: schema });
  const message = messageOf({ event_type: "e", v: value });
  expect(message.body.length).toBeLessThanOrEqual(1024 * 1024);
  const read = reader.read(message, ["e"]);
  expect(read).not.toHaveProperty("code", "undecodable");
  expect(leastCpuMs(() => reader.read(message, ["e"]))).toBeLessThan(MAX_MS);
});

test("what takes too many steps to check is refused, and says so", () => {
  const schema = { type: "object", properties: { v: { $ref: "#/$defs/tree" } }, $defs };
  const reader = readerOf({ e: schema });
  const read = (depth: number) =>
    reader.read(messageOf({ event_type: "e", v: nested(depth, 0) }), ["e"]);
  expect(read(50)).toMatchObject({ ok: false, code: "invalid-event", violations: [TOO_MUCH] });
  expect(read(8)).not.toMatchObject({ violations: [TOO_MUCH] });
});

test("a body of the most values with the most fields is read within the same time", () => {
  const reader = readerOf({ e: { type: "object" } });
  const fields = Object.fromEntries(many(19_900, (n) => [`field_${n}`, n]));
  const message = messageOf({ event_type: "e", ...fields });
  expect(reader.read(message, ["e"])).toMatchObject({ ok: true });
  expect(leastCpuMs(() => reader.read(message, ["e"]))).toBeLessThan(MAX_MS);
});

const units = ["a", "1", "a.", "-", ":", "/", "%41", "{a,"];
const heads = ["", "a@", "http://a", "{a", "2026-11-25T00:00:00."];

test.each(FORMATS)("format %s takes less than 50 ms on any text", (format) => {
  const v = { type: ["string", "number"], format };
  const schema = { type: "object", properties: { v } };
  const { violations } = compileCheck({ file: "e.json", schema });
  for (const head of heads) {
    for (const unit of units) {
      const text = `${head}${unit.repeat(290_000 / unit.length)}!`;
      const started = performance.now();
      expect(violations({ v: text })).not.toEqual([TOO_MUCH]);
      if (performance.now() - started < MAX_MS / 2) continue;
      const ms = leastCpuMs(() => violations({ v: text }));
      expect([head, unit, ms < MAX_MS]).toEqual([head, unit, true]);
    }
  }
});

test("what is long and ordinary is taken: 1 MiB of text or of base64, and thousands of lines", () => {
  const line = object({
    id: { type: "string", maxLength: 99 },
    price: { type: "number", minimum: 0 },
  });
  const ordinary: readonly (readonly [JsonSchema, unknown])[] = [
    [{ type: "string", format: "byte" }, "AAAA".repeat(260_000)],
    [{ type: "string", maxLength: 2_000_000, pattern: "^[^<>]*$" }, "text ".repeat(200_000)],
    [
      { type: "array", items: { ...line, required: ["id"] } },
      many(6_000, (n) => ({ id: `${n}`, price: n })),
    ],
  ];
  for (const [v, value] of ordinary) {
    const reader = readerOf({ e: object({ v }) });
    const read = reader.read(messageOf({ event_type: "e", v: value }), ["e"]);
    expect(read.ok || read.message).toBe(true);
  }
});
