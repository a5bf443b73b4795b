import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatProblem } from "../../src/errors.ts";
import { type Loaded, load } from "../../src/loader/load.ts";
import { NUMBERS } from "../../src/numbers.ts";
import { REPOSITORY } from "../support/processes.ts";
import { writeProject } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

const head = 'version: 1\nproject: shop\nbroker: { url: "amqp://127.0.0.1" }\n';

function topologyOf(loaded: Loaded) {
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.topology;
}

function linesOf(loaded: Loaded, folder: string): readonly string[] {
  const problems = loaded.ok ? [] : loaded.problems;
  return problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
}

test("a file that uses every key is resolved as a whole", async () => {
  const folder = join(REPOSITORY, "test/fixtures/valid");
  const env = { RABBITMQ_PASSWORD: "s3cret", PORT: "" };
  const topology = topologyOf(load({ file: join(folder, "topology.yaml"), env }));
  const text = JSON.stringify(topology, null, 2).replaceAll(`${folder}/`, "");
  await expect(`${text}\n`).toMatchFileSnapshot("../fixtures/valid/resolved.json");
});

test("the least file has the defaults", async ({ createProject }) => {
  const { path } = await createProject({ topology: head });
  expect(topologyOf(load({ file: path("topology.yaml"), env: {} }))).toEqual({
    file: path("topology.yaml"),
    project: "shop",
    broker: {
      addresses: [{ url: "amqp://127.0.0.1", shown: "amqp://127.0.0.1" }],
      management: null,
      heartbeatMs: NUMBERS.heartbeatMs,
      consumerTimeoutMs: NUMBERS.consumerTimeoutMs,
    },
    http: { host: "127.0.0.1", port: NUMBERS.httpPort },
    stores: { idempotency: null },
    worker: {
      maxHeapBytes: NUMBERS.workerHeapBytes,
      maxCrashes: NUMBERS.workerCrashes,
      blockedMs: NUMBERS.workerBlockedMs,
    },
    drain: { delayMs: NUMBERS.drainDelayMs, timeoutMs: NUMBERS.drainTimeoutMs },
    exchanges: {},
    queues: {},
    bindings: [],
    policies: {},
    events: {},
    replies: {},
    places: {
      project: { file: path("topology.yaml"), line: 2, column: 10 },
      broker: { file: path("topology.yaml"), line: 3, column: 1 },
      http: { file: path("topology.yaml"), line: 1, column: 1 },
      stores: { file: path("topology.yaml"), line: 1, column: 1 },
    },
  });
});

test("a kept text is read in place of the file, with the schemas and handlers as they are now", async ({
  createProject,
}) => {
  const queue = (name: string) => `queues: { ${name}: { handler: a, deadLetter: none } }\n`;
  const project = await createProject({
    topology: `${head}${queue("before")}`,
    handlers: { a: "export {};\n" },
  });
  const file = project.path("topology.yaml");
  const first = load({ file, env: {} });
  if (!first.ok) throw new Error("the first is sound");
  await project.write("topology.yaml", `${head}${queue("after")}`);
  await project.write("schemas/events/book.created.json", '{ "type": "object" }');
  const again = topologyOf(load({ file, env: {}, text: first.text }));
  expect(Object.keys(again.queues)).toEqual(["before"]);
  expect(Object.keys(again.events)).toEqual(["book.created"]);
  await rm(project.path("src/handlers/a.ts"));
  const bad = load({ file, env: {}, text: first.text });
  expect(linesOf(bad, project.folder)).toEqual([
    expect.stringContaining("topology.yaml:4:30 unknown-handler"),
  ]);
});

test("a schema whose file stands as it stood is the same, and another one once it is changed", async ({
  createProject,
}) => {
  const project = await createProject({ topology: head, events: { "a.b": { type: "object" } } });
  const options = { file: project.path("topology.yaml"), env: {} };
  const schemaOf = () => topologyOf(load(options)).events["a.b"]?.schema;
  const first = schemaOf();
  expect(schemaOf()).toBe(first);
  await project.write("schemas/events/a.b.json", '{ "type": "object", "maxProperties": 1 }');
  expect(schemaOf()).toEqual({ type: "object", maxProperties: 1 });
});

