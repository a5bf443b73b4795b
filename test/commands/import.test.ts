import { existsSync, readdirSync, readFileSync } from "node:fs";
import { openManagement } from "../support/management.ts";
import { expect, test } from "../support/test.ts";

const queue = (name: string, args: object = {}, more: object = {}) => ({
  ...{ name, vhost: "shop", durable: true, auto_delete: false, arguments: args },
  ...more,
});
const exchange = (name: string, type: string, args: object = {}, more: object = {}) => ({
  ...{ name, vhost: "shop", type, durable: true, auto_delete: false, internal: false },
  arguments: args,
  ...more,
});
const binding = (source: string, destination: string, key: string, args: object = {}) => ({
  ...{ source, vhost: "shop", routing_key: key, arguments: args },
  destination: destination.replace("x>", ""),
  destination_type: destination.startsWith("x>") ? "exchange" : "queue",
});
const quorum = { "x-queue-type": "quorum" };
const definitions = {
  rabbitmq_version: "3.10.8",
  users: [{ name: "guest" }, { name: "app" }],
  vhosts: [{ name: "shop" }],
  policies: [
    {
      vhost: "shop",
      name: "old",
      pattern: ".*",
      "apply-to": "queues",
      definition: { "ha-mode": "all" },
    },
    {
      ...{ vhost: "shop", name: "short", pattern: "^orders", "apply-to": "queues", priority: 3 },
      definition: { "message-ttl": 60_000 },
    },
  ],
  exchanges: [
    exchange("orders", "topic", { "alternate-exchange": "unrouted" }),
    exchange("unrouted", "fanout"),
    exchange("documents", "headers"),
    exchange("partitions", "direct", { "x-super-stream": true }),
    exchange("audit", "topic", {}, { internal: true }),
    exchange("dead", "topic"),
    exchange("lost", "direct", { "alternate-exchange": "nowhere" }),
  ],
  queues: [
    queue("orders.billing", {
      ...quorum,
      ...{ "x-dead-letter-exchange": "dead", "x-dead-letter-routing-key": "orders.billing" },
    }),
    queue("orders.mail", {
      ...{ ...quorum, "x-delivery-limit": 20, "x-message-ttl": 3_600_000, "x-expires": 90_000 },
      ...{ "x-max-length": 10, "x-max-length-bytes": 65_536, "x-overflow": "reject-publish" },
      ...{ "x-dead-letter-exchange": "dead", "x-dead-letter-routing-key": "orders.mail" },
      "x-dead-letter-strategy": "at-least-once",
    }),
    queue("jobs", {
      "x-max-priority": 10,
      "x-single-active-consumer": true,
      "x-of-plugin": [1, 2.5],
    }),
    queue("events", { "x-queue-type": "stream", "x-max-age": "7D" }),
    queue("letters", { ...quorum, "x-delivery-limit": 5 }),
    queue("brief", {}, { durable: false }),
    queue("reply", {}, { auto_delete: true }),
    queue("typo", { "x-message-ttl": 5, "x-dead-letter-exchange": "daed" }),
  ],
  bindings: [
    binding("orders", "orders.billing", "order.placed"),
    binding("orders", "orders.billing", "order.cancelled"),
    binding("orders", "orders.mail", "order.*"),
    binding("orders", "orders.mail", "refund*"),
    binding("orders", "x>audit", "#"),
    binding("audit", "events", "#"),
    binding("unrouted", "letters", ""),
    binding("unrouted", "letters", "a key"),
    binding("dead", "letters", "#"),
    binding("documents", "jobs", "", { "x-match": "any", type: "pdf", pages: 2 }),
    binding("documents", "jobs", "", { type: "pdf" }),
    binding("partitions", "jobs", "0", { "x-stream-partition-order": 0 }),
    binding("amq.topic", "jobs", "job.#"),
    binding("orders", "gone", "order.*"),
    binding("orders", "reply", "reply"),
  ],
};

