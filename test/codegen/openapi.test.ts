import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import type { JsonObject } from "../../src/codegen/json.ts";
import { openApiDocument } from "../../src/codegen/openapi/openapi.ts";
import { errorTable } from "../../src/errors.ts";
import { propertySchemas } from "../../src/runtime/publish/properties.ts";
import { REPOSITORY } from "../support/processes.ts";
import {
  bookshop,
  checkerOf,
  escaped,
  lookUp,
  objectsIn,
  reversed,
  topologies,
} from "./documented.ts";

const documents = Object.entries(topologies).map(
  ([name, topology]) => [name, openApiDocument(topology)] as const,
);

const validator = new Validator();

test.each(documents)("%s: a public validator takes the document", async (_, document) => {
  // The validator keeps and changes what it is given.
  const result = await validator.validate(structuredClone(document));
  expect(result).toMatchObject({ valid: true });
});

test.each(documents)("%s: every reference leads somewhere in the document", (_, document) => {
  const missing = [...objectsIn(document)]
    .filter(([pointer]) => !isData(pointer))
    .flatMap(([, { $ref }]) => (typeof $ref === "string" ? [$ref] : []))
    .filter((reference) => lookUp(document, reference) === undefined);
  expect(missing).toEqual([]);
});

test.each(documents)("%s: every operation has an id of its own", (_, document) => {
  const ids = operationsOf(document).map(({ operation }) => operation.operationId);
  expect(ids.length).toBe(new Set(ids).size);
});

const withExamples = documents.filter(([name]) => !/hundreds|random/.test(name));

test.each(withExamples)("%s: every example is what its schema says", (_, document) => {
  const checkOf = checkerOf(document);
  let checked = 0;
  for (const [pointer, { schema, examples }] of objectsIn(document)) {
    if (schema === undefined || examples === undefined || isData(pointer)) continue;
    const check = checkOf(`${pointer}/schema`);
    for (const [name, example] of Object.entries(Object(examples))) {
      expect({ name, ok: check(Object(example).value), errors: check.errors }).toMatchObject({
        ok: true,
      });
      checked += 1;
    }
  }
  // Those of problems, in any case.
  expect(checked).toBeGreaterThan(20);
});

test("the requests of the README are what the document says", async () => {
  const readme = await readFile(join(REPOSITORY, "README.md"), "utf8");
  const requests = [...readme.matchAll(/8003(\/\S+) .*\\\n\s+-d '(.*)'/g)];
  const checkOf = checkerOf(openApiDocument(bookshop()));
  const answers = requests.map(([, path = "", body = ""]) => {
    const content = `/paths/${escaped(path)}/post/requestBody/content/application~1json/schema`;
    const check = checkOf(content);
    return { path, ok: check(JSON.parse(body)), errors: check.errors };
  });
  expect(answers.map(({ path }) => path)).toHaveLength(8);
  expect(answers.filter(({ ok }) => !ok)).toEqual([]);
});

test("a request that is refused is not what the document says", () => {
  const checkOf = checkerOf(openApiDocument(bookshop()));
  const takes = (path: string, body: object) =>
    checkOf(`/paths/${escaped(path)}/post/requestBody/content/application~1json/schema`)(body);
  const book = { book_id: "1", title: "t" };
  expect(takes("/publish/book", { event_type: "book.created", ...book })).toBe(true);
  expect(takes("/publish/book", book)).toBe(false);
  expect(takes("/publish/book.created", book)).toBe(true);
  expect(takes("/publish/book", { event_type: "order.placed", ...book })).toBe(false);
  expect(takes("/publish/book.created", { event_type: "book.deleted", ...book })).toBe(false);
  expect(takes("/publish/book.created", { data: { book_id: 1 } })).toBe(false);
  const message = { event_type: "book.created", ...book };
  expect(takes("/publish", { exchange: "books", message })).toBe(true);
  expect(takes("/publish", { exchange: "boks", message })).toBe(false);
  expect(takes("/publish", { exchange: "books", message, priorty: 1 })).toBe(false);
  expect(takes("/publish", { exchange: "books", message, priority: 256 })).toBe(false);
  expect(takes("/publish", { exchange: "books", message, routing_key: "order.placed" })).toBe(
    false,
  );
  expect(takes("/publish", { exchange: "orders", message })).toBe(false);
  expect(takes("/publish", { exchange: "content", message: [1] })).toBe(false);
  expect(takes("/publish", { exchange: "content", routing_key: "a", message: [1] })).toBe(true);
  expect(takes("/publish", { exchange: "unrouted", message: null })).toBe(true);
  const headers = { "X-Mine": "1" };
  expect(takes("/publish", { exchange: "unrouted", message: 1, headers })).toBe(false);
});

