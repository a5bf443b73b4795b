/** What a schema takes from other files in the folder schemas. */
import { mkdir, symlink } from "node:fs/promises";
import { compileCheck } from "../../src/events/check.ts";
import { sharedName } from "../../src/events/subschemas.ts";
import { loadEvents } from "../../src/loader/events.ts";
import { NUMBERS } from "../../src/numbers.ts";
import type { EventSchema } from "../../src/topology.ts";
import { type Project, writeProject } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

/** Path in the folder schemas → JSON, or a text. */
type Files = Readonly<Record<string, unknown>>;

async function withFiles<T>(files: Files, use: (project: Project) => T | Promise<T>): Promise<T> {
  const project = await writeProject({ topology: "" });
  try {
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await project.write(`schemas/${name}`, text);
    }
    return await use(project);
  } finally {
    await project.remove();
  }
}

/** `file:line:column message` of each problem. */
function problemsIn(project: Project): readonly string[] {
  const { problems } = loadEvents(project.path("schemas/events"));
  const folder = project.path("schemas/");
  return problems.map(
    ({ at, message }) => `${at.file.replace(folder, "")}:${at.line}:${at.column} ${message}`,
  );
}

function schemasIn(project: Project): Readonly<Record<string, EventSchema>> {
  const { schemas, problems } = loadEvents(project.path("schemas/events"));
  expect(problems).toEqual([]);
  return schemas;
}

const event = (price: unknown, rest: object = {}) => ({
  type: "object",
  properties: { price },
  ...rest,
});
const money = {
  $id: "https://example.org/money",
  type: "object",
  required: ["amount"],
  properties: { amount: { $ref: "#/$defs/amount" }, rest: { $ref: "#" } },
  $defs: { amount: { type: "number", minimum: 0 }, unused: { type: "null" } },
};

test("what a schema takes from another file stands in its $defs, by the file's path and the pointer", async () => {
  const files = {
    "events/a.whole.json": event({ $ref: "../common/money.json" }),
    "events/a.part.json": event({ $ref: "../common/money.json#/$defs/amount" }),
    "common/money.json": money,
  };
  const schemas = await withFiles(files, schemasIn);
  const amount = { "common/money.json/$defs/amount": { type: "number", minimum: 0 } };
  expect(schemas["a.part"]?.schema).toEqual(
    event({ $ref: "#/$defs/common~1money.json~1$defs~1amount" }, { $defs: amount }),
  );
  expect(schemas["a.whole"]?.schema).toEqual(
    event(
      { $ref: "#/$defs/common~1money.json" },
      {
        $defs: {
          "common/money.json": {
            type: "object",
            required: ["amount"],
            properties: {
              amount: { $ref: "#/$defs/common~1money.json~1$defs~1amount" },
              rest: { $ref: "#/$defs/common~1money.json" },
            },
          },
          ...amount,
        },
      },
    ),
  );
  expect(checkOf(schemas["a.whole"], { price: { amount: 1, rest: { amount: 2 } } })).toEqual([]);
  expect(checkOf(schemas["a.whole"], { price: { amount: 1, rest: { amount: -2 } } })).toEqual([
    "/price/rest/amount",
  ]);
});

/** The pointers of what is wrong with an event's fields. */
function checkOf(schema: EventSchema | undefined, fields: object): readonly string[] {
  if (schema === undefined) throw new Error("no such schema");
  return compileCheck(schema)
    .violations(fields)
    .map(({ pointer }) => pointer);
}

test("a shared definition has a name, one of the file's own has none", () => {
  const names = [
    "common/money.json",
    "money.json/$defs/net~1gross",
    "a.json",
    "line",
    "json",
    ".json",
  ];
  expect(names.map(sharedName)).toEqual(["money", "net/gross", "a", null, null, null]);
});

test("an event may take from an event, and files from each other in a circle", async () => {
  const files = {
    "events/order.placed.json": event({ $ref: "../common/line.json" }, { required: ["price"] }),
    "events/order.split.json": event({ $ref: "./order.placed.json" }),
    "common/line.json": event({
      anyOf: [{ type: "null" }, { $ref: "../events/order.placed.json" }],
    }),
  };
  const schemas = await withFiles(files, schemasIn);
  expect(Object.keys(schemas["order.placed"]?.schema.$defs ?? {})).toEqual(["common/line.json"]);
  const split = schemas["order.split"];
  expect(Object.keys(split?.schema.$defs ?? {})).toEqual([
    "events/order.placed.json",
    "common/line.json",
  ]);
  const placed = (price: unknown) => ({ price: { price: { price } } });
  expect(checkOf(split, placed(null))).toEqual([]);
  expect(checkOf(split, placed({ price: { price: null } }))).toEqual([]);
  expect(checkOf(split, placed({}))).toContain("/price/price/price/price");
});

