import { expect, test } from "vitest";
import { readDefinitions } from "../../../src/apply/transfer/definitions.ts";
import { draftTopology } from "../../../src/commands/import-draft.ts";
import { formatPlace, WarrenError } from "../../../src/errors.ts";
import { NUMBERS } from "../../../src/numbers.ts";

function read(text: string | Buffer, vhost: string | null = null) {
  return readDefinitions({ bytes: Buffer.from(text), file: "d.json", vhost });
}

/** `d.json:1:2 code  message` of what is thrown. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof WarrenError)) throw error;
    const { code, message, at } = error;
    return `${at === undefined ? "" : `${formatPlace(at)} `}${code}  ${message}`;
  }
  throw new Error("it was taken");
}

const bad: readonly (readonly [what: string, text: string, refusal: string])[] = [
  ["nothing", "", "d.json:1:1 bad-definitions  is no JSON: expected {, found the end of the file"],
  ["no JSON", "queues:\n", 'd.json:1:1 bad-definitions  is no JSON: expected {, found "q"'],
  ["a list", "[]", 'd.json:1:1 bad-definitions  is no JSON: expected {, found "["'],
  [
    "JSON of something else",
    '{ "name": "x", "version": 1 }',
    "d.json:1:1 bad-definitions  has none of exchanges, queues, bindings, policies: no definitions",
  ],
  [
    "a comma too many",
    '{\n  "queues": [\n    {},\n  ]\n}',
    'd.json:4:3 bad-definitions  is no JSON: expected a value, found "]"',
  ],
  [
    "a comma too few",
    '{ "queues": [] "bindings": [] }',
    'd.json:1:16 bad-definitions  is no JSON: expected , or }, found "\\""',
  ],
  [
    "an end that is missing",
    '{ "queues": [ { "name": "é',
    "d.json:1:25 bad-definitions  is no JSON: a string has no end",
  ],
  [
    "something behind the end",
    '{ "queues": [] } {}',
    "d.json:1:18 bad-definitions  is no JSON: it goes on after its end",
  ],
  [
    "a number that is none",
    '{ "queues": [ { "name": 01 } ] }',
    'd.json:1:25 bad-definitions  is no JSON: "01" is no number',
  ],
  [
    "a number beyond all",
    '{ "queues": [ { "n": 1e999 } ] }',
    'd.json:1:22 bad-definitions  the number "1e999" is too large',
  ],
  [
    "an escape that is none",
    '{ "queues": [ { "vhost": "\\x" } ] }',
    "d.json:1:26 bad-definitions  is no JSON: a string has an escape that is none",
  ],
  [
    "a line end in a string",
    '{ "queues": [ { "name": "a\nb" } ] }',
    "d.json:1:27 bad-definitions  is no JSON: a control character in a string",
  ],
  [
    "a section that is no list",
    '{ "queues": {} }',
    "d.json:1:13 bad-definitions  /queues must be a list",
  ],
  [
    "an object that is none",
    '{ "queues": [ {}, 5 ] }',
    "d.json:1:19 bad-definitions  /queues/1 must be an object",
  ],
  [
    "a queue without a name",
    '{ "queues": [ { "durable": true } ] }',
    "d.json:1:15 bad-definitions  /queues/0/name is missing",
  ],
  [
    "a flag that is text",
    '{ "queues": [ { "name": "a", "durable": "true" } ] }',
    "d.json:1:41 bad-definitions  /queues/0/durable must be true or false",
  ],
  [
    "arguments that are a list",
    '{ "queues": [ { "name": "a", "durable": true, "arguments": [1] } ] }',
    "d.json:1:60 bad-definitions  /queues/0/arguments must be an object",
  ],
  [
    "an argument without a value",
    '{ "queues": [ { "name": "a", "durable": true, "arguments": { "x": [1, null] } } ] }',
    "d.json:1:71 bad-definitions  /queues/0/arguments/x/1 is null, which no broker takes",
  ],
  [
    "a key that is there twice",
    '{ "queues": [ { "name": "a", "name": "b", "durable": true } ] }',
    'd.json:1:30 bad-definitions  the key "name" is there twice',
  ],
  [
    "a queue that is there twice",
    '{ "queues": [ { "name": "a", "durable": true }, { "name": "a", "durable": true } ] }',
    'd.json:1:49 bad-definitions  /queues/1/name is there twice: "a"',
  ],
  [
    "a destination that is neither a queue nor an exchange",
    '{ "bindings": [ { "source": "x", "destination": "a", "destination_type": "topic", "routing_key": "" } ] }',
    'd.json:1:74 bad-definitions  /bindings/0/destination_type must be queue or exchange, found "topic"',
  ],
  [
    "a priority that has a fraction",
    '{ "policies": [ { "name": "a", "pattern": "a", "definition": {}, "priority": 1.5 } ] }',
    "d.json:1:78 bad-definitions  /policies/0/priority must be a whole number",
  ],
  [
    "an object of a vhost that is not listed",
    '{ "vhosts": [ { "name": "/" } ],\n"queues": [ { "vhost": "shop", "name": "a", "durable": true } ] }',
    'd.json:2:13 bad-definitions  vhost "shop" is not among the vhosts of these definitions',
  ],
  [
    "values that are nested without end",
    `{ "queues": ${"[".repeat(100_000)}`,
    "d.json:1:13 bad-definitions  /queues must be a list",
  ],
];

test.each(bad.slice(0, -1))("%s is refused at its place", (_what, text, expected) => {
  expect(refusal(() => read(text))).toBe(expected);
});

test("values that are nested without end are refused, and end nothing", () => {
  const text = `{ "queues": [], "x": ${"[".repeat(100_000)}`;
  expect(refusal(() => read(text))).toMatch(
    /^d\.json:1:\d+ bad-definitions {2}is nested deeper than 64 levels$/,
  );
});

test("bytes that are no UTF-8 are refused at their place, and a byte order mark is passed over", () => {
  const bytes = Buffer.concat([
    Buffer.from('{ "queues": [\n { "durable": true, "name": "'),
    Buffer.from([0xff]),
    Buffer.from('" } ] }'),
  ]);
  expect(refusal(() => read(bytes))).toBe("d.json:2:29 bad-definitions  is not UTF-8");
  expect(read('\ufeff{ "queues": [] }').queues).toEqual([]);
});

const queue = (vhost: string | null, name: string) =>
  `{ ${vhost === null ? "" : `"vhost": "${vhost}", `}"name": "${name}", "durable": true }`;
const several = `{ "vhosts": [ { "name": "/" }, { "name": "shop" }, { "name": "empty" } ],
  "queues": [ ${queue("/", "a")}, ${queue("shop", "b")}, ${queue("shop", "c")} ] }`;

test("of several vhosts one has to be chosen; without a choice they are listed", () => {
  expect(refusal(() => read(several))).toBe(
    'several-vhosts  d.json has 3 vhosts: "/" (0 exchanges, 1 queue, 0 bindings), "shop" (0 exchanges, 2 queues, 0 bindings), "empty" (0 exchanges, 0 queues, 0 bindings)',
  );
  expect(refusal(() => read(several, "shp"))).toBe(
    'bad-argument  d.json has no vhost "shp", it has "/", "shop", "empty"',
  );
  const { vhost, queues, unmanaged } = read(several, "shop");
  expect({ vhost, queues: queues.map(({ name }) => name), unmanaged }).toEqual({
    vhost: "shop",
    queues: ["b", "c"],
    unmanaged: [{ kind: "other vhosts", count: 2, names: ["/", "empty"] }],
  });
});

test("definitions of one vhost name it apart, in a policy, or not at all", () => {
  const policy = '{ "vhost": "shop", "name": "p", "pattern": "a", "definition": {} }';
  const one = (more: string) => `{ "queues": [ ${queue(null, "a")} ]${more} }`;
  expect(read(one("")).vhost).toBe(null);
  expect(read(one(', "original_vhost_name": "shop"')).vhost).toBe("shop");
  expect(read(one(`, "policies": [ ${policy} ]`)).vhost).toBe("shop");
  expect(read(one(""), "mine").queues.map(({ name }) => name)).toEqual(["a"]);
  expect(refusal(() => read(one(', "original_vhost_name": "shop"'), "mine"))).toContain(
    'no vhost "mine"',
  );
});

test("what is not managed is counted, with the first of its names", () => {
  const users = Array.from({ length: 12 }, (_, index) => `{ "name": "u${index}" }`).join();
  const text = `{ "queues": [], "users": [${users}],
    "permissions": [{ "user": "u1", "vhost": "/", "configure": ".*" }],
    "topic_permissions": [{ "user": "u1", "exchange": "e" }],
    "parameters": [{ "component": "shovel", "name": "s" }, { "component": "operator_policy", "name": "o" }],
    "global_parameters": [{ "name": "g", "value": { "deep": [1, 2] } }], "unheard_of": [{ "a": 1 }] }`;
  expect(read(text).unmanaged).toEqual([
    { kind: "users", count: 12, names: Array.from({ length: 10 }, (_, index) => `u${index}`) },
    { kind: "permissions", count: 1, names: ["u1 /"] },
    { kind: "topic permissions", count: 1, names: ["u1 e"] },
    { kind: "parameters", count: 1, names: ["shovel s"] },
    { kind: "operator policies", count: 1, names: ["o"] },
    { kind: "global parameters", count: 1, names: ["g"] },
  ]);
});

test("numbers keep what tells their type: 10.0 is no 10, and nothing is rounded", () => {
  const args = '{ "a": 10, "b": 10.0, "c": 1.5, "d": 1e2, "e": 9007199254740993, "f": -0 }';
  const text = `{ "queues": [ { "name": "q", "durable": true, "arguments": ${args} } ] }`;
  expect({ ...read(text).queues[0]?.arguments }).toEqual({
    "x-queue-type": "classic",
    a: 10,
    b: { "!": "double", value: 10 },
    c: 1.5,
    d: { "!": "double", value: 100 },
    e: { "!": "long", value: "9007199254740993" },
    f: -0,
  });
});

test("an argument of a type that no broker takes is refused where it stands", () => {
  const text = `{ "queues": [
  { "name": "a", "durable": true, "arguments": { "x-message-ttl": 1000 } },
  { "name": "b", "durable": true, "arguments": {
      "x-message-ttl": "1000" } } ] }`;
  const head = { project: "p", broker: { url: "amqp://127.0.0.1" } };
  const draft = () => draftTopology({ found: read(text), head, file: "topology.yaml", env: {} });
  expect(refusal(draft)).toBe(
    'd.json:4:24 bad-definitions  x-message-ttl must be a whole number, found "1000"',
  );
});

/** A vhost of so many queues, each with a binding. */
function huge(count: number, vhost: string): string {
  const queues: string[] = [];
  const bindings: string[] = [];
  for (let index = 0; index < count; index++) {
    const name = `a queue with a long name ${index}`;
    queues.push(
      `{"name":"${name}","vhost":"${vhost}","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum","x-message-ttl":${index}}}`,
    );
    bindings.push(
      `{"source":"amq.topic","vhost":"${vhost}","destination":"${name}","destination_type":"queue","routing_key":"a.${index}","arguments":{}}`,
    );
  }
  return `{"vhosts":[{"name":"${vhost}"},{"name":"small"}],
"exchanges":[{"name":"x","vhost":"small","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{}}],
"queues":[${queues.join(",\n")}],"bindings":[${bindings.join(",\n")}]}`;
}

test("of 50 MB of definitions a small vhost is read in seconds, and the large one is refused by its number", () => {
  const bytes = Buffer.from(huge(180_000, "large"));
  expect(bytes.length).toBeGreaterThan(50_000_000);
  const before = process.memoryUsage().heapUsed;
  const begin = performance.now();
  const { exchanges } = readDefinitions({ bytes, file: "d.json", vhost: "small" });
  expect(exchanges.map(({ name }) => name)[0]).toBe("x");
  expect(performance.now() - begin).toBeLessThan(15_000);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000);
  expect(refusal(() => readDefinitions({ bytes, file: "d.json", vhost: "large" }))).toBe(
    `file-too-large  360000 objects are more than topology.yaml can hold: at most ${NUMBERS.maxImportedObjects} are imported`,
  );
});

test("values beyond number are not kept", () => {
  const many = `{ "queues": [ { "name": "a", "durable": true, "arguments": { "x": [${"1,".repeat(NUMBERS.maxDefinitionsValues)}1] } } ] }`;
  expect(refusal(() => read(many))).toMatch(
    /^d\.json:1:\d+ bad-definitions {2}more than 1000000 values are not read$/,
  );
});
