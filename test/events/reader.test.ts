import { expect, test } from "vitest";
import { createRandom, type Random } from "../support/random.ts";
import { messageOf, readerOf } from "./reading.ts";

const book = {
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  required: ["id", "title"],
  properties: { id: { type: "string" }, title: { type: "string" }, price: { type: "number" } },
  additionalProperties: false,
};
const file = { type: "object", properties: { data: { type: "object" } } };
const reader = readerOf({ "book.created": book, "book.deleted": book, "file.stored": file });
const expected = ["book.created", "file.stored"];
const fields = { id: "1", title: "t" };
const flat = { event_type: "book.created", ...fields };
const cloud = { specversion: "1.0", id: "1", source: "/s", type: "book.created" };
const structured = { contentType: "application/cloudevents+json; charset=utf-8" };

test.each([
  ["flat", messageOf(flat)],
  ["an envelope", messageOf({ event_type: "book.created", data: fields, sent_by: "x" })],
  ["flat, its type in the routing key", messageOf(fields, { routingKey: "book.created" })],
  [
    "an envelope, its type in the routing key",
    messageOf({ data: fields }, { routingKey: "book.created" }),
  ],
  ["a structured CloudEvent", messageOf({ ...cloud, data: fields }, structured)],
  [
    "a binary CloudEvent",
    messageOf(fields, {
      headers: { "cloudEvents:type": "book.created", "cloudEvents:specversion": "1.0" },
    }),
  ],
  [
    "a binary CloudEvent with underscores",
    messageOf(fields, {
      headers: { cloudEvents_type: "book.created", cloudEvents_specversion: "1.0" },
    }),
  ],
  [
    "a binary CloudEvent as in HTTP",
    messageOf(fields, { headers: { "ce-type": "book.created", "ce-specversion": "1.1" } }),
  ],
  ["without content type", messageOf(flat, { contentType: null })],
  ["with content encoding utf-8", messageOf(flat, { contentEncoding: "UTF-8" })],
])("an event is read %s", (_how, message) => {
  expect(reader.read(message, expected)).toEqual({ ok: true, type: "book.created", event: flat });
});

test("data is no envelope where the event's schema has such a property", () => {
  const body = { event_type: "file.stored", data: { size: 1 } };
  expect(reader.read(messageOf(body), expected)).toEqual({
    ok: true,
    type: "file.stored",
    event: body,
  });
});

test("the properties of a schema are found behind references, too", () => {
  const schema = { type: "object", allOf: [{ $ref: "#/$defs/file" }], $defs: { file } };
  const body = { event_type: "file.moved", data: { size: 1 } };
  expect(readerOf({ "file.moved": schema }).read(messageOf(body), ["file.moved"])).toEqual({
    ok: true,
    type: "file.moved",
    event: body,
  });
});

test("where any JSON is taken, it passes as it is", () => {
  for (const body of [flat, { event_type: "book.created" }, [1], null, 5]) {
    expect(reader.read(messageOf(body), null)).toEqual({ ok: true, type: null, event: body });
  }
});

test.each([
  ["compressed", messageOf(flat, { contentEncoding: "gzip" }), "undecodable"],
  ["not JSON", messageOf("{"), "undecodable"],
  ["of a type without schema", messageOf({ event_type: "film.shown" }), "unknown-event"],
  ["of a type that Object has", messageOf({ event_type: "constructor" }), "unknown-event"],
  [
    "of a type that is not expected",
    messageOf({ ...flat, event_type: "book.deleted" }),
    "unexpected-event",
  ],
])("a message %s is refused", (_what, message, code) => {
  const answer = { ok: false, code, message: expect.any(String), violations: [], schema: null };
  expect(reader.read(message, expected)).toEqual(answer);
});

test.each([
  ["an array", messageOf([flat]), [["", "must be an object"]]],
  ["null", messageOf("null"), [["", "must be an object"]]],
  ["no type at all", messageOf(fields), [["/event_type", "must name the event"]]],
  ["an empty type", messageOf({ event_type: "" }), [["/event_type", "must name the event"]]],
  [
    "a type that is no string",
    messageOf({ event_type: 5 }),
    [["/event_type", "must name the event"]],
  ],
  [
    "two types",
    messageOf({ event_type: "book.created", data: { ...fields, event_type: "book.deleted" } }),
    [["/event_type", 'must be "book.created", as the message says']],
  ],
  [
    "every mistake at once",
    messageOf({ event_type: "book.created", id: 1, "a/b~c": 1, price: "1" }),
    [
      ["/title", "must be present"],
      ["/a~1b~0c", "is not a known field"],
      ["/id", "must be string"],
      ["/price", "must be number"],
    ],
  ],
  [
    "infinity",
    messageOf('{"event_type":"book.created","id":"1","title":"t","price":1e999}'),
    [["/price", "must be number"]],
  ],
  [
    "a CloudEvent without version",
    messageOf({ ...cloud, specversion: undefined, data: fields }, structured),
    [["/specversion", 'must be "1.0"']],
  ],
  [
    "a CloudEvent without type",
    messageOf({ ...cloud, type: "", data: fields }, structured),
    [["/type", "must name the event"]],
  ],
  [
    "a CloudEvent with binary data",
    messageOf({ ...cloud, data_base64: "AA==" }, structured),
    [["/data_base64", "is not read: send JSON as data"]],
  ],
  [
    "a CloudEvent whose data is text",
    messageOf({ ...cloud, data: "t" }, structured),
    [["", "must be an object"]],
  ],
  [
    "a CloudEvent whose data is an envelope",
    messageOf({ ...cloud, data: { data: fields } }, structured),
    [
      ["/id", "must be present"],
      ["/title", "must be present"],
      ["/data", "is not a known field"],
    ],
  ],
])("an invalid event: %s", (_what, message, violations) => {
  const listed = violations.map(([pointer, text]) => ({ pointer, message: text }));
  const read = reader.read(message, expected);
  expect(read).toEqual({
    ok: false,
    code: "invalid-event",
    message: expect.any(String),
    violations: expect.arrayContaining(listed),
    schema: expect.toBeOneOf([null, expect.stringMatching(/^book\.created@/)]),
  });
  expect(read).toHaveProperty("violations.length", listed.length);
});