const expected = `# Imported from d.json of RabbitMQ 3.10.8, vhost "shop".
# Every queue is parked: name a handler in place of none to have its messages handled.
# Not managed by warren, and left as it is: 2 users (guest, app).
# Left out, since the file can't say it:
#   policy "old": ha-mode mirrors classic queues, which no RabbitMQ does since 4.0
#   binding "orders" → "gone" "order.*": queue "gone" is not in this file (d.json:1:4206)

version: 1
project: shop

broker:
  url: \${RABBITMQ_URL:-amqp://127.0.0.1/shop}
  management: \${RABBITMQ_MANAGEMENT_URL:-}

exchanges:
  orders: { type: topic, alternate: unrouted }
  unrouted: { type: fanout }
  documents: { type: headers }
  partitions: { type: direct, arguments: { x-super-stream: true }, allowUnknown: true }
  audit: { type: topic, internal: true, bind: { orders: "#" } }
  dead: { type: topic }
  # external: its alternate exchange "nowhere" is not in this file
  lost: { type: direct, external: true }
  amq.topic: { type: topic, external: true }

queues:
  orders.billing:
    bind: { orders: [ order.placed, order.cancelled ] }
    handler: none
    deadLetter: dead
    exact: true
  orders.mail:
    bind: { orders: [ order.*, { key: refund* } ] }
    handler: none
    deadLetter: dead
    ttl: 1h
    expires: 90s
    limits: { messages: 10, bytes: 64KiB, overflow: reject-publish }
    deliveryLimit: 20
    arguments: { x-dead-letter-strategy: at-least-once }
  jobs:
    type: classic
    bind:
      documents:
        - { headers: { type: pdf, pages: 2 }, match: any }
        - { arguments: { type: pdf } }
      partitions: { key: "0", arguments: { x-stream-partition-order: 0 } }
      amq.topic: job.#
    handler: none
    maxPriority: 10
    singleActiveConsumer: true
    arguments: { x-of-plugin: [ 1, 2.5 ] }
    allowUnknown: true
  events: { type: stream, bind: { audit: "#" }, handler: none, maxAge: 7d }
  letters:
    bind: [ unrouted, { unrouted: { key: a key }, dead: "#" } ]
    handler: none
    deliveryLimit: 5
  # external: it is not durable: it is gone when the broker restarts
  brief: { type: classic, external: true, handler: none }
  reply: { type: classic, bind: { orders: reply }, handler: none, autoDelete: true }
  typo: { type: classic, handler: none, ttl: 5ms, arguments: { x-dead-letter-exchange: daed } }

policies:
  short: { pattern: ^orders, applyTo: queues, priority: 3, definition: { message-ttl: 60000 } }
`;
const said = [
  'external: exchange "lost": its alternate exchange "nowhere" is not in this file',
  'external: queue "brief": it is not durable: it is gone when the broker restarts',
  'left out: policy "old": ha-mode mirrors classic queues, which no RabbitMQ does since 4.0',
  'left out: binding "orders" → "gone" "order.*": queue "gone" is not in this file (d.json:1:4206)',
  "not managed: 2 users (guest, app)",
  'check will refuse: t.yaml:62:88 dead-letter-lost  dead-letter exchange "daed" is not declared; did you mean "dead"?',
  'imported from d.json of RabbitMQ 3.10.8, vhost "shop": 7 exchanges, 8 queues, 15 bindings, 2 policies; 2 external, 2 left out, 1 problem, 3 warnings',
];

test("definitions become a file in friendly words; what it can't say is external or left out, and said", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: "" });
  await project.write("d.json", JSON.stringify(definitions));
  const { exit, stderr } = await runCli(project, ["import", "--from", "d.json", "--out", "t.yaml"]);
  expect(readFileSync(project.path("t.yaml"), "utf8")).toBe(expected);
  expect(stderr.trimEnd().split("\n")).toEqual(said);
  expect(exit).toBe(0);
});

test("a file that is there is overwritten with --force alone, and an error leaves nothing behind", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: "mine" });
  await project.write("d.json", '{ "queues": [] }');
  await project.write("bad.json", '{ "queues": [');
  const kept = await runCli(project, ["import", "--from", "d.json", "--out", "topology.yaml"]);
  expect(kept).toMatchObject({ exit: 1, stdout: "" });
  expect(kept.stderr).toContain('file-exists  "topology.yaml" is there already');
  expect(readFileSync(project.path("topology.yaml"), "utf8")).toBe("mine");

  const before = readdirSync(project.folder).sort();
  const bad = await runCli(project, ["import", "--from", "bad.json", "--out", "new.yaml"]);
  expect(bad).toMatchObject({ exit: 1, stdout: "" });
  expect(bad.stderr).toContain(
    "bad.json:1:14 bad-definitions  is no JSON: expected a value, found the end of the file",
  );
  expect(readdirSync(project.folder).sort()).toEqual(before);

  const forced = ["import", "--from", "d.json", "--out", "topology.yaml", "--force"];
  expect((await runCli(project, forced)).exit).toBe(0);
  expect(readFileSync(project.path("topology.yaml"), "utf8")).toContain("project: imported");
  expect(readdirSync(project.folder).sort()).toEqual(before);
});

