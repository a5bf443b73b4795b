import type { Options } from "amqplib";
import type { Hidden, Live, LiveExchange, LiveQueue } from "../../../src/apply/live.ts";
import type { DesiredExchange, DesiredObjects, DesiredQueue } from "../../../src/apply/objects.ts";
import { NOTHING_OWNED } from "../../../src/apply/state/record.ts";
import { toFieldTable } from "../../../src/apply/wire.ts";
import type { Arguments } from "../../../src/topology.ts";
import { openManagement } from "../../support/management.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { look } from "./looking.ts";

const at = { file: "topology.yaml", line: 1, column: 1 };

function queue(name: string, args: Arguments = {}, changes: Partial<DesiredQueue> = {}) {
  const typed = { "x-queue-type": "classic", ...args };
  return {
    kind: "queue",
    name,
    autoDelete: false,
    arguments: typed,
    isExternal: false,
    was: null,
    at,
    ...changes,
  } as const satisfies DesiredQueue;
}

function exchange(name: string, changes: Partial<DesiredExchange> = {}): DesiredExchange {
  return {
    kind: "exchange",
    name,
    type: "topic",
    internal: false,
    autoDelete: false,
    arguments: {},
    isExternal: false,
    at,
    ...changes,
  };
}

type Wanted = {
  readonly exchanges?: readonly DesiredExchange[];
  readonly queues?: readonly DesiredQueue[];
};

function desiredOf({ exchanges = [], queues = [] }: Wanted): DesiredObjects {
  return { exchanges, queues, bindings: [], policies: [] };
}

async function probe(vhost: Vhost, wanted: Wanted, url = vhost.url): Promise<Live> {
  return await look({ vhost, url, management: null, ask: { desired: desiredOf(wanted) } });
}

/** What AMQP can't tell of a queue. */
function withoutStatistics(found: LiveQueue | Hidden | undefined) {
  if (found?.kind !== "queue") return found;
  return {
    ...found,
    counts: { ...found.counts, unacked: null, messages: null, foreignConsumers: null },
  };
}

const UNLIKE: readonly [string, live: Arguments, wanted: Arguments][] = [
  ["number", { "x-message-ttl": 60_000 }, { "x-message-ttl": 1 }],
  ["gone", { "x-message-ttl": 60_000, "x-max-length": 5 }, {}],
  ["new", {}, { "x-message-ttl": 60_000, "x-max-length": 5, "x-overflow": "reject-publish" }],
  ["digits", dead("10", "1.5"), dead("11", "true")],
  ["word true", dead("true", "false"), dead("x", "y")],
  ["quotes", dead("a'b, c", "it''s"), dead("x", "y")],
  ["flag", { "x-single-active-consumer": true }, { "x-single-active-consumer": false }],
  ["priority", { "x-max-priority": 5 }, { "x-max-priority": 10, "x-queue-mode": "lazy" }],
  ["quorum", { "x-queue-type": "quorum", "x-delivery-limit": 7 }, { "x-message-ttl": 5 }],
  ["classic", { "x-max-priority": 3 }, { "x-queue-type": "quorum", "x-max-length": 4 }],
  ["stream", { "x-queue-type": "stream", "x-max-length-bytes": 5_000_000 }, {}],
  [
    "many",
    { "x-expires": 900_000, "x-message-ttl": 1, "x-max-length": 2 },
    { "x-expires": 1, "x-max-length-bytes": 3 },
  ],
];

function dead(exchangeName: string, key: string): Arguments {
  return { "x-dead-letter-exchange": exchangeName, "x-dead-letter-routing-key": key };
}

test.for(UNLIKE)("a queue that differs is found as it is: %s", async (row, { vhost, client }) => {
  const [, live, wanted] = row;
  const args = { "x-queue-type": "classic", ...live };
  await client.channel.assertQueue("q", { arguments: toFieldTable(args) });
  const probed = (await probe(vhost, { queues: [queue("q", wanted)] })).queues.get("q");
  const listed = (await look({ vhost })).queues.get("q");
  expect(probed).toEqual(withoutStatistics(listed));
});

test("a queue is found with the flags that it has", async ({ vhost, client }) => {
  await client.channel.assertQueue("q", { durable: false, autoDelete: true });
  const probed = (await probe(vhost, { queues: [queue("q", { "x-max-length": 1 })] })).queues;
  expect(probed.get("q")).toMatchObject({
    durable: false,
    autoDelete: true,
    arguments: { "x-queue-type": "classic" },
  });
});

const EXCHANGES: readonly [
  string,
  Options.AssertExchange & { type: string },
  Partial<DesiredExchange>,
][] = [
  ["equal", { type: "topic" }, {}],
  ["type", { type: "direct" }, { type: "headers" }],
  ["flags", { type: "topic", durable: false, autoDelete: true }, { internal: true }],
  ["internal", { type: "topic", internal: true }, {}],
  [
    "alternate",
    { type: "topic", alternateExchange: "old" },
    { arguments: { "alternate-exchange": "new" } },
  ],
  ["alternate gone", { type: "topic", alternateExchange: "10" }, {}],
  ["alternate new", { type: "topic" }, { arguments: { "alternate-exchange": "new" } }],
  ["type that the broker does not know", { type: "fanout" }, { type: "x-no-such-type" }],
  ["such a type, and more", { type: "direct", durable: false }, { type: "x-no-such-type" }],
];

