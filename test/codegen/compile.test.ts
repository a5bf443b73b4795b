import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateTypes } from "../../src/codegen/types.ts";
import { type Compiler, createCompiler } from "./compiler.ts";
import { topologyOf } from "./topology.ts";

const text = { type: "string" };
const price = {
  definitions: { money: { type: "object", properties: { amount: { type: "number" } } } },
  properties: { price: { $ref: "#/definitions/money" } },
};
const topology = topologyOf({
  exchanges: {
    books: ["book.created", "book.deleted"],
    loose: ["open.fields", "one.of"],
    content: null,
    'the "odd"\\ one\'s': ["x-y.z_1", "x.y.z1"],
    toString: ["constructor"],
  },
  queues: {
    created: [["books", "book.created"]],
    books: [["books", "book.*"]],
    articles: [["content", "#"]],
    'a"b': [['the "odd"\\ one\'s', "#"]],
    constructor: [["toString", "constructor"] as const],
    parked: null,
  },
  events: {
    "book.created": {
      properties: { id: text, title: text, pages: { type: "integer" } },
      required: ["id", "title"],
    },
    "book.deleted": { properties: { id: text, reason: text }, required: ["id"] },
    "open.fields": { properties: { id: text }, required: ["id"], additionalProperties: true },
    "one.of": {
      oneOf: [
        { properties: { a: text }, required: ["a"] },
        { properties: { b: text }, required: ["b"] },
      ],
    },
    "x-y.z_1": price,
    "x.y.z1": { ...price, properties: { ...price.properties, self: { $ref: "#" } } },
    constructor: { oneOf: [{ properties: { a: text } }, { properties: { b: text } }] },
  },
});

/** A handler module of `queue`; `event` and `publish` are at hand. */
function handler(queue: string, body: string): string {
  return `import { defineHandler } from "warren";
export default defineHandler<${JSON.stringify(queue)}>(async (event, { publish }) => {
  await publish("content", "seen", event);
  ${body}
});
`;
}

const cases = [
  ["reads a field of the queue's event", [], handler("created", "event.title.trim();")],
  [
    "narrows a union by event_type",
    [],
    handler("books", 'if (event.event_type === "book.deleted") event.reason?.trim();'),
  ],
  [
    "publishes what the exchange lists",
    [],
    handler("books", 'await publish("books", "book.deleted", { id: event.id });'),
  ],
  [
    "publishes any JSON to an open exchange",
    [],
    handler("books", 'await publish("content", "any.key", [1]);'),
  ],
  ["has a queue whose name needs quotes", [], handler('a"b', "event.price?.amount?.toFixed();")],
  [
    "has a queue named as a method of Object",
    [],
    handler("constructor", 'event.event_type satisfies "constructor";'),
  ],
  [
    "publishes to names of any characters",
    [],
    handler(
      "created",
      'await publish("the \\"odd\\"\\\\ one\'s", "x-y.z_1", { price: { amount: 1 } });',
    ),
  ],
  [
    "imports events and groups by name",
    [],
    'import type { BookCreated, BookEvent, XEvent } from "./generated/events.ts";\nexport const both = (book: BookCreated): BookEvent | XEvent => book;\n',
  ],
  ["handles a queue that does not exist", ["TS2344"], handler("nope", "")],
  ["handles a queue that is parked", ["TS2344"], handler("parked", "")],
  ["reads a field that the event has not", ["TS2339"], handler("created", "event.reason;")],
  ["reads a field of some events without narrowing", ["TS2339"], handler("books", "event.reason;")],
  ["reads a field that may be missing", ["TS18048"], handler("created", "event.pages.toFixed();")],
  [
    "compares event_type with an event of another queue",
    ["TS2367"],
    handler("created", 'if (event.event_type === "book.deleted") return;'),
  ],
  ["reads an open queue's event unseen", ["TS18046"], handler("articles", "event.title;")],
  [
    "publishes to an exchange that does not exist",
    ["TS2345"],
    handler("created", 'await publish("nope", "book.created", event);'),
  ],
  [
    "publishes an event that the exchange does not list",
    ["TS2345"],
    handler("created", 'await publish("books", "x-y.z_1", {});'),
  ],
  [
    "publishes without a required field",
    ["TS2741"],
    handler("created", 'await publish("books", "book.created", { id: "1" });'),
  ],
  [
    "publishes fields that an open schema does not name",
    [],
    handler("created", 'await publish("loose", "open.fields", { id: "1", more: true });'),
  ],
  [
    "publishes to an open schema without its required field",
    ["TS2741"],
    handler("created", 'await publish("loose", "open.fields", { more: true });'),
  ],
  [
    "publishes one of two forms",
    [],
    handler("created", 'await publish("loose", "one.of", { b: "1" });'),
  ],
  [
    "publishes neither of two forms",
    ["TS2345"],
    handler("created", 'await publish("loose", "one.of", {});'),
  ],
  [
    "publishes a field of another type",
    ["TS2322"],
    handler("created", 'await publish("books", "book.deleted", { id: 1 });'),
  ],
  [
    "publishes a field that the schema does not name",
    ["TS2561"],
    handler("created", 'await publish("books", "book.deleted", { id: "1", raeson: "" });'),
  ],
] as const;

describe.each(["sources", "declarations"] as const)("against warren's %s", (form) => {
  let compiler: Compiler | undefined;
  let errors: ReadonlyMap<string, readonly string[]> = new Map();

  beforeAll(async () => {
    compiler = createCompiler(form, await generateTypes(topology));
    const modules = cases.map(([, , source], index) => [`case-${index}`, source]);
    errors = compiler.compile(Object.fromEntries(modules));
  });
  afterAll(() => compiler?.remove());

  for (const [index, [name, codes]] of cases.entries()) {
    const verdict = codes.length === 0 ? "compiles" : `does not compile (${codes})`;
    test(`a module that ${name} ${verdict}`, () => {
      expect(errors.get(`case-${index}`)).toEqual(codes);
    });
  }
});
