import { inject } from "vitest";
import { applyTopology } from "../../../src/apply/change/apply.ts";
import type { Arguments, ArgumentValue, Policy } from "../../../src/topology.ts";
import { expect, test } from "../../support/test.ts";
import type { ShortTopology } from "../../support/topology.ts";
import { differences, topologiesFor } from "./on-broker.ts";

const { version, kind } = inject("broker");
const isEmbedded = kind === "embedded";
const [major = 0, minor = 0] = version.split(".").map(Number);

function isSince(wanted: string): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

type Case = readonly [argument: string, value: ArgumentValue, ...more: readonly Arguments[]];

const delayed = { "x-dead-letter-exchange": "dead" };
const bounded = { "x-max-length": 5 };
const common: readonly Case[] = [
  ["x-expires", 3_600_000],
  ["x-message-ttl", 0],
  ["x-message-ttl", 86_400_000],
  ["x-dead-letter-exchange", "dead"],
  ["x-dead-letter-routing-key", "5", delayed],
  ["x-max-length", 0],
  ["x-max-length-bytes", 2 ** 40],
  ["x-overflow", "drop-head"],
  ["x-overflow", "reject-publish", bounded],
  ["x-single-active-consumer", true],
  ["x-single-active-consumer", false],
  // What no broker compares.
  ["x-of-nobody", "text"],
  ["x-of-nobody", 1.5],
  ["x-of-nobody", [1, "a", { b: true }]],
  ["x-of-nobody", { a: 1, b: { c: [1.5] } }],
];
const cases: Readonly<Record<"classic" | "quorum" | "stream", readonly Case[]>> = {
  classic: [
    ...common,
    ["x-overflow", "reject-publish-dlx", bounded],
    ["x-max-priority", 10],
    ["x-queue-mode", "lazy"],
    ["x-queue-version", 2],
    ...(isSince("4.0")
      ? [["x-queue-leader-locator", "balanced"] as const]
      : [["x-queue-master-locator", "min-masters"] as const]),
  ],
  quorum: [
    ...common,
    ["x-dead-letter-strategy", "at-least-once", { ...delayed, "x-overflow": "reject-publish" }],
    ["x-delivery-limit", 20],
    ["x-quorum-initial-group-size", 3],
    ["x-queue-leader-locator", "client-local"],
    ["x-max-in-memory-length", 5],
    ["x-max-in-memory-bytes", 5_000],
    ...(isSince("4.3")
      ? ([
          ["x-consumer-timeout", 60_000],
          ["x-consumer-disconnected-timeout", 60_000],
          ["x-delayed-retry-type", "failed", { "x-delayed-retry-min": 10 }],
          ["x-delayed-retry-max", 50, { "x-delayed-retry-min": 10 }],
        ] as const)
      : []),
  ],
  stream: [
    ["x-max-length-bytes", 1_000_000_000],
    ["x-max-age", "7D"],
    ["x-stream-max-segment-size-bytes", 500_000_000],
    ["x-queue-leader-locator", "balanced"],
    ["x-initial-cluster-size", 1],
    ...(isSince("4.2") ? [["x-stream-filter-size-bytes", 32] as const] : []),
  ],
};

test.for(["classic", "quorum", "stream"] as const)(
  "once applied, the plan of %s queues with every argument is empty, in both ways",
  async (type, { vhost }) => {
    const queues = cases[type].map(([argument, value, ...more], index) => {
      const args: Arguments = Object.assign({ "x-queue-type": type, [argument]: value }, ...more);
      return [`${index} ${argument}`, { type, arguments: args }] as const;
    });
    const { managed, overAmqp } = topologiesFor(vhost, {
      exchanges: { dead: { type: "fanout" } },
      queues: {
        plain: { type, arguments: { "x-queue-type": type } },
        ...Object.fromEntries(queues),
      },
    });
    expect((await applyTopology(managed)).isDone).toBe(true);
    expect(await differences(managed, overAmqp)).toEqual([]);
  },
);