test("a live vhost is imported over its management API, and plan then finds nothing to do", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  const { channel } = client;
  await channel.assertExchange("orders", "topic", { arguments: { "x-of-plugin": 1.5 } });
  await channel.assertQueue("billing", { arguments: { "x-queue-type": "quorum" } });
  await channel.assertQueue("mail", { messageTtl: 300, arguments: { team: "a" } });
  await channel.bindQueue("billing", "orders", "order.*");
  await channel.bindQueue("mail", "amq.headers", "", { n: 300 });
  const project = await createProject({ topology: "" });
  const source = ["--management", vhost.managementUrl, "--vhost", vhost.vhost];
  const imported = await runCli(project, [
    "import",
    ...source,
    "--out",
    "topology.yaml",
    "--force",
  ]);
  expect(imported).toMatchObject({ exit: 0, stdout: "" });
  const text = readFileSync(project.path("topology.yaml"), "utf8");
  expect(text).not.toContain("guest:guest");
  const env = { RABBITMQ_URL: vhost.url, RABBITMQ_MANAGEMENT_URL: vhost.managementUrl };
  const planned = await runCli(project, ["plan", "--json"], { env });
  const { hasDifferences, entries, unchanged } = JSON.parse(planned.stdout);
  expect({ hasDifferences, entries, unchanged }).toEqual({
    ...{ hasDifferences: false, entries: [], unchanged: 6 },
  });
  expect(planned.exit).toBe(0);
  expect((await runCli(project, ["check"], { env })).exit).toBe(0);
});

test("without a source it is the broker of topology.yaml, whose project and broker are kept", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  await client.channel.assertQueue("jobs");
  const topology = `version: 1
project: mine
broker: { url: "\${URL}", management: "\${MANAGEMENT}", heartbeat: 5s }
`;
  const env = { URL: vhost.url, MANAGEMENT: vhost.managementUrl };
  const project = await createProject({ topology });
  const { exit, stdout, stderr } = await runCli(project, ["import"], { env });
  expect(stdout.replace(/^#.*\n/gm, "")).toBe(`
version: 1
project: mine

broker: { url: "\${URL}", management: "\${MANAGEMENT}", heartbeat: 5s }

defaults: { type: classic }

queues:
  jobs: { handler: none }
`);
  expect(stderr).toContain("1 queue, 0 bindings, 0 policies; 0 external, 0 left out, 0 problems");
  expect(exit).toBe(0);
  const other = await runCli(project, ["import", "--vhost", "other"], { env });
  expect(other.stderr).toContain('bad-argument  --vhost "other", and broker.url names "');
});

test("what is wrong with the source is said, and nothing is printed", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({
    topology: 'version: 1\nproject: a\nbroker: { url: "amqp://127.0.0.1" }\n',
  });
  const wrong = Object.assign(new URL(vhost.managementUrl), { password: "wrong" }).href;
  await openManagement(vhost.managementUrl).put(`vhosts/${vhost.vhost}-2`);
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], "bad-argument  name a source: --from FILE, --management URL, or broker.management in"],
    [
      ["--from", "a", "--management", "b"],
      "bad-argument  --from and --management exclude each other",
    ],
    [["--from", "none.json"], 'bad-definitions  "none.json" cannot be read'],
    [["--management", "amqp://x"], "bad-url  --management is no http url"],
    [["--management", "http://127.0.0.1:1"], "management-failed"],
    [["--management", wrong, "--vhost", vhost.vhost], "management-refused"],
    [["--management", vhost.managementUrl], "several-vhosts  the broker at"],
    [["--management", vhost.managementUrl, "--vhost", "nobody's"], "management-refused"],
  ];
  for (const [args, text] of cases) {
    const { exit, stdout, stderr } = await runCli(project, ["import", ...args]);
    expect({ args, exit, stdout }).toEqual({ args, exit: 1, stdout: "" });
    expect(stderr).toContain(text);
    expect(stderr).not.toContain("wrong@");
  }
  await openManagement(vhost.managementUrl).remove(`vhosts/${vhost.vhost}-2`);
  expect(existsSync(project.path("t.yaml"))).toBe(false);
});
