/** Topologies that documents are made of, ordinary and odd ones, and how to check with a document. */
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { JsonObject } from "../../src/codegen/json.ts";
import { load } from "../../src/loader/load.ts";
import type { Exchange, JsonSchema, Queue, Topology } from "../../src/topology.ts";
import { REPOSITORY } from "../support/processes.ts";
import { createRandom } from "../support/random.ts";
import { type ShortBinding, topologyOf } from "../support/topology.ts";

/** The repository's own. */
export function bookshop(env: Readonly<Record<string, string>> = {}): Topology {
  const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  return loaded.topology;
}

const draft07 = "http://json-schema.org/draft-07/schema#";
const text = { type: "string", maxLength: 20 };
const money = {
  type: "object",
  required: ["amount"],
  properties: { amount: { $ref: "#/$defs/common~1money.json~1$defs~1amount" }, currency: text },
};
const amount = { type: "number", minimum: 0 };

/** Schemas as the loader leaves them, by what is odd about them. */
export const oddSchemas: Readonly<Record<string, JsonSchema>> = {
  "odd.open": { type: "object", required: ["id"], properties: { id: text } },
  "odd.closed": {
    type: "object",
    required: ["id"],
    properties: { id: text },
    additionalProperties: false,
  },
  "odd.data": { type: "object", properties: { data: { type: "object", required: ["id"] } } },
  "odd.recursive": {
    type: "object",
    required: ["id"],
    properties: { id: text, parts: { type: "array", items: { $ref: "#" } } },
  },
  "odd.definitions": {
    $schema: draft07,
    type: "object",
    required: ["tree"],
    properties: { tree: { $ref: "#/definitions/a~1b%25" } },
    definitions: {
      "a/b%": { type: "object", properties: { next: { $ref: "#/definitions/a~1b%25" } } },
    },
  },
  "odd.tuple7": {
    $schema: draft07,
    type: "object",
    required: ["pair"],
    properties: {
      pair: { type: "array", items: [text, { type: "number" }], additionalItems: false },
      again: { $ref: "#/properties/pair/items/1" },
    },
  },
  "odd.tuple": {
    type: "object",
    required: ["pair"],
    properties: {
      pair: { type: "array", prefixItems: [text, { type: "number" }], items: false },
      again: { $ref: "#/properties/pair/prefixItems/1" },
      rest: { $ref: "#/properties/pair/items" },
    },
  },
  "odd.dependencies": {
    $schema: draft07,
    type: "object",
    properties: { a: text, b: text },
    dependencies: { a: ["b"], b: { required: ["c"] } },
  },
  "odd.dependent": {
    type: "object",
    properties: { a: text, b: text },
    dependentRequired: { a: ["b"] },
    dependentSchemas: { b: { required: ["c"] } },
  },
  "odd.nullable": {
    type: "object",
    required: ["id"],
    properties: { id: { type: "string", nullable: true } },
  },
  "odd.shared": {
    type: "object",
    required: ["price"],
    properties: { price: { $ref: "#/$defs/common~1money.json" }, line: { $ref: "#/$defs/line" } },
    $defs: {
      line: { type: "object", properties: { price: { $ref: "#/$defs/common~1money.json" } } },
      "common/money.json": money,
      "common/money.json/$defs/amount": amount,
    },
  },
  "odd.shared_too": {
    type: "object",
    required: ["line"],
    properties: { line: { $ref: "#/$defs/line" } },
    $defs: {
      line: { type: "object", required: ["n"], properties: { n: { type: "integer" } } },
      "common/money.json": money,
      "common/money.json/$defs/amount": amount,
    },
  },
  "odd.beside": {
    type: "object",
    required: ["id"],
    properties: { id: { $ref: "#/$defs/id", minLength: 2 } },
    $defs: { id: text },
  },
  "odd.booleans": { type: "object", properties: { any: true, none: false } },
  "odd.keywords": {
    type: "object",
    required: ["items"],
    properties: { items: { const: { items: [1], nullable: true } }, $ref: text, $defs: text },
  },
  "odd.references": {
    type: "object",
    required: ["link"],
    properties: {
      link: { enum: [{ $ref: "/etc/passwd" }, { $ref: "http://127.0.0.1/" }, { id: "1" }] },
    },
    default: { $ref: "#/nowhere" },
    examples: [{ link: { $ref: "http://127.0.0.1/" } }],
  },
  "odd.conditions": {
    type: "object",
    properties: { kind: { enum: ["a", "b"] }, a: text },
    if: { properties: { kind: { const: "a" } }, required: ["kind"] },
    // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema
    then: { required: ["a"] },
    else: { not: { required: ["a"] } },
  },
  "odd.unevaluated": {
    type: "object",
    allOf: [{ properties: { id: text }, required: ["id"] }],
    unevaluatedProperties: false,
  },
  "odd.examples": { type: "object", properties: { id: text }, examples: [{ id: 1 }, { id: "x" }] },
  // Here the whole minds the event's type.
  "odd.closed_within": {
    type: "object",
    allOf: [{ properties: { id: text }, required: ["id"], additionalProperties: false }],
  },
  "odd.names": { type: "object", required: ["a"], propertyNames: { maxLength: 1 } },
  "odd.patterns": { type: "object", patternProperties: { "^.*$": { type: "number" } } },
  "odd.count": { type: "object", minProperties: 1, maxProperties: 1 },
  "odd.constant": { type: "object", enum: [{ id: "1" }] },
  "odd.reference": { type: "object", $ref: "#/$defs/it", $defs: { it: { maxProperties: 2 } } },
};