const everything: ShortTopology = {
  exchanges: {
    direct: { type: "direct", alternate: "fanout" },
    fanout: { type: "fanout", autoDelete: true },
    topic: { type: "topic", internal: true },
    headers: { type: "headers" },
    "amq.topic": { type: "topic", external: true },
    ...(isSince("4.0") && !isEmbedded ? { "local-random": { type: "x-local-random" } } : {}),
  },
  queues: { q: { type: "quorum", arguments: { "x-queue-type": "quorum" } } },
  bindings: [
    ["direct", "q", ""],
    ["direct", "q", "a key with spaces, 'quotes' and \"more\""],
    ["direct", "q", "ключ/%2F~"],
    ["fanout", "q"],
    ["topic", "q", "#"],
    ["topic", "q", "*.created.#"],
    ["topic", "x>fanout", "#"],
    ["amq.topic", "q", "a.b"],
    ["headers", "q", { "x-match": "all", type: "pdf" }],
    ["headers", "q", { "x-match": "any", pages: 5, ratio: 0.5, draft: false, key: "5" }],
    ["headers", "q", { "x-match": "any", pages: 5_000_000_000 }],
    ["headers", "q", { "x-match": "all", pages: -1 }],
    ["headers", "x>fanout", { "x-match": "all", type: "pdf" }],
  ],
};

test("once applied, the plan of every kind of exchange and binding is empty, in both ways", async ({
  vhost,
}) => {
  const { managed, overAmqp } = topologiesFor(vhost, everything);
  expect((await applyTopology(managed)).isDone).toBe(true);
  expect(await differences(managed, overAmqp)).toEqual([]);
});

test("what was applied over AMQP alone is equal for the management API", async ({ vhost }) => {
  const { managed, overAmqp } = topologiesFor(vhost, everything);
  expect((await applyTopology(overAmqp)).isDone).toBe(true);
  expect(await differences(managed, overAmqp)).toEqual([]);
});

test("once applied, the plan of retries, dead letters and a renamed queue is empty", async ({
  vhost,
}) => {
  const work = {
    type: "quorum",
    arguments: { "x-queue-type": "quorum", "x-dead-letter-exchange": "dead" },
    handler: { name: "work", file: "/work.ts" },
    retryDelaysMs: [1_000, 90_000],
    was: "before",
  } as const;
  const short = { exchanges: { dead: {} }, queues: { work } };
  const { managed, overAmqp } = topologiesFor(vhost, short);
  expect((await applyTopology(managed)).isDone).toBe(true);
  expect(await differences(managed, overAmqp)).toEqual([]);
});

// The embedded broker has no policies.
test.skipIf(isEmbedded)("once applied, the plan of policies is empty", async ({ vhost }) => {
  const policy = (name: string, given: Partial<Policy>) => {
    const facts = { pattern: `^${name}$`, applyTo: "queues", priority: 0 } as const;
    return { name, ...facts, definition: {}, at: { file: "t", line: 1, column: 1 }, ...given };
  };
  const policies = {
    limits: policy("limits", {
      priority: 5,
      definition: { "max-length": 1_000, overflow: "reject-publish" },
    }),
    others: policy("others", { applyTo: "all", priority: -1, definition: { expires: 3_600_000 } }),
    "with/slash %": policy("with/slash %", {
      applyTo: "exchanges",
      definition: { "alternate-exchange": "dead" },
    }),
  };
  const { managed } = topologiesFor(vhost, { exchanges: { dead: {} } }, { policies });
  expect((await applyTopology(managed)).isDone).toBe(true);
  expect(await differences(managed)).toEqual([]);
});

test("of 1,000 queues and 1,000 bindings the plan names exactly the one that differs", async ({
  vhost,
  client,
}) => {
  const names = Array.from({ length: 1_000 }, (_, index) => `q${index}`);
  const { managed } = topologiesFor(vhost, {
    exchanges: { x: { type: "direct" } },
    queues: Object.fromEntries(
      names.map((name) => [name, { arguments: { "x-queue-type": "classic" } }]),
    ),
    bindings: names.map((name) => ["x", name, name] as const),
  });
  expect((await applyTopology(managed)).isDone).toBe(true);
  expect(await differences(managed)).toEqual([]);

  await client.channel.unbindQueue("q500", "x", "q500");
  expect(await differences(managed)).toMatchObject([{ action: "bind", name: "x -> q500  q500" }]);
  await client.channel.bindQueue("q500", "x", "q500");

  await client.channel.deleteQueue("q7");
  await client.channel.assertQueue("q7", { arguments: { "x-message-ttl": 5 } });
  await client.channel.bindQueue("q7", "x", "q7");
  expect(await differences(managed)).toMatchObject([
    {
      action: "replace",
      name: "q7",
      differences: [{ argument: "x-message-ttl", wanted: "none", live: "5" }],
    },
  ]);
});