test("a queue that says nothing has the defaults of the table of numbers", async ({
  createProject,
}) => {
  const topology = `${head}queues: { a: { handler: a, deadLetter: none } }\n`;
  const { path } = await createProject({ topology, handlers: { a: "export {};\n" } });
  const { queues } = topologyOf(load({ file: path("topology.yaml"), env: {} }));
  expect(queues.a).toMatchObject({
    type: "quorum",
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": NUMBERS.workDeliveryLimit },
    concurrency: NUMBERS.concurrency,
    prefetch: NUMBERS.concurrency,
    timeoutMs: NUMBERS.handlerTimeoutMs,
    retryDelaysMs: NUMBERS.retryDelaysMs,
    deadLetter: null,
    ordered: false,
  });
});

test("an ordered queue has one run, one message and one consumer, whatever the defaults say", async ({
  createProject,
}) => {
  const topology = `${head}defaults: { concurrency: 9, prefetch: 90 }
queues: { a: { handler: a, deadLetter: none, ordered: true } }
`;
  const { path } = await createProject({ topology, handlers: { a: "export {};\n" } });
  const { queues } = topologyOf(load({ file: path("topology.yaml"), env: {} }));
  expect(queues.a).toMatchObject({
    ordered: true,
    concurrency: 1,
    prefetch: 1,
    arguments: { "x-single-active-consumer": true },
  });
});

test("messages that could outlive the broker's ack timeout are found, with the arithmetic", async ({
  createProject,
}) => {
  const topology = `${head}defaults: { deadLetter: none }
queues:
  a: { handler: a, timeout: 10m, concurrency: 2, prefetch: 6 }
  b: { handler: a, ordered: true, timeout: 10m, retry: [90s, 10m], prefetch: 2 }
`;
  const { path, folder } = await createProject({ topology, handlers: { a: "export {};\n" } });
  expect(linesOf(load({ file: path("topology.yaml"), env: {} }), folder)).toEqual([
    "topology.yaml:6:3 ack-timeout  its messages may wait 30m for their ack (prefetch 6, concurrency 2, so 3 × 10m), and the broker waits 30m",
    "topology.yaml:7:3 ack-timeout  its messages may wait 83m for their ack (prefetch 2 × (3 attempts × 10m + 690s of delays)), and the broker waits 30m",
  ]);
});

test("mistakes of every kind are found at once, in the order of the files", async ({
  createProject,
}) => {
  const project = await createProject({
    topology: `version: 2
project: shop
broker: { url: "\${URL}" }
defaults: { deadLetter: dead, timeout: 30 }
exchanges:
  dead: { type: topics }
  orders: { type: topic, events: ["order.*", "invoice.*"] }
queues:
  payments:
    bind: { order: order.placed }
    handler: take-paymnt
    ttl: "60000"
    ttl: 1h
    orderly: true
  renders:
    type: quorum
    maxPriority: 10
    bind: orders
    handler: ../outside
    arguments: { x-mesage-ttl: 5 }
`,
    handlers: { "take-payment": "export {};\n" },
    events: { "order.placed": { type: "object" }, "order.broken": { type: "array" } },
  });
  const loaded = load({ file: project.path("topology.yaml"), env: {} });
  expect(linesOf(loaded, project.folder)).toEqual([
    'schemas/events/order.broken.json:2:11 bad-event-schema  an event is an object: "type" must be "object"',
    "topology.yaml:1:10 bad-value  version must be 1, found 2",
    "topology.yaml:3:16 unset-variable  the variable URL is not set",
    "topology.yaml:4:40 bad-duration  timeout must have a unit, found 30: write 30s or 30000ms",
    'topology.yaml:6:17 bad-value  type must be direct, fanout, topic, headers or x-<plugin>, found "topics"; did you mean "topic"?',
    'topology.yaml:7:46 unknown-event-pattern  no schema for "invoice.*" in schemas/events',
    'topology.yaml:10:13 unknown-exchange  binding names exchange "order"; did you mean "orders"?',
    'topology.yaml:11:14 unknown-handler  no module "src/handlers/take-paymnt"; did you mean "take-payment"?',
    'topology.yaml:12:10 numeric-string  ttl must be a duration such as 500ms, 30s, 5m, 1h or 7d, found "60000"',
    'topology.yaml:13:5 duplicate-key  key "ttl" is there twice, first in line 12',
    'topology.yaml:14:5 unknown-key  unknown key "orderly"; did you mean "ordered"?',
    "topology.yaml:17:5 argument-of-other-type  maxPriority is for classic queues, and this one is quorum",
    'topology.yaml:18:11 bad-binding  exchange "orders" is topic: a binding needs a routing key',
    'topology.yaml:19:14 handler-outside  handler "../outside" is not a file under src/handlers',
    'topology.yaml:20:18 unknown-argument  RabbitMQ knows no queue argument "x-mesage-ttl"; did you mean "x-message-ttl"?',
  ]);
});

