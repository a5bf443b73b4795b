import { loadEvents } from "../../src/loader/events.ts";
import { versionOf } from "../../src/loader/schema-version.ts";
import { NUMBERS } from "../../src/numbers.ts";
import { writeProject } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

/** `line:column message` of what is wrong with one schema. */
async function problemsOf(text: string, name = "a.b.json"): Promise<readonly string[]> {
  const { path, write, remove } = await writeProject({ topology: "" });
  await write(`schemas/events/${name}`, text);
  const { problems } = loadEvents(path("schemas/events"));
  await remove();
  for (const { code, at } of problems) {
    expect([code, at.file]).toEqual(["bad-event-schema", path(`schemas/events/${name}`)]);
  }
  return problems.map(({ at, message }) => `${at.line}:${at.column} ${message}`);
}

test.each([
  ["", "1:1 this is no JSON"],
  ['{\n  "type": "object",\n}\n', "3:1 this is no JSON"],
  ["// a comment\n{}", "1:1 this is no JSON"],
  ['{ "type": "object", "type": "object" }', '1:21 key "type" is there twice, first in line 1'],
  ["{}", '1:1 an event is an object: "type" must be "object"'],
  ["[]", '1:1 an event is an object: "type" must be "object"'],
  ["true", '1:1 an event is an object: "type" must be "object"'],
  ['{\n  "type": ["object", "null"]\n}', '2:11 an event is an object: "type" must be "object"'],
  [
    '{\n  "type": "object",\n  "properties": {\n    "event_type": {}\n  }\n}',
    "4:5 event_type is not declared: warren adds it",
  ],
  [
    '{ "type": "object", "$async": true }',
    "1:21 a schema is checked synchronously, without $async",
  ],
  [
    '{ "type": "object", "properties": { "a": { "type": "string", "pattern": "a(?=b)" } } }',
    '1:73 pattern "a(?=b)" looks around with (?=, which no bounded time suffices for',
  ],
  [
    '{ "type": "object", "patternProperties": { "(a)b|c$": {}, "^(a)\\\\1$": {} } }',
    '1:59 pattern "^(a)\\\\1$" refers back to a group, which takes exponential time on some texts',
  ],
  [
    '{ "type": "object", "properties": { "default": { "pattern": "a.{40}b" } } }',
    '1:61 pattern "a.{40}b" has too many states to be worked out beforehand: ^ at its start, or smaller counts, make it fewer',
  ],
  [
    '{ "type": "object", "patternProperties": { "[": {} } }',
    '1:44 pattern "[" is no regular expression: Unterminated character class',
  ],
  [
    '{ "type": "object", "properties": {\n"\\ud800": {} } }',
    "2:1 a name has a lone surrogate, as no event has one",
  ],
  [
    '{ "type": "object",\n"propertis": {} }',
    '2:1 unknown keyword "propertis"; did you mean "properties"?',
  ],
  [
    '{ "type": "object", "properties": { "a": { "type": "string", "format": "emial" } } }',
    '1:72 unknown format "emial"; did you mean "email"?',
  ],
  [
    '{ "type": "object", "$schema": "http://json-schema.org/draft-04/schema#" }',
    '1:32 $schema must be that of draft-07 or of 2020-12, found "http://json-schema.org/draft-04/schema#"',
  ],
  [
    '{ "type": "object", "properties": { "a": { "$id": "b" } } }',
    "1:44 $id may stand at the root of a file alone",
  ],
  [
    '{ "type": "object", "$defs": { "a": { "$anchor": "b" } } }',
    "1:39 $anchor is not read: a $ref is a path and a JSON Pointer",
  ],
  [
    '{ "type": "object", "$defs": { "common/a.json": {} } }',
    "1:32 \"common/a.json\" can't be a definition's name: it is that of a file",
  ],
])("%j is refused: %s", async (text, problem) => {
  expect(await problemsOf(text)).toEqual([problem]);
});