test("every code that HTTP can answer with stands in the document, at its status", () => {
  const document = openApiDocument(bookshop());
  const { responses } = document.components as { readonly responses: JsonObject };
  const found = new Map<string, number>();
  for (const [name, response] of Object.entries(responses)) {
    const schema = lookUp(response, "#/content/application~1problem+json/schema/properties");
    const { code, status } = Object(schema);
    for (const one of code?.enum ?? []) found.set(one, status.const);
    if (code !== undefined) expect(name).toBe(`${name.split(".")[0]}.${status.const}`);
  }
  const expected = Object.entries(errorTable).flatMap(([code, { http }]) =>
    http === undefined ? [] : ([[code, http]] as const),
  );
  expect([...found].sort()).toEqual(expected.sort());
  expect(lookUp(document, "#/components/schemas/Problem/properties/code/enum")).toEqual(
    expected.map(([code]) => code).sort(),
  );
});

test("the options of a publish are those that are taken", () => {
  const document = openApiDocument(bookshop());
  const { routing_key: _, headers: __, ...inQuery } = propertySchemas;
  const parameters = lookUp(document, "#/components/parameters") as Record<string, JsonObject>;
  const query = Object.values(parameters).filter((one) => one.in === "query");
  expect(query.map(({ name }) => name)).toEqual(Object.keys(inQuery).sort());
  const wrapper = lookUp(document, "#/components/schemas/Publish/properties") as JsonObject;
  const { exchange, ...options } = wrapper;
  expect(Object.keys(options).sort()).toEqual(["headers", ...Object.keys(inQuery)].sort());
});

test("each group and each event has a path, in which it is named", () => {
  const { paths } = openApiDocument(bookshop()) as { readonly paths: JsonObject };
  const names = Object.keys(paths).filter((path) => path.startsWith("/publish/"));
  const events = Object.keys(bookshop().events);
  const groups = events.map((type) => type.split(".")[0] ?? "");
  expect(names).toEqual([...new Set([...events, ...groups])].map((it) => `/publish/${it}`).sort());
});

test.each(Object.entries(topologies))("%s: the order of the blocks changes nothing", (_, it) => {
  const document = JSON.stringify(openApiDocument(it));
  expect(JSON.stringify(openApiDocument(reversed(it)))).toBe(document);
});

test("another interface has another version, and the broker has no part in it", () => {
  const versionOf = (document: JsonObject) => Object(document.info).version;
  const url = "amqp://shop:s3cret@broker.example/shop";
  const here = openApiDocument(bookshop());
  const elsewhere = openApiDocument(bookshop({ RABBITMQ_URL: url, PORT: "9000" }));
  expect(elsewhere).toEqual(here);
  expect(versionOf(here)).toMatch(/^[0-9a-f]{12}$/);
  const { "book.deleted": _, ...events } = bookshop().events;
  const { books, ...exchanges } = bookshop().exchanges;
  const fewer = {
    ...bookshop(),
    events,
    exchanges: { ...exchanges, ...(books && { books: { ...books, events: ["book.created"] } }) },
  };
  expect(versionOf(openApiDocument(fewer))).not.toBe(versionOf(here));
});

test("definitions that several schemas share are one component, those of one are its own", () => {
  const { components } = openApiDocument(topologies["odd schemas"] ?? bookshop());
  const names = Object.keys(Object(components).schemas);
  expect(names).toEqual(expect.arrayContaining(["money", "amount", "odd.shared.line"]));
  expect(names).toContain("odd.shared_too.line");
  expect(names.filter((name) => /money|amount/.test(name))).toEqual(["money", "amount"]);
});

/** Under these names anything may stand, also what looks like a reference. */
function isData(pointer: string): boolean {
  return /\/(const|enum|examples|example)(\/|$)/.test(pointer) || /\/properties$/.test(pointer);
}

function operationsOf(document: JsonObject): readonly { readonly operation: JsonObject }[] {
  return Object.values(Object(document.paths)).flatMap((path) =>
    Object.values(Object(path)).map((operation) => ({ operation: operation as JsonObject })),
  );
}