test("of more than a hundred violations the last one says how many are left out", () => {
  const body = (count: number) => ({
    ...flat,
    ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`extra_${i}`, 0])),
  });
  const listOf = (extra: number) => {
    const read = reader.read(messageOf(body(extra)), expected);
    return read.ok ? [] : read.violations;
  };
  expect([0, 99, 100].map((extra) => listOf(extra).length)).toEqual([0, 99, 100]);
  for (const extra of [101, 500, 10_000]) {
    const violations = listOf(extra);
    expect(violations).toHaveLength(101);
    expect(violations.at(-1)).toEqual({
      pointer: "",
      message: `${extra - 100} more are not listed`,
    });
  }
});

test("violations take 16 KiB as JSON at most, and the last one says how many are left out", () => {
  const body = Object.fromEntries(
    Array.from({ length: 90 }, (_, n) => [`${n}${"é".repeat(400)}`, 0]),
  );
  const read = reader.read(messageOf({ ...flat, ...body }), expected);
  const violations = read.ok ? [] : read.violations;
  const { length } = violations;
  expect(Buffer.byteLength(JSON.stringify(violations))).toBeLessThan(17 * 1024);
  expect(length).toBeGreaterThan(20);
  expect(violations.at(-1)).toEqual({
    pointer: "",
    message: `${90 - (length - 1)} more are not listed`,
  });
});

test("where it would take too long to find every violation, the first is named and it is said", () => {
  const item = { oneOf: Array.from({ length: 9 }, () => ({ type: "string" })) };
  const list = readerOf({
    e: { type: "object", properties: { l: { type: "array", items: item } } },
  });
  const read = list.read(messageOf({ event_type: "e", l: Array(19_000).fill(0) }), ["e"]);
  expect(read).toMatchObject({
    violations: [
      { pointer: "/l/0", message: "must be string" },
      { pointer: "/l/0", message: "must match exactly one schema in oneOf" },
      { pointer: "", message: "there may be more: to find them all takes too long" },
    ],
  });
});

test("uniqueItems compares by value", () => {
  const list = { type: "array", uniqueItems: true };
  const unique = readerOf({ e: { type: "object", properties: { list } } });
  const isTaken = (items: readonly unknown[]) =>
    unique.read(messageOf({ event_type: "e", list: items }), ["e"]).ok;
  expect(isTaken([1, "1", [1], { a: 1 }, null, "null"])).toBe(true);
  expect(
    isTaken([
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ]),
  ).toBe(false);
});

test("draft 2020-12 is what a schema without $schema is written in", () => {
  const pair = {
    type: "array",
    prefixItems: [{ type: "string" }, { type: "number" }],
    items: false,
    minItems: 2,
  };
  const pairs = readerOf({ e: { type: "object", properties: { pair } } });
  const isTaken = (value: unknown) =>
    pairs.read(messageOf({ event_type: "e", pair: value }), ["e"]).ok;
  expect([isTaken(["a", 1]), isTaken(["a", 1, 2]), isTaken([1, "a"])]).toEqual([
    true,
    false,
    false,
  ]);
});

test("random JSON never throws, and gives an event only with the type and the fields of its schema", () => {
  const random = createRandom(11);
  for (let round = 0; round < 20_000; round++) {
    const body = randomBody(random, 0);
    const contentType = random.pick([
      null,
      "application/json",
      "application/cloudevents+json",
      "",
      ";",
    ]);
    const headers = random.pick([
      {},
      { "ce-type": randomBody(random, 2), "ce-specversion": "1.0" },
    ]);
    const routingKey = random.pick(["", "book.created", "x"]);
    const read = reader.read(
      messageOf(JSON.stringify(body), { contentType, headers, routingKey }),
      expected,
    );
    if (read.ok) expect(read).toMatchObject({ event: { event_type: read.type } });
    if (read.ok && read.type === "book.created") expect(read).toMatchObject({ event: fields });
  }
});

function randomBody(random: Random, depth: number): unknown {
  const kind = random.below(depth > 3 ? 3 : 6);
  if (kind === 0) return random.pick([null, true, 0, -1.5, 1e300, [], {}]);
  if (kind < 3) return random.pick(["", "1", "t", "book.created", "file.stored", "1.0", "\ud800"]);
  if (kind === 3) return random.list(random.below(4), () => randomBody(random, depth + 1));
  const names = ["event_type", "data", "type", "specversion", "__proto__", "toString", "x"];
  const members = random.list(random.below(5), () => [
    random.pick(names),
    randomBody(random, depth + 1),
  ]);
  return Object.fromEntries([...members, ...(random.below(2) ? Object.entries(fields) : [])]);
}