test("the topology is frozen, all the way down", () => {
  const file = join(REPOSITORY, "test/fixtures/valid/topology.yaml");
  const topology = topologyOf(load({ file, env: { RABBITMQ_PASSWORD: "x" } }));
  const thawed: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [key, item] of Object.entries(value)) walk(item, `${path}.${key}`);
  };
  walk(topology, "topology");
  expect(thawed).toEqual([]);
});

test("names that every object has are ordinary names", async ({ createProject }) => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const exchanges = names.map((name) => `  ${name}: { type: topic }`).join("\n");
  const queues = names.map(
    (name) =>
      `  ${name}: { bind: { ${name}: ${name} }, handler: none, deadLetter: none, arguments: { __proto__: 1 }, allowUnknown: true }`,
  );
  const topology = `${head}exchanges:\n${exchanges}\nqueues:\n${queues.join("\n")}\n`;
  const { path } = await createProject({ topology });
  const loaded = topologyOf(load({ file: path("topology.yaml"), env: {} }));
  expect(Object.keys(loaded.exchanges)).toEqual(names);
  expect(Object.keys(loaded.queues)).toEqual(names);
  expect(loaded.bindings.map(({ source, key }) => [source, key])).toEqual(
    names.map((name) => [name, name]),
  );
  expect(Object.entries(loaded.queues.constructor?.arguments ?? {})).toContainEqual([
    "__proto__",
    1,
  ]);
  expect(loaded.queues.valueOf).toBeUndefined();
});

test("keys that every object has are unknown keys", async ({ createProject }) => {
  const topology = `${head}__proto__: {}\nconstructor: 1\nhttp: { toString: x }\n`;
  const { path, folder } = await createProject({ topology });
  expect(linesOf(load({ file: path("topology.yaml"), env: {} }), folder)).toEqual([
    'topology.yaml:4:1 unknown-key  unknown key "__proto__"',
    'topology.yaml:5:1 unknown-key  unknown key "constructor"',
    'topology.yaml:6:9 unknown-key  unknown key "toString"',
  ]);
});

test("a file that is missing is reported like any other problem", async ({ createProject }) => {
  const { path, folder } = await createProject({ topology: head });
  expect(linesOf(load({ file: path("topologie.yaml"), env: {} }), folder)).toEqual([
    "topologie.yaml:1:1 file-not-found  topologie.yaml cannot be read: no such file",
  ]);
  expect(linesOf(load({ file: path("src"), env: {} }), folder)).toEqual([
    "src:1:1 file-not-found  src cannot be read: EISDIR",
  ]);
});

test("a file of more than 1 MiB is not parsed", async ({ createProject }) => {
  const { path } = await createProject({ topology: "#".repeat(NUMBERS.maxFileBytes + 1) });
  const loaded = load({ file: path("topology.yaml"), env: {} });
  expect(loaded).toMatchObject({ ok: false, problems: [{ code: "file-too-large" }] });
});

test("a byte order mark is passed over, and bytes that are not UTF-8 are found", async ({
  createProject,
}) => {
  const { path, folder } = await createProject({ topology: `\ufeff${head}` });
  topologyOf(load({ file: path("topology.yaml"), env: {} }));
  await writeFile(path("latin1.yaml"), Buffer.from(`${head}# café\n`, "latin1"));
  expect(linesOf(load({ file: path("latin1.yaml"), env: {} }), folder)).toEqual([
    "latin1.yaml:4:6 yaml-syntax  latin1.yaml is not UTF-8",
  ]);
});

