import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateTypes } from "../../src/codegen/types.ts";
import { type Compiler, createCompiler } from "./compiler.ts";
import { topologyOf } from "./topology.ts";

const text = { type: "string" };
const price = {
  definitions: { money: { type: "object", properties: { amount: { type: "number" } } } },
  properties: { price: { $ref: "#/definitions/money" } },
};
/** As the loader bundles what schemas/common has. */
const $defs = {
  "common/money.json": {
    type: "object",
    properties: {
      amount: { $ref: "#/$defs/common~1money.json~1$defs~1amount" },
      currency: { enum: ["EUR", "USD"] },
      parts: { type: "array", items: { $ref: "#/$defs/common~1money.json" } },
    },
    required: ["amount"],
  },
  "common/money.json/$defs/amount": { type: "number" },
  // Named as what every module has.
  "common/object.json": { type: "array", items: text },
  "common/promise.json": { properties: { promise: { $ref: "#/$defs/common~1promise.json" } } },
};
const global = {
  object: { $ref: "#/$defs/common~1object.json" },
  promise: { $ref: "#/$defs/common~1promise.json" },
};
const money = { $ref: "#/$defs/common~1money.json" };
const topology = topologyOf({
  exchanges: {
    books: ["book.created", "book.deleted"],
    loose: ["open.fields", "one.of"],
    content: null,
    sales: ["sale.made", "sale.undone"],
    tasks: null,
    jobs: null,
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
    price_quote: [["tasks", "price.quote"]],
    count: [["tasks", "count"]],
    sales: [["sales", "#"]],
    free: [["tasks", "free"]],
    jobs: [["jobs", "job.*"]],
    total: [["sales", "sale.made"]],
  },
  untyped: ["free"],
  replies: {
    price_quote: { properties: { price: money, until: text }, required: ["price"], $defs },
    count: { type: ["integer", "null"] },
    jobs: { type: "string" },
    total: { type: "number" },
  },
  events: {
    "sale.made": { properties: { total: money }, required: ["total"], $defs },
    "sale.undone": { properties: { back: money, ...global }, required: ["back"], $defs },
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

/** A handler module that calls. */
function caller(body: string): string {
  return `import { defineHandler } from "warren";
export default defineHandler<"created">(async (event, { call }) => {
  event.title.trim();
  ${body}
});
`;
}

/** What a module does, what tsc says to it (null: it compiles), the module. */
const cases: readonly (readonly [does: string, text: string | null, source: string])[] = [
  ["reads a field of the queue's event", null, handler("created", "event.title.trim();")],
  [
    "narrows a union by event_type",
    null,
    handler("books", 'if (event.event_type === "book.deleted") event.reason?.trim();'),
  ],
  [
    "publishes what the exchange lists",
    null,
    handler("books", 'await publish("books", "book.deleted", { id: event.id });'),
  ],
  [
    "publishes any JSON to an open exchange",
    null,
    handler("books", 'await publish("content", "any.key", [1]);'),
  ],
  ["has a queue whose name needs quotes", null, handler('a"b', "event.price?.amount?.toFixed();")],
  [
    "has a queue named as a method of Object",
    null,
    handler("constructor", 'event.event_type satisfies "constructor";'),
  ],
  [
    "publishes to names of any characters",
    null,
    handler(
      "created",
      'await publish("the \\"odd\\"\\\\ one\'s", "x-y.z_1", { price: { amount: 1 } });',
    ),
  ],
  [
    "imports events and groups by name",
    null,
    'import type { BookCreated, BookEvent, XEvent } from "./generated/events.ts";\nexport const both = (book: BookCreated): BookEvent | XEvent => book;\n',
  ],
  [
    "replies what the schema says, and what it takes from a shared file",
    null,
    handler("price_quote", 'return { price: { amount: 1, currency: "EUR" } };'),
  ],
  ["replies null where it may", null, handler("count", "return null;")],
  ["returns anything where no reply is declared", null, handler("created", "return { a: 1 };")],
  [
    "gives one event's shared part to another",
    null,
    handler(
      "sales",
      'if (event.event_type === "sale.made") await publish("sales", "sale.undone", { back: event.total });',
    ),
  ],
  [
    "calls for a reply",
    null,
    caller('return (await call("tasks", "price.quote", {})).price.amount.toFixed();'),
  ],
  [
    "calls with options, and with an event that the exchange lists",
    null,
    caller(
      'return (await call("sales", "sale.made", { total: { amount: 1 } }, { timeout: 500, priority: 1 })).toFixed();',
    ),
  ],
  [
    "calls by any key that a wildcard takes, and reads what it can't know with care",
    null,
    caller(
      'const reply = await call("jobs", "job.any", {}); if (typeof reply === "string") reply.trim();',
    ),
  ],
  [
    "imports replies and shared parts by name",
    null,
    'import type { Money, PriceQuoteReply } from "./generated/events.ts";\nexport const of = (reply: PriceQuoteReply): Money => reply.price;\n',
  ],
  [
    "replies nothing",
    [
      "Argument of type '(event: unknown, { publish }: HandlerContext) => Promise<void>' is not assignable to parameter of type 'HandlerFunction<unknown, PriceQuoteReply>'.",
      "  Type 'Promise<void>' is not assignable to type 'PriceQuoteReply | Promise<PriceQuoteReply>'.",
      "    Type 'Promise<void>' is not assignable to type 'Promise<PriceQuoteReply>'.",
      "      Type 'void' is not assignable to type 'PriceQuoteReply'.",
    ].join("\n"),
    handler("price_quote", ""),
  ],
  [
    "replies another type",
    [
      "Argument of type '(event: unknown, { publish }: HandlerContext) => Promise<string>' is not assignable to parameter of type 'HandlerFunction<unknown, CountReply>'.",
      "  Type 'Promise<string>' is not assignable to type 'Promise<CountReply> | CountReply'.",
      "    Type 'Promise<string>' is not assignable to type 'Promise<CountReply>'.",
      "      Type 'string' is not assignable to type 'CountReply'.",
    ].join("\n"),
    handler("count", 'return "1";'),
  ],
  [
    "replies a field of another type",
    [
      "Argument of type '(event: unknown, { publish }: HandlerContext) => Promise<{ price: { amount: string; }; }>' is not assignable to parameter of type 'HandlerFunction<unknown, PriceQuoteReply>'.",
      "  Type 'Promise<{ price: { amount: string; }; }>' is not assignable to type 'PriceQuoteReply | Promise<PriceQuoteReply>'.",
      "    Type 'Promise<{ price: { amount: string; }; }>' is not assignable to type 'Promise<PriceQuoteReply>'.",
      "      Type '{ price: { amount: string; }; }' is not assignable to type 'PriceQuoteReply'.",
      "        The types of 'price.amount' are incompatible between these types.",
      "          Type 'string' is not assignable to type 'number'.",
    ].join("\n"),
    handler("price_quote", 'return { price: { amount: "1" } };'),
  ],
  [
    "replies without a required field",
    [
      "Argument of type '(event: unknown, { publish }: HandlerContext) => Promise<{ until: string; }>' is not assignable to parameter of type 'HandlerFunction<unknown, PriceQuoteReply>'.",
      "  Type 'Promise<{ until: string; }>' is not assignable to type 'PriceQuoteReply | Promise<PriceQuoteReply>'.",
      "    Type 'Promise<{ until: string; }>' is not assignable to type 'Promise<PriceQuoteReply>'.",
      "      Property 'price' is missing in type '{ until: string; }' but required in type 'PriceQuoteReply'.",
    ].join("\n"),
    handler("price_quote", 'return { until: "tomorrow" };'),
  ],
  [
    "reads a field that the reply has not",
    "Property 'cost' does not exist on type 'PriceQuoteReply'.",
    caller('(await call("tasks", "price.quote", {})).cost;'),
  ],
  [
    "calls an exchange that leads to no queue which replies",
    'Argument of type \'"books"\' is not assignable to parameter of type \'"jobs" | "sales" | "tasks"\'.',
    caller('await call("books", "book.created", { id: "1", title: "" });'),
  ],
  [
    "calls by a key that leads to no queue which replies",
    'Argument of type \'"price.qoute"\' is not assignable to parameter of type \'"count" | "free" | "price.quote"\'.',
    caller('await call("tasks", "price.qoute", {});'),
  ],
  [
    "calls with an event that comes to no queue which replies",
    "Argument of type '\"sale.undone\"' is not assignable to parameter of type '\"sale.made\"'.",
    caller('await call("sales", "sale.undone", { back: { amount: 1 } });'),
  ],
  [
    "calls with a request that the event's schema refuses",
    "Type 'string' is not assignable to type 'number'.",
    caller('await call("sales", "sale.made", { total: { amount: "1" } });'),
  ],
  [
    "calls without a request",
    "Expected 3-4 arguments, but got 2.",
    caller('await call("tasks", "price.quote");'),
  ],
  [
    "reads a reply that no schema tells of",
    "Object is of type 'unknown'.",
    caller('(await call("tasks", "free", {})).cost;'),
  ],
  [
    "handles a queue that does not exist",
    'Type \'"nope"\' does not satisfy the constraint \'"a\\"b" | "articles" | "books" | "constructor" | "count" | "created" | "free" | "jobs" | "price_quote" | "sales" | "total"\'.',
    handler("nope", ""),
  ],
  [
    "handles a queue that is parked",
    'Type \'"parked"\' does not satisfy the constraint \'"a\\"b" | "articles" | "books" | "constructor" | "count" | "created" | "free" | "jobs" | "price_quote" | "sales" | "total"\'.',
    handler("parked", ""),
  ],
  [
    "reads a field that the event has not",
    "Property 'reason' does not exist on type 'BookCreated'.",
    handler("created", "event.reason;"),
  ],
  [
    "reads a field of some events without narrowing",
    [
      "Property 'reason' does not exist on type 'BookCreated | BookDeleted'.",
      "  Property 'reason' does not exist on type 'BookCreated'.",
    ].join("\n"),
    handler("books", "event.reason;"),
  ],
  [
    "reads a field that may be missing",
    "'event.pages' is possibly 'undefined'.",
    handler("created", "event.pages.toFixed();"),
  ],
  [
    "compares event_type with an event of another queue",
    "This comparison appears to be unintentional because the types '\"book.created\"' and '\"book.deleted\"' have no overlap.",
    handler("created", 'if (event.event_type === "book.deleted") return;'),
  ],
  [
    "reads an open queue's event unseen",
    "'event' is of type 'unknown'.",
    handler("articles", "event.title;"),
  ],
  [
    "publishes to an exchange that does not exist",
    'Argument of type \'"nope"\' is not assignable to parameter of type \'"books" | "content" | "jobs" | "loose" | "sales" | "tasks" | "the \\"odd\\"\\\\ one\'s" | "toString"\'.',
    handler("created", 'await publish("nope", "book.created", event);'),
  ],
  [
    "publishes an event that the exchange does not list",
    'Argument of type \'"x-y.z_1"\' is not assignable to parameter of type \'"book.created" | "book.deleted"\'.',
    handler("created", 'await publish("books", "x-y.z_1", {});'),
  ],
  [
    "publishes without a required field",
    "Property 'title' is missing in type '{ id: string; }' but required in type '{ id: string; title: string; pages?: number; }'.",
    handler("created", 'await publish("books", "book.created", { id: "1" });'),
  ],
  [
    "publishes fields that an open schema does not name",
    null,
    handler("created", 'await publish("loose", "open.fields", { id: "1", more: true });'),
  ],
  [
    "publishes to an open schema without its required field",
    "Property 'id' is missing in type '{ more: boolean; }' but required in type '{ [x: string]: unknown; id: string; }'.",
    handler("created", 'await publish("loose", "open.fields", { more: true });'),
  ],
  [
    "publishes one of two forms",
    null,
    handler("created", 'await publish("loose", "one.of", { b: "1" });'),
  ],
  [
    "publishes neither of two forms",
    "Argument of type '{}' is not assignable to parameter of type '{ a: string; } | { b: string; }'.",
    handler("created", 'await publish("loose", "one.of", {});'),
  ],
  [
    "publishes a field of another type",
    "Type 'number' is not assignable to type 'string'.",
    handler("created", 'await publish("books", "book.deleted", { id: 1 });'),
  ],
  [
    "publishes a field that the schema does not name",
    "Object literal may only specify known properties, but 'raeson' does not exist in type '{ id: string; reason?: string; }'. Did you mean to write 'reason'?",
    handler("created", 'await publish("books", "book.deleted", { id: "1", raeson: "" });'),
  ],
];

describe.each(["sources", "declarations"] as const)("against warren's %s", (form) => {
  let compiler: Compiler | undefined;
  let errors: ReadonlyMap<string, readonly string[]> = new Map();

  beforeAll(async () => {
    compiler = createCompiler(form, await generateTypes(topology));
    const modules = cases.map(([, , source], index) => [`case-${index}`, source]);
    errors = compiler.compile(Object.fromEntries(modules));
  });
  afterAll(() => compiler?.remove());

  for (const [index, [name, text]] of cases.entries()) {
    test(`a module that ${name} ${text === null ? "compiles" : "does not, and hears why"}`, () => {
      expect(errors.get(`case-${index}`)).toEqual(text === null ? [] : [text]);
    });
  }
});
