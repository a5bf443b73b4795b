import { applyTopology } from "../../src/apply/change/apply.ts";
import { formatReport } from "../../src/apply/change/report.ts";
import { loadTopology, type RunnerFiles } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { apply as applyText, objectsIn, WAYS } from "./applying.ts";

async function apply(files: RunnerFiles) {
  return await applyTopology(await loadTopology(files));
}

const shop = `
defaults: { retry: [1s, 90s], deadLetter: dead }
exchanges:
  orders: { type: topic, alternate: unrouted }
  audit:  { type: topic, bind: { orders: "#" } }
  dead:   { type: topic }
  unrouted: { type: fanout }
queues:
  billing: { bind: { orders: [order.placed, order.cancelled] }, handler: bill, ttl: 1h }
  renders: { type: classic, maxPriority: 10, bind: { audit: "order.#" }, handler: bill }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
  unrouted_inbox: { bind: unrouted, handler: none, deadLetter: none, limits: { messages: 9, overflow: reject-publish } }
`;
const handlers = { bill: () => undefined };

test("an empty vhost gets everything, and a second apply finds everything right", async ({
  vhost,
}) => {
  const files = { topology: shop, handlers, url: vhost.url };
  const first = await apply(files);
  expect(first.isDone).toBe(true);
  expect(new Set(first.entries.map(({ result }) => result))).toEqual(new Set(["created"]));

  const second = await apply(files);
  expect(second.isDone).toBe(true);
  expect(new Set(second.entries.map(({ kind, result }) => `${kind} ${result}`))).toEqual(
    new Set(["exchange unchanged", "queue unchanged", "binding ensured"]),
  );
});

test("queues are declared durable, with typed arguments of their own type", async ({ vhost }) => {
  await apply({ topology: shop, handlers, url: vhost.url });
  const queues = await vhost.management<{ name: string; durable: boolean; arguments: object }[]>(
    "queues/{vhost}?disable_stats=true",
  );
  const declared = Object.fromEntries(
    (queues ?? []).map(({ name, durable, arguments: args }) => [name, { durable, ...args }]),
  );
  expect(declared).toEqual({
    billing: {
      durable: true,
      "x-queue-type": "quorum",
      "x-message-ttl": 3_600_000,
      "x-dead-letter-exchange": "dead",
      "x-dead-letter-routing-key": "billing",
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      "x-delivery-limit": 1_000,
    },
    renders: {
      durable: true,
      "x-queue-type": "classic",
      "x-max-priority": 10,
      "x-dead-letter-exchange": "dead",
      "x-dead-letter-routing-key": "renders",
    },
    dead_letters: {
      durable: true,
      "x-queue-type": "quorum",
      "x-delivery-limit": 1_000_000_000,
    },
    unrouted_inbox: {
      durable: true,
      "x-queue-type": "quorum",
      "x-max-length": 9,
      "x-overflow": "reject-publish",
      "x-delivery-limit": 1_000_000_000,
    },
    "warren.test.state": { durable: true, "x-queue-type": "classic", "x-max-length": 1 },
    "warren.test.retry.1s": delayQueue(1_000),
    "warren.test.retry.90s": delayQueue(90_000),
  });
});

function delayQueue(ttlMs: number) {
  return {
    durable: true,
    "x-queue-type": "quorum",
    "x-message-ttl": ttlMs,
    "x-dead-letter-exchange": "warren.test.requeue",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-delivery-limit": 1_000_000_000,
  };
}

test("every binding is on the broker, those of the retries too", async ({ vhost }) => {
  await apply({ topology: shop, handlers, url: vhost.url });
  const bindings =
    await vhost.management<{ source: string; destination: string; routing_key: string }[]>(
      "bindings/{vhost}",
    );
  const listed = (bindings ?? [])
    .filter(({ source }) => source !== "")
    .map(({ source, destination, routing_key }) => `${source} -> ${destination} ${routing_key}`)
    .sort();
  expect(listed).toEqual([
    "audit -> renders order.#",
    "dead -> dead_letters #",
    "orders -> audit #",
    "orders -> billing order.cancelled",
    "orders -> billing order.placed",
    "unrouted -> unrouted_inbox ",
    "warren.test.requeue -> billing *.billing",
    "warren.test.requeue -> renders *.renders",
    "warren.test.retry -> warren.test.retry.1s 1s.#",
    "warren.test.retry -> warren.test.retry.90s 90s.#",
  ]);
});

