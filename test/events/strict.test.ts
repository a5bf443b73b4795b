/** What the checks of events do, and what they must not: nothing of a body is changed by them. */
import { expect, test } from "vitest";
import { compileCheck, draftOf } from "../../src/events/check.ts";
import { schemaViolations } from "../../src/events/vet.ts";
import type { JsonSchema } from "../../src/topology.ts";
import { messageOf, readerOf } from "./reading.ts";

const drafts = [
  "http://json-schema.org/draft-07/schema#",
  "https://json-schema.org/draft/2020-12/schema",
];

const read = (schema: JsonSchema, body: string) =>
  readerOf({ e: { type: "object", ...schema } }).read(
    messageOf(body.replace("{", '{"event_type":"e",')),
    ["e"],
  );
const of = (a: JsonSchema) => ({ properties: { a } });

test.each([
  ["number", "null"],
  ["number", '"1"'],
  ["number", "true"],
  ["integer", '""'],
  ["string", "null"],
  ["string", "1"],
  ["boolean", "1"],
  ["boolean", '"true"'],
  ["boolean", "null"],
  ["null", "0"],
  ["null", '""'],
  ["array", "1"],
])("nothing is made a %s of: not %s", (type, value) => {
  for (const $schema of drafts) {
    const result = read({ $schema, ...of({ type }) }, `{"a":${value}}`);
    expect(result).toMatchObject({ violations: [{ pointer: "/a", message: `must be ${type}` }] });
  }
});

test("no default is filled in, and nothing is removed or changed", () => {
  const schema = {
    properties: { a: { type: "number", default: 5 }, o: { properties: { b: { default: 1 } } } },
    additionalProperties: true,
  };
  expect(read(schema, '{"o":{},"more":[null,1.0,"x"]}')).toMatchObject({
    event: { event_type: "e", o: {}, more: [null, 1, "x"] },
  });
  expect(read(schema, '{"o":{}}')).toEqual({
    ok: true,
    type: "e",
    event: { event_type: "e", o: {} },
  });
});

test("$data is no reference to the body: it is refused, and in const it is what it says", () => {
  for (const $schema of drafts) {
    for (const keyword of ["minimum", "pattern", "enum", "format", "required", "maxLength"]) {
      const schema = { $schema, ...of({ [keyword]: { $data: "1/b" } }) };
      expect(schemaViolations(schema, draftOf(schema))).toMatchObject([
        { pointer: `/properties/a/${keyword}` },
      ]);
    }
    const constant = { $schema, ...of({ const: { $data: "1/b" } }) };
    expect(read(constant, '{"a":1,"b":1}')).toMatchObject({ ok: false });
    expect(read(constant, '{"a":{"$data":"1/b"}}')).toMatchObject({ ok: true });
  }
});

test("what every object inherits is no field of an event", () => {
  for (const name of ["toString", "constructor", "hasOwnProperty", "valueOf"]) {
    const pointer = `/${name}`;
    expect(read({ required: [name] }, '{"a":1}')).toMatchObject({
      violations: [{ pointer, message: "must be present" }],
    });
    expect(read({ properties: { [name]: { type: "string" } } }, '{"a":1}')).toMatchObject({
      ok: true,
    });
    expect(read({ dependentRequired: { [name]: ["b"] } }, '{"a":1}')).toMatchObject({ ok: true });
    const closed = { properties: { a: true }, additionalProperties: false };
    expect(read(closed, `{"a":1,"${name}":1}`)).toMatchObject({ violations: [{ pointer }] });
  }
});

test("the first pass stops at the first mistake, whatever stands behind it", () => {
  const heavy = Array.from({ length: 40 }, () => ({ maximum: 9 }));
  const schema = of({ type: "array", items: { type: "number", allOf: heavy } });
  const zeros = Array(15_000).fill(0).join();
  expect(read(schema, `{"a":[${zeros}]}`)).toMatchObject({
    violations: [{ pointer: "", message: "takes more than 300000 steps to check" }],
  });
  expect(read(schema, `{"a":["",${zeros}]}`)).toMatchObject({
    violations: [
      { pointer: "/a/0", message: "must be number" },
      { pointer: "", message: "there may be more: to find them all takes too long" },
    ],
  });
});

test.each(["http://example.com/a.json", "file:///etc/passwd", "other.json"])(
  "%s is never fetched",
  ($ref) => {
    const event = { type: "e", file: "e.json", schema: { type: "object", ...of({ $ref }) } };
    expect(() => compileCheck(event)).toThrow(
      expect.objectContaining({ code: "bad-event-schema" }),
    );
  },
);

test.each([
  ["url", "http://a"],
  ["regex", "a"],
])("format %s is not taken: its time has no bound", (format) => {
  const event = { type: "e", file: "e.json", schema: { type: "object", ...of({ format }) } };
  expect(() => compileCheck(event)).toThrow(/unknown format/);
});

test("a schema at which ajv itself fails refuses the event, and ends nothing", () => {
  // As text: an object with a `then` looks like a promise.
  const item = JSON.parse(`{
    "if": { "type": "object" },
    "then": {
      "if": { "properties": { "a": { "type": "string" } } },
      "then": { "properties": { "a": true }, "patternProperties": { "^x": { "type": "string" } } },
      "patternProperties": { "^x": { "type": "integer" } }
    },
    "type": "object",
    "patternProperties": { "^x": true },
    "unevaluatedProperties": false
  }`);
  const schema = of({ type: "array", contains: item });
  const message = "can't be checked: ajv fails at it with this schema";
  expect(read(schema, '{"a":[{"a":1,"x1":1}]}')).toMatchObject({
    code: "invalid-event",
    violations: [{ pointer: "", message }],
  });
});
