import { formatProblem } from "../../src/errors.ts";
import { load } from "../../src/loader/load.ts";
import { versionOf } from "../../src/loader/schema-version.ts";
import type { JsonSchema } from "../../src/topology.ts";
import { type ProjectFiles, writeProject } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
queues:
  price_quote: { handler: quote, rpc: true, deadLetter: none }
  silent: { handler: quote, deadLetter: none }
  parked: { handler: none, deadLetter: none }
`;

const project = (replies: Readonly<Record<string, object>>): ProjectFiles => ({
  topology,
  handlers: { quote: "export {};\n" },
  replies,
});

test.each<JsonSchema>([
  { type: "object", properties: { event_type: { type: "string" } } },
  { type: "number", minimum: 0 },
  { type: ["array", "null"], items: { type: "string" } },
  {},
])("a reply may be of any type: %j", async (schema) => {
  const { path, remove } = await writeProject(project({ price_quote: schema }));
  const loaded = load({ file: path("topology.yaml"), env: {} });
  await remove();
  const file = path("schemas/replies/price_quote.json");
  expect(loaded.ok && { ...loaded.topology.replies }).toEqual({
    price_quote: { queue: "price_quote", file, schema, version: versionOf(schema) },
  });
});

test("a reply belongs to a queue with rpc", async ({ createProject }) => {
  const schema = { type: "number" };
  const files = project({
    parked: schema,
    silent: schema,
    price_quotes: schema,
    price_quote: { type: "text" },
  });
  const { path, folder } = await createProject(files);
  const loaded = load({ file: path("topology.yaml"), env: {} });
  const lines = loaded.ok ? [] : loaded.problems.map(formatProblem);
  expect(lines.map((line) => line.replaceAll(`${folder}/schemas/replies/`, ""))).toEqual([
    'parked.json:1:1 unknown-reply  queue "parked" does not say rpc: true, so nobody replies',
    expect.stringMatching(/^price_quote.json:2:11 bad-event-schema {2}/),
    'price_quotes.json:1:1 unknown-reply  the reply\'s file names queue "price_quotes", which is not declared; did you mean "price_quote"?',
    'silent.json:1:1 unknown-reply  queue "silent" does not say rpc: true, so nobody replies',
  ]);
});

test("a version is that of what a schema says, not of how it is written", () => {
  const version = versionOf({ type: "object", required: ["a", "b"] });
  expect(version).toMatch(/^[0-9a-f]{12}$/);
  expect(versionOf({ required: ["a", "b"], type: "object" })).toBe(version);
  expect(versionOf({ type: "object", required: ["b", "a"] })).not.toBe(version);
});