test("an inequivalent queue stops apply with every argument, both values and their types", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", {
    durable: true,
    arguments: { "x-queue-type": "classic", "x-message-ttl": 60_000, "x-max-priority": 5 },
  });
  const topology = `
exchanges: { x: { type: direct } }
queues:
  q: { type: classic, ttl: 60001ms, limits: { messages: 3 }, handler: none, deadLetter: none }
`;
  const report = await apply({ topology, url: vhost.url });
  expect(report.isDone).toBe(false);
  expect(report.entries.filter(({ result }) => result === "conflict")).toMatchObject([
    {
      kind: "queue",
      name: "q",
      differences: expect.arrayContaining([
        { argument: "x-message-ttl", wanted: "60001", live: "60000" },
        { argument: "x-max-length", wanted: "3", live: "none" },
        { argument: "x-max-priority", wanted: "none", live: "5" },
      ]),
    },
  ]);
  const text = formatReport(report);
  expect(text).toContain("-/+ queue     q  cannot be changed in place");
  expect(text).toContain("x-message-ttl   60000 -> 60001");
  expect(text).toContain("nothing was changed");
  // Nothing was created beside the conflict.
  await expect(client.channel.checkExchange("x")).rejects.toThrow("404");
});

test("a live string of digits is shown as the text that it is", async ({ vhost, client }) => {
  await client.channel.assertQueue("q", {
    durable: true,
    arguments: {
      "x-queue-type": "classic",
      "x-dead-letter-exchange": "10",
      "x-dead-letter-routing-key": "q",
    },
  });
  const topology = `
exchanges: { "11": { type: fanout } }
queues:
  q: { type: classic, handler: none, deadLetter: "11" }
  end: { bind: "11", handler: none, deadLetter: none }
`;
  const report = await apply({ topology, url: vhost.url });
  expect(report.entries.find(({ name }) => name === "q")?.differences).toEqual([
    { argument: "x-dead-letter-exchange", wanted: '"11"', live: '"10"' },
  ]);
});

test("an exchange of another type or alternate is a conflict", async ({ vhost, client }) => {
  await client.channel.assertExchange("x", "direct", { durable: true });
  await client.channel.assertExchange("y", "topic", { durable: true, alternateExchange: "old" });
  const topology = `
exchanges: { x: { type: topic }, y: { type: topic, alternate: x } }
queues: { q: { bind: { x: "#" }, handler: none, deadLetter: none } }
`;
  const report = await apply({ topology, url: vhost.url });
  const conflicts = report.entries.filter(({ result }) => result === "conflict");
  expect(conflicts.map(({ name, differences }) => ({ name, differences }))).toEqual([
    { name: "x", differences: [{ argument: "type", wanted: "topic", live: "direct" }] },
    {
      name: "y",
      differences: [{ argument: "alternate-exchange", wanted: '"x"', live: '"old"' }],
    },
  ]);
});

test("an external object has to be there, and is left as it is", async ({ vhost, client }) => {
  const topology = `
exchanges: { theirs: { type: topic, external: true } }
queues: { q: { bind: { theirs: "#" }, handler: none, deadLetter: none } }
`;
  const without = await apply({ topology, url: vhost.url });
  expect(without.entries).toMatchObject([{ name: "theirs", result: "missing" }]);

  await client.channel.assertExchange("theirs", "topic", { durable: false });
  const found = await apply({ topology, url: vhost.url });
  expect(found.isDone).toBe(true);
  expect((await client.publish("theirs", "any.key", {})).routed).toBe(true);
});

test.for(WAYS)(
  "over %s, an exchange type that the broker does not know is named with its exchange",
  async (way, { vhost }) => {
    const topology = `
exchanges: { odd: { type: x-no-such-type } }
queues: { q: { handler: none, deadLetter: none } }
`;
    await expect(applyText(vhost, topology, { way })).rejects.toMatchObject({
      code: "unknown-exchange-type",
      message: expect.stringContaining('exchange "odd" has type "x-no-such-type"'),
      at: { line: 6 },
    });
    // Where the broker can be asked, nothing was declared before.
    if (way === "management") expect(await objectsIn(vhost)).toEqual([]);
  },
);

test("five at once on an empty vhost make one topology, without a conflict", async ({ vhost }) => {
  const files = { topology: shop, handlers, url: vhost.url };
  const reports = await Promise.all(Array.from({ length: 5 }, () => apply(files)));
  expect(reports.map(({ isDone }) => isDone)).toEqual([true, true, true, true, true]);
});