test("an $id changes nothing: files are found by their paths, and two may have the same", async () => {
  const $id = "https://example.org/the-same";
  const files = {
    "events/a.b.json": event({ $ref: "../common/money.json" }, { $id, $defs: { own: {} } }),
    "events/c.d.json": event({ $ref: "#/$defs/own" }, { $id, $defs: { own: { type: "string" } } }),
    "common/money.json": { $id, type: "number" },
  };
  const schemas = await withFiles(files, schemasIn);
  expect(checkOf(schemas["a.b"], { price: "1" })).toEqual(["/price"]);
  expect(checkOf(schemas["c.d"], { price: 1 })).toEqual(["/price"]);
});

test("names of files and definitions may hold any characters", async () => {
  const name = 'a b/c~d"^{ü#?%';
  const reference = "../c%20m/m%23%3F%25.json#/$defs/a%20b~1c~0d%22%5E%7B%C3%BC%23%3F%25";
  const files = {
    "events/a.b.json": event({ $ref: reference }),
    "c m/m#?%.json": { $defs: { [name]: { type: "number" } } },
  };
  const schemas = await withFiles(files, schemasIn);
  expect(checkOf(schemas["a.b"], { price: "1" })).toEqual(["/price"]);
  expect(Object.keys(schemas["a.b"]?.schema.$defs ?? {}).map(sharedName)).toEqual([name]);
});

test.each([
  ["http://x/money.json", "is no path in the folder schemas"],
  ["file:///etc/money.json", "is no path in the folder schemas"],
  ["/etc/money.json", "is no path in the folder schemas"],
  ["//host/money.json", "is no path in the folder schemas"],
  ["../../package.json", "is no path in the folder schemas"],
  ["../common/../../topology.json", "is no path in the folder schemas"],
  ["%2e%2e/%2e%2e/package.json", "is no path in the folder schemas"],
  ["%", "is no path in the folder schemas"],
  ["../common", "names no .json file, or a hidden one"],
  ["../common/money.json?draft", "names no .json file, or a hidden one"],
  ["../.common/money.json", "names no .json file, or a hidden one"],
  ["../common/none.json", "leads to a file that is not there"],
  ["../common/folder.json", "leads to a file that is no file"],
  [
    "../common/large.json",
    `leads to a file that is ${2 ** 19} bytes, at most ${NUMBERS.maxSchemaBytes} are read`,
  ],
  ["../common/out.json", "leads to a file that is a link out of the folder schemas"],
  ["../away/money.json", "leads to a file that is a link out of the folder schemas"],
  ["../common/money.json#/$defs/none", "names no schema in common/money.json"],
  ["../common/money.json#/required", "names no schema in common/money.json"],
  ["../common/money.json#/properties", "names no schema in common/money.json"],
  ["../common/money.json#amount", "names no schema in common/money.json"],
  ["#/examples/0", "names no schema in events/a.b.json"],
  ["../common/draft-07.json", "leads to a schema of another draft than this one"],
])("$ref %j %s", async (reference, problem) => {
  const files = {
    "../outside.json": {},
    "../elsewhere/money.json": {},
    "events/a.b.json": `{ "type": "object", "examples": [{}],
      "not": { "$ref": ${JSON.stringify(reference)} } }`,
    "common/money.json": money,
    "common/large.json": " ".repeat(2 ** 19),
    "common/folder.json/money.json": {},
    "common/draft-07.json": { $schema: "http://json-schema.org/draft-07/schema#" },
  };
  const problems = await withFiles(files, async (project) => {
    await symlink("../../outside.json", project.path("schemas/common/out.json"));
    await symlink("../elsewhere", project.path("schemas/away"));
    return problemsIn(project);
  });
  expect(problems).toEqual([`events/a.b.json:2:24 $ref ${JSON.stringify(reference)} ${problem}`]);
});

test("links inside the folder are followed, and the folder itself may be one", async () => {
  const problems = await withFiles(
    { "../shared/common/real/money.json": { type: "number" } },
    async (project) => {
      await project.write(
        "shared/events/a.b.json",
        JSON.stringify(event({ $ref: "../common/link.json" })),
      );
      await symlink("real/money.json", project.path("shared/common/link.json"));
      await mkdir(project.path("one"));
      await symlink("../shared", project.path("one/schemas"));
      const { schemas, problems: found } = loadEvents(project.path("one/schemas/events"));
      expect(checkOf(schemas["a.b"], { price: "1" })).toEqual(["/price"]);
      return found;
    },
  );
  expect(problems).toEqual([]);
});