/** Of these the document says less of a flat event than is checked. */
export const loose: ReadonlySet<string> = new Set([
  ...["odd.closed_within", "odd.names", "odd.patterns", "odd.count", "odd.constant"],
  ...["odd.reference", "odd.references"],
]);

const handler = { name: "it", file: "/it.ts" };

/** Of the odd schemas, and replies of every type. */
export const odd: Topology = topologyOf({
  exchanges: { odd: { events: Object.keys(oddSchemas) } },
  queues: { all: { handler }, one: { handler }, list: { handler }, yes: { handler } },
  bindings: [
    ["odd", "all", "#"],
    ["odd", "one", "odd.open"],
    ["odd", "list", "odd.closed"],
    ["odd", "yes", "odd.data"],
  ],
  schemas: oddSchemas,
  replies: {
    all: {
      type: "object",
      properties: { price: { $ref: "#/$defs/price" } },
      $defs: { price: amount },
    },
    one: { type: "string", description: "Its name." },
    list: { type: "array", items: { $ref: "#" } },
    yes: { type: ["boolean", "null"] },
  },
});

/** Beside a reply with a schema, of the queue that is called like the one without. */
export const untypedReplies: Topology = topologyOf({
  exchanges: { tasks: {} },
  queues: { any: { handler }, free: { handler, rpc: true }, plain: { handler } },
  bindings: [
    ["tasks", "any", "any"],
    ["tasks", "free", "free"],
    ["tasks", "plain", "plain"],
  ],
  replies: { any: { type: "number" } },
});

const oddNames = [
  ...[
    "a/b {c} ü",
    "a_b__c___",
    "a b  c   ",
    "constructor",
    "100%",
    "#",
    "~",
    "Publish",
    "toString",
  ],
  ...["exchange.x", "x", '"; DROP', "<b>&", "𝔸", ".", "amqp://u:p@h"],
];

const types = ["topic", "direct", "fanout", "headers", "x-consistent-hash"];

/** By what is odd about them. */
export const topologies: Readonly<Record<string, Topology>> = {
  bookshop: bookshop(),
  empty: topologyOf({ exchanges: {} }),
  "open exchanges alone": topologyOf({
    exchanges: Object.fromEntries(types.map((type) => [type, { type }])),
    queues: { all: { handler } },
    bindings: types.map((type): ShortBinding => [type, "all", type === "topic" ? "a.*.#" : ""]),
  }),
  "an exchange that lists nothing": topologyOf({ exchanges: { none: { events: [] } } }),
  "internal exchanges alone": topologyOf({
    exchanges: { inner: { internal: true, events: ["odd.open"] } },
    schemas: { "odd.open": { type: "object" } },
  }),
  "odd names": topologyOf({
    exchanges: Object.fromEntries(oddNames.map((name, index) => [name, exchangeAt(index)])),
    queues: Object.fromEntries(oddNames.map((name) => [name, { handler }])),
    bindings: oddNames.map((name): ShortBinding => [name, name, "k"]),
    replies: Object.fromEntries(oddNames.map((name) => [name, { type: "string" }])),
  }),
  "odd schemas": odd,
  "replies without a schema": untypedReplies,
  "hundreds of events": manyEvents(200),
  ...Object.fromEntries([1, 2, 3].map((seed) => [`random, seed ${seed}`, randomTopology(seed)])),
};

