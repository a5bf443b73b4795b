import { expect, test } from "vitest";
import { asyncApiDocument } from "../../src/codegen/asyncapi/asyncapi.ts";
import { exampleOf } from "../../src/codegen/example.ts";
import { openApiDocument } from "../../src/codegen/openapi/openapi.ts";
import { createEventReader } from "../../src/events/reader.ts";
import { checkerOf, escaped, loose, odd, oddSchemas } from "./documented.ts";

const reader = createEventReader(odd.events);
const checks = [
  ["OpenAPI's 2020-12", checkerOf(openApiDocument(odd))],
  ["AsyncAPI's draft-07", checkerOf(asyncApiDocument(odd))],
] as const;

// draft-07 has no word for it.
const unknownTo07 = new Set(["odd.unevaluated"]);

const types = Object.keys(oddSchemas);

test.each(types)("%s: a body is what the documents say if and only if it is taken", (type) => {
  const pointer = `/components/schemas/${escaped(`${type}_Body`)}`;
  const compiled = checks.map(([dialect, checkOf]) => [dialect, checkOf(pointer)] as const);
  const bodies = bodiesOf(type).map((body) => ({ body, isTaken: read(type, body) }));
  // Otherwise nothing here tells the schema from any other.
  expect(new Set(bodies.map(({ isTaken }) => isTaken))).toEqual(new Set([true, false]));
  for (const [dialect, check] of compiled) {
    const isLoose = loose.has(type) || (dialect.startsWith("Async") && unknownTo07.has(type));
    const wrong = bodies.filter(({ body, isTaken }) => check(body) !== isTaken);
    expect({ dialect, wrong: isLoose ? wrong.filter(({ isTaken }) => isTaken) : wrong }).toEqual({
      dialect,
      wrong: [],
    });
  }
});

/** No example is made up for these rules, or shown where it would be taken for a reference. */
const noExample = ["odd.names", "odd.patterns", "odd.count", "odd.references"];

test.each(types)("%s: an example, if there is one, is taken", (type) => {
  const event = odd.events[type];
  const example = event && exampleOf(event);
  if (example === undefined) expect(noExample).toContain(type);
  else expect(read(type, Object(example))).toBe(true);
});

const values = [
  1,
  -1,
  "x",
  "xy",
  "x".repeat(30),
  null,
  true,
  [],
  ["x", 1],
  ["x", 1, 2],
  [1],
  { id: "1" },
  { id: 1 },
  {},
];
const nested = [
  ...[
    { amount: 1 },
    { amount: -1 },
    { amount: 1, currency: 2 },
    { price: { amount: 1 } },
    { n: 1 },
  ],
  ...[{ price: { amount: "1" } }, { n: 1.5 }, { next: { next: {} } }, { next: { next: 1 } }],
  ...[[{ id: "1" }], [{ id: 1 }], [{ id: "1", parts: [{}] }], { items: [1], nullable: true }],
];

/** Fields as they are, with their type, and in an envelope. */
function bodiesOf(event_type: string): readonly object[] {
  const fields = fieldsOf(event_type);
  return fields.flatMap((one) => [one, { ...one, event_type }, { data: one }]);
}

/** For each field that a schema of the table names every value, alone and beside another one. */
function fieldsOf(type: string): readonly Record<string, unknown>[] {
  const event = odd.events[type];
  const example = event === undefined ? {} : Object(exampleOf(event) ?? {});
  const names = [
    "id",
    "a",
    "b",
    "c",
    "pair",
    "again",
    "rest",
    "tree",
    "price",
    "line",
    "parts",
    "data",
    "items",
    "any",
    "none",
    "kind",
    "link",
    "other",
  ];
  const single = names.flatMap((name) =>
    [...values, ...nested].map((value) => ({ [name]: value })),
  );
  return [
    {},
    example,
    ...single,
    ...single.map((one) => ({ ...example, ...one })),
    { a: "x", b: "x" },
    { a: "x", b: "x", c: 1 },
    { kind: "a", a: "x" },
    { kind: "b", a: "x" },
  ];
}

function read(routingKey: string, body: object): boolean {
  const message = { contentType: null, contentEncoding: null, headers: {}, routingKey };
  const bytes = Buffer.from(JSON.stringify(body));
  return reader.read({ ...message, body: bytes }, [routingKey]).ok;
}