test.for(EXCHANGES)("an exchange is found as it is: %s", async (row, { vhost, client }) => {
  const [, { type, ...options }, wanted] = row;
  await client.channel.assertExchange("x", type, options);
  const probed = (await probe(vhost, { exchanges: [exchange("x", wanted)] })).exchanges.get("x");
  expect(probed).toEqual((await look({ vhost })).exchanges.get("x"));
});

test("what is not there is not found, and not made by looking for it", async ({ vhost }) => {
  const wanted = {
    exchanges: [exchange("x"), exchange("odd", { type: "x-no-such-type" })],
    queues: [queue("q"), queue("external", {}, { isExternal: true })],
  };
  const { exchanges, queues } = await probe(vhost, wanted);
  expect([...exchanges, ...queues]).toEqual([]);
  const live = await look({ vhost });
  expect([...live.exchanges, ...live.queues]).toEqual([]);
});

test("external objects are only looked for; queues of the state and former names as they are", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  for (const name of ["external", "former", "ours"]) {
    await channel.assertQueue(name, {
      arguments: { "x-queue-type": "classic", "x-max-length": 5 },
    });
  }
  await channel.assertExchange("external", "direct", { durable: false });
  await channel.assertExchange("ours", "fanout");
  const desired = desiredOf({
    exchanges: [exchange("external", { isExternal: true })],
    queues: [
      queue("external", { "x-max-length": 9 }, { isExternal: true }),
      queue("renamed", {}, { was: "former" }),
    ],
  });
  const owned = { ...NOTHING_OWNED, exchanges: ["ours", "gone"], queues: ["ours", "gone"] };
  const live = await look({ vhost, management: null, ask: { desired, owned } });
  expect([...live.exchanges.keys()].sort()).toEqual(["external", "ours"]);
  expect([...live.queues.keys()].sort()).toEqual(["external", "former", "ours"]);
  expect(live.queues.get("external")).toMatchObject({ arguments: { "x-max-length": 9 } });
  // Whether it may be removed depends on what it is.
  expect((live.queues.get("ours") as LiveQueue).arguments).toEqual({
    "x-queue-type": "classic",
    "x-max-length": 5,
  });
});

test("messages that are ready and consumers are counted; more AMQP can't tell", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
  for (const body of ["1", "2", "3"]) await client.publish("", "q", body);
  await client.channel.get("q");
  await client.channel.prefetch(1);
  await client.channel.consume("q", () => undefined);
  await vhost.waitForCounts("q", { ready: 1, consumers: 1 });
  const live = await probe(vhost, { queues: [queue("q")] });
  expect((live.queues.get("q") as LiveQueue).counts).toEqual({
    ready: 1,
    unacked: null,
    messages: null,
    consumers: 1,
    foreignConsumers: null,
  });
  const { by, bindings, policies, exchangeTypes } = live;
  expect({ by, bindings, policies, exchangeTypes }).toEqual({
    by: "amqp",
    bindings: null,
    policies: null,
    exchangeTypes: null,
  });
  expect(live.unseen.map((text) => text.split(/[:,]/)[0])).toEqual([
    "bindings",
    "objects that neither the file nor the state names",
    "unacknowledged messages",
    "arguments that brokers don't compare",
  ]);
});

test("a queue of another connection is one", async ({ vhost, client }) => {
  await client.channel.assertQueue("q", { exclusive: true });
  const live = await probe(vhost, { queues: [queue("q")] });
  expect(live.queues.get("q")).toMatchObject({
    exclusive: true,
    arguments: { "x-queue-type": "classic" },
  });
});

test("what a user may not declare is hidden, with the object and the permission; the rest is found", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  await channel.assertExchange("open", "topic");
  await channel.assertExchange("shut", "topic");
  await channel.assertQueue("open", { arguments: { "x-queue-type": "classic" } });
  await channel.assertQueue("shut", { arguments: { "x-queue-type": "classic" } });
  const management = openManagement(vhost.managementUrl);
  const user = vhost.vhost;
  await management.put(`users/${user}`, { password: "pw", tags: "" });
  const permissions = { configure: "^open$", write: ".*", read: ".*" };
  await management.put(`permissions/${vhost.vhost}/${user}`, permissions);
  const url = Object.assign(new URL(vhost.url), { username: user, password: "pw" }).href;
  const live = await probe(
    vhost,
    {
      exchanges: [exchange("shut"), exchange("open")],
      queues: [queue("shut"), queue("open")],
    },
    url,
  );
  await management.remove(`users/${user}`);
  const refusal = (what: string) =>
    `403 configure access to ${what} in vhost '${vhost.vhost}' refused for user '${user}'`;
  expect(live.exchanges.get("shut")).toEqual({
    kind: "hidden",
    detail: refusal("exchange 'shut'"),
  });
  expect(live.queues.get("shut")).toEqual({ kind: "hidden", detail: refusal("queue 'shut'") });
  expect((live.exchanges.get("open") as LiveExchange).kind).toBe("exchange");
  expect((live.queues.get("open") as LiveQueue).kind).toBe("queue");
});