function exchangeAt(index: number): Partial<Exchange> {
  return { type: types[index % types.length] ?? "topic" };
}

function manyEvents(count: number): Topology {
  const names = Array.from({ length: count }, (_, index) => `group${index % 20}.event${index}`);
  return topologyOf({
    exchanges: { all: { events: names } },
    queues: { all: { handler } },
    bindings: [["all", "all", "#"]],
    schemas: Object.fromEntries(
      names.map((name, index) => [name, Object.values(oddSchemas)[index % 15] ?? {}]),
    ),
  });
}

function randomTopology(seed: number): Topology {
  const random = createRandom(seed);
  const pickName = () => `${random.pick(oddNames)}${random.below(5)}`;
  const schemas = Object.fromEntries(
    random.list(8, () => [
      `${random.pick(["a", "b", "c-d"])}.${random.pick(["x", "y_z", "1"])}`,
      random.pick(Object.values(oddSchemas)),
    ]),
  );
  const free = new Set(Object.keys(schemas));
  const exchanges: Record<string, Partial<Exchange>> = {};
  for (const name of random.list(8, pickName)) {
    const events = [...free].filter(() => random.below(2) === 0);
    if (random.below(2) === 0) exchanges[name] = exchangeAt(random.below(5));
    else exchanges[name] = { events, internal: random.below(4) === 0 };
    for (const event of exchanges[name].events ?? []) free.delete(event);
  }
  const queues: Record<string, Partial<Queue>> = {};
  for (const name of random.list(8, pickName))
    queues[name] = random.below(3) > 0 ? { handler } : {};
  const bindings = random.list(
    20,
    (): ShortBinding => [
      random.pick(Object.keys(exchanges)),
      random.pick(Object.keys(queues)),
      random.pick(["#", "a.*", "a.x", "b.#", ""]),
    ],
  );
  return topologyOf({ exchanges, queues, bindings, schemas });
}

/** A check against a part of a document, by its JSON Pointer; in OpenAPI's dialect, or AsyncAPI's. */
export function checkerOf(document: JsonObject): (pointer: string) => ValidateFunction {
  const ajv = document.openapi === undefined ? new Ajv(lenient) : new Ajv2020(lenient);
  formats.default(ajv);
  ajv.addSchema(document, "document:");
  return (pointer) => ajv.compile({ $ref: `document:#${pointer}` });
}

/** A document is no schema itself, and has words of its own. */
const lenient = { strict: false, validateSchema: false, allErrors: false } as const;

/** Every object in a document with its JSON Pointer. */
export function* objectsIn(value: unknown, pointer = ""): Generator<readonly [string, JsonObject]> {
  if (typeof value !== "object" || value === null) return;
  yield [pointer, value as JsonObject];
  for (const [key, item] of Object.entries(value)) {
    yield* objectsIn(item, `${pointer}/${escaped(key)}`);
  }
}

/** A key as a step of a JSON Pointer in a URI. */
export function escaped(key: string): string {
  return encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** What a reference leads to. */
export function lookUp(document: unknown, reference: string): unknown {
  const steps = reference.split("/").slice(1);
  return steps.reduce<unknown>((at, step) => {
    const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    return Object.hasOwn(Object(at), key) ? Object(at)[key] : undefined;
  }, document);
}

/** The same topology with its blocks in the opposite order. */
export function reversed(topology: Topology): Topology {
  const turned = <T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(Object.entries(record).reverse());
  const { exchanges, queues, bindings, events, replies } = topology;
  return {
    ...topology,
    exchanges: turned(
      Object.fromEntries(
        Object.entries(exchanges).map(([name, one]) => [
          name,
          { ...one, events: one.events === null ? null : [...one.events].reverse() },
        ]),
      ),
    ),
    queues: turned(queues),
    bindings: [...bindings].reverse(),
    events: turned(events),
    replies: turned(replies),
  };
}