test("what a variable holds is text, whatever it looks like", async ({ createProject }) => {
  const topology =
    'version: 1\nproject: shop\nbroker: { url: "${URL}" }\nhttp: { host: "${HOST}", port: "${PORT}" }\n';
  const { path, folder } = await createProject({ topology });
  const file = path("topology.yaml");
  const env = { URL: "amqp://u:p%24%7BX%7D@h/$&", HOST: "::1", PORT: "0" };
  const loaded = topologyOf(load({ file, env }));
  expect(loaded.broker.addresses[0]?.url).toBe(env.URL);
  expect(loaded.http).toEqual({ host: "::1", port: 0 });
  const yaml = { URL: "[amqp://a, amqp://b]", HOST: "localhost # really", PORT: "*port" };
  expect(linesOf(load({ file, env: yaml }), folder)).toEqual([
    "topology.yaml:3:16 bad-url  broker.url is no amqp url, expected amqp://user:password@host:port/vhost, amqps:// or embedded:",
    'topology.yaml:4:15 insecure-host  http.host "localhost # really" can be reached from outside',
    'topology.yaml:4:32 wrong-type  port must be a whole number, found "*port"',
  ]);
});

test("a default stands for a variable that is unset or empty", async ({ createProject }) => {
  const topology = `version: 1
project: shop
broker: { url: "amqp://\${NAME:-guest}:\${PASSWORD:-}@\${toString:-host}:1" }
http: { port: "\${PORT:-8080}" }
`;
  const { path } = await createProject({ topology });
  const loaded = topologyOf(load({ file: path("topology.yaml"), env: { PORT: "", NAME: "me" } }));
  expect(loaded.broker.addresses[0]?.url).toBe("amqp://me:@host:1");
  expect(loaded.http.port).toBe(8080);
});

test.each([
  "amqp://user:hunter2@host/%zz",
  "amqp://user:hunter2@host/a/b",
  "amqp://user:hunter2@host?x=1",
  "amqp://user:hunter2",
  "amqp:user:hunter2@host",
  "http://user:hunter2@host",
  "user:hunter2@host",
  "hunter2",
  "hunter2@host",
  "amqp:// user:hunter2@host",
  "amqp://user:hunter2@",
  "amqp://user:hunter2@host:99999",
  "amqp://user:hunter2%@host",
])("the password is not shown when %s is refused", async (url) => {
  const topology = 'version: 1\nproject: shop\nbroker: { url: "${URL}" }\n';
  const { path, remove } = await writeProject({ topology });
  const loaded = load({ file: path("topology.yaml"), env: { URL: url } });
  await remove();
  expect(loaded).toMatchObject({ ok: false, problems: [{ code: "bad-url" }] });
  expect(JSON.stringify(loaded)).not.toContain("hunter2");
});

test("the management API may be left empty, and its password is never shown", async ({
  createProject,
}) => {
  const { path } = await createProject({
    topology: head.replace(" }", ', management: "${MANAGEMENT:-}" }'),
  });
  const managementOf = (env: Readonly<Record<string, string>>) =>
    topologyOf(load({ file: path("topology.yaml"), env })).broker.management;
  expect(managementOf({})).toBeNull();
  expect(managementOf({ MANAGEMENT: "http://h:15672" })).toEqual({
    url: "http://h:15672/",
    shown: "http://h:15672/",
  });
  expect(managementOf({ MANAGEMENT: "https://u:p%40ss@h/rabbit/" })).toEqual({
    url: "https://u:p%40ss@h/rabbit/",
    shown: "https://u:***@h/rabbit/",
  });
});

test.each([
  ["h:15672", "is no http url, expected http://user:password@host:port or https://"],
  ["amqp://u:secret@h", "is no http url, expected http://user:password@host:port or https://"],
  ["http://u:se cret@h", "is no http url, expected http://user:password@host:port or https://"],
  ["http://u:secret@h:15672/api", "http://u:***@h:15672/api: warren adds /api itself"],
  ["http://u:secret@h?a=b", "has options after ? or #, and none are read"],
  ["http://u:secret%@h", "http://u:***@h/: a % in user or password is written %25"],
])("a management API at %s is refused, and its password not shown", async (url, problem) => {
  const { path, folder, remove } = await writeProject({
    topology: head.replace(" }", `, management: "${url}" }`),
  });
  expect(linesOf(load({ file: path("topology.yaml"), env: {} }), folder)).toEqual([
    `topology.yaml:3:48 bad-url  broker.management ${problem}`,
  ]);
  await remove();
});

test("the embedded broker has a management API of its own", async ({ createProject }) => {
  const topology = head.replace('"amqp://127.0.0.1"', '"embedded:", management: "http://h:15672"');
  const { path, folder } = await createProject({ topology });
  expect(linesOf(load({ file: path("topology.yaml"), env: {} }), folder)).toEqual([
    'topology.yaml:3:41 bad-url  broker.management is http://h:15672/, and broker.url is "embedded:", which has a management API of its own',
  ]);
});
