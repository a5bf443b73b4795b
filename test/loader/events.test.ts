import { loadEvents } from "../../src/loader/events.ts";
import { versionOf } from "../../src/loader/schema-version.ts";
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
    '{ "type": "object", "properties": { "a": { "$ref": "other.json" } } }',
    '1:52 $ref "other.json" leads out of the file',
  ],
  [
    '{ "type": "object", "properties": { "a": { "$ref": "http://x/y" } } }',
    '1:52 $ref "http://x/y" leads out of the file',
  ],
  [
    '{ "type": "object", "properties": { "a": { "type": "string", "pattern": "^a$" } } }',
    "1:62 a pattern needs maxLength beside it, to bound its time",
  ],
  [
    '{ "type": "object", "properties": { "a": { "type": "string", "maxLength": 50, "pattern": "^(a+)+$" } } }',
    '1:90 pattern "^(a+)+$" takes exponential time on some texts',
  ],
])("%j is refused: %s", async (text, problem) => {
  expect(await problemsOf(text)).toEqual([problem]);
});

test.each([
  ['{ "type": "object", "properties": { "a": {\n"type": "strin" } } }', 2],
  ['{ "type": "object",\n"propertis": {} }', 1],
  ['{ "type": "object", "properties": { "a": { "$ref": "#/definitions/none" } } }', 1],
  ['{ "type": "object", "properties": { "a": { "type": "string", "format": "emial" } } }', 1],
  [`{ "type": "object", "properties": ${'{ "a": {'.repeat(70)}${"} }".repeat(70)} }`, 1],
])("what does not compile is refused once: %j", async (text, line) => {
  const problems = await problemsOf(text);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${line}:`));
});

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
      slug: { type: "string", maxLength: 99, pattern: "^[a-z]+(-[a-z]+)*$" },
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