test.each([
  ['{ "type": "object", "properties": { "a": {\n"type": "strin" } } }', 2],
  ['{ "type": "object", "properties": {\n"a": { "if": {} } } }', 2],
  ['{ "type": "object", "properties": { "a": {\n"minContains": 1 } } }', 2],
  ['{ "type": "object", "properties": { "a": { "$ref": "#/definitions/none" } } }', 1],
  ['{ "type": "object", "properties": { "a": { "type": "string", "format": "emial" } } }', 1],
  [`{ "type": "object", "properties": ${'{ "a": {'.repeat(70)}${"} }".repeat(70)} }`, 1],
])("what does not compile is refused once: %j", async (text, line) => {
  const problems = await problemsOf(text);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${line}:`));
});

test("everything that is wrong with a schema is said at once, each where it stands", async () => {
  const text = `{
  "type": "object",
  "required": "title",
  "properties": {
    "title": { "type": "strin" },
    "price": { "type": "number", "minimun": 0 },
    "isbn": { "type": "string", "pattern": "(" },
    "seller": { "$ref": "#/$defs/nobody" }
  }
}`;
  expect((await problemsOf(text)).map((it) => it.split(" ")[0]).sort()).toEqual([
    "3:15",
    "5:24",
    "6:34",
    "7:44",
    "8:25",
  ]);
  const strict = '{ "type": "object", "properties": {\n"a": { "if": {} },\n"b": { "then": {} } } }';
  expect(await problemsOf(strict)).toEqual([
    '2:8 strict mode: "if" without "then" and "else" is ignored',
    '3:8 strict mode: "then" without "if" is ignored',
  ]);
});

test("a schema is bounded: in bytes, in depth, in how many schemas it holds and holds against one value", async () => {
  const of = (schema: object) => problemsOf(JSON.stringify({ type: "object", ...schema }));
  const named = (count: number, make: (n: number) => object) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n}`, make(n)]));
  const { maxSchemas, maxSchemasOfValue, maxSchemaBytes, maxPatterns } = NUMBERS;
  expect(await problemsOf(" ".repeat(maxSchemaBytes + 1))).toEqual([
    `1:1 the file is ${maxSchemaBytes + 1} bytes, at most ${maxSchemaBytes} are read`,
  ]);
  expect(await of({ properties: named(maxSchemas, () => ({})) })).toEqual([
    `1:1 the file holds ${maxSchemas + 1} schemas, at most ${maxSchemas} are read`,
  ]);
  const patterns = named(maxPatterns + 1, (n) => ({ pattern: `^a{${n}}$` }));
  expect(await of({ properties: patterns })).toEqual([
    `1:1 the file holds ${maxPatterns + 1} patterns, at most ${maxPatterns} are read`,
  ]);
  const doubled = named(40, (n) => (n === 0 ? {} : { allOf: [ref(n - 1), ref(n - 1)] }));
  expect(await of({ $defs: doubled, allOf: [ref(39)] })).toEqual([
    expect.stringMatching(
      new RegExp(`holds 1\\d{3} schemas against .*at most ${maxSchemasOfValue} are`),
    ),
  ]);
  const deep = named(20, (n) => wrapped(47, ref((n + 1) % 20)));
  expect(await of({ $defs: deep, items: ref(0) })).toEqual([
    "1:1 its schemas refer to each other in too long a chain",
  ]);
});

const ref = (n: number) => ({ $ref: `#/$defs/d${n}` });

const wrapped = (times: number, schema: object): object =>
  times === 0 ? schema : { items: wrapped(times - 1, schema) };

test.each(["order.json", "Order.placed.json", "order..placed.json", ".placed.json", "a b.c.json"])(
  "%s is no name of an event",
  async (name) => {
    const [problem] = await problemsOf('{ "type": "object" }', name);
    expect(problem).toContain("an event type is words of a-z, 0-9, _ and - with dots between");
  },
);

test("a schema may refer to itself, and hold what looks like a schema as data", async () => {
  const schema = {
    type: "object",
    properties: {
      parent: { $ref: "#" },
      address: { $ref: "#/definitions/address" },
      pattern: { type: "string" },
      example: { const: { $ref: "elsewhere.json", pattern: "x" } },
      slug: { type: "string", pattern: "^([a-z]+-?)+$" },
    },
    definitions: { address: { type: "object" } },
  };
  expect(await problemsOf(JSON.stringify(schema))).toEqual([]);
});

test("all schemas are read, with all their problems, and a broken one keeps its name", async ({
  createProject,
}) => {
  const object = { type: "object" };
  const events = { "b.two": object, "a.one": object, "c.broken": { type: "array" } };
  const project = await createProject({ topology: "", events });
  await project.write("schemas/events/README.md", "not an event");
  await project.write("schemas/events/old/d.four.json", "not looked at");
  const { types, schemas, problems } = loadEvents(project.path("schemas/events"));
  expect(types).toEqual(["a.one", "b.two", "c.broken"]);
  expect(Object.keys(schemas)).toEqual(["a.one", "b.two"]);
  expect(schemas["a.one"]).toEqual({
    type: "a.one",
    file: project.path("schemas/events/a.one.json"),
    schema: object,
    version: versionOf(object),
  });
  expect(problems).toHaveLength(1);
});

test("without a folder there are no events", () => {
  expect(loadEvents("/nowhere/schemas/events")).toEqual({ types: [], schemas: {}, problems: [] });
});