test("a mistake in a shared file is said once and there, whoever uses it", async () => {
  const use = event({ $ref: "../common/money.json#/$defs/amount" });
  const broken = `{
  "type": "objekt",
  "formt": "date",
  "properties": { "a": { "$ref": "none.json" } },
  "$defs": { "amount": { "type": "number", "minContains": "1" } }
}`;
  const files = { "events/a.b.json": use, "events/c.d.json": use, "common/money.json": broken };
  expect([...(await withFiles(files, problemsIn))].sort()).toEqual([
    'common/money.json:2:11 type must be one of "array", "boolean", "integer", "null", "number", "object", "string"',
    'common/money.json:3:3 unknown keyword "formt"; did you mean "format"?',
    'common/money.json:4:34 $ref "none.json" leads to a file that is not there',
    "common/money.json:5:59 minContains must be integer",
  ]);
  const unread = { ...files, "common/money.json": '{\n "a": }' };
  expect(await withFiles(unread, problemsIn)).toEqual(["common/money.json:2:7 this is no JSON"]);
  const strict = { ...files, "common/money.json": '{ "$defs": { "amount": {\n"if": {} } } }' };
  expect(await withFiles(strict, problemsIn)).toEqual([
    'common/money.json:2:1 strict mode: "if" without "then" and "else" is ignored',
  ]);
});

test.each<[string, Files, readonly string[]]>([
  [
    "to itself",
    { "events/a.b.json": { type: "object", allOf: [{ $ref: "#" }] } },
    ["events/a.b.json:1:35"],
  ],
  [
    "over two files",
    {
      "events/a.b.json": { type: "object", anyOf: [{ $ref: "../common/a.json" }] },
      "common/a.json": { if: { $ref: "../events/a.b.json" }, else: {} },
    },
    ["common/a.json:1:15"],
  ],
  [
    "behind what fails before it",
    {
      "events/a.b.json": {
        type: "object",
        required: ["a"],
        dependentSchemas: { a: { not: { $ref: "#/dependentSchemas/a" } } },
      },
    },
    ["events/a.b.json:1:74"],
  ],
])("a $ref that leads back %s without going into the value is refused", async (_how, files, at) => {
  const message = "$ref leads back to itself without going into the value: that never ends";
  expect(await withFiles(files, problemsIn)).toEqual(at.map((place) => `${place} ${message}`));
});

test("a shared file without $schema is of the draft of whoever takes from it", async () => {
  const files = {
    "events/a.old.json": event(
      { $ref: "../pair.json" },
      { $schema: "http://json-schema.org/draft-07/schema#" },
    ),
    "events/a.new.json": event(
      { $ref: "../pair.json" },
      { $schema: "https://json-schema.org/draft/2020-12/schema" },
    ),
    "pair.json": { type: "array", maxItems: 2 },
  };
  const schemas = await withFiles(files, schemasIn);
  for (const schema of Object.values(schemas))
    expect(checkOf(schema, { price: [1, 2, 3] })).toEqual(["/price"]);
  const tuple = { ...files, "pair.json": { type: "array", items: [{}, {}] } };
  expect(await withFiles(tuple, problemsIn)).toEqual([
    "pair.json:1:25 items must be object,boolean",
  ]);
});

test("a change of a shared file is a change of those that use it, and of no other", async () => {
  const files = {
    "events/a.b.json": event({ $ref: "../common/money.json" }),
    "events/c.d.json": event({ type: "number" }),
    "common/money.json": { type: "number" },
  };
  await withFiles(files, async (project) => {
    const before = schemasIn(project);
    expect(schemasIn(project)).toEqual(before);
    expect(schemasIn(project)["a.b"]?.schema).toBe(before["a.b"]?.schema);
    await project.write("schemas/common/money.json", '{ "type": "string" }');
    const after = schemasIn(project);
    expect(checkOf(after["a.b"], { price: "1" })).toEqual([]);
    expect(after["a.b"]?.version).not.toBe(before["a.b"]?.version);
    expect(after["c.d"]?.schema).toBe(before["c.d"]?.schema);
    await project.write("schemas/common/money.json", "{");
    expect(problemsIn(project)).toEqual(["common/money.json:1:2 this is no JSON"]);
    await project.write("schemas/common/money.json", '{ "type": "number" }');
    expect(schemasIn(project)["a.b"]?.version).toBe(before["a.b"]?.version);
  });
});
