import { inject } from "vitest";
import { managementOf } from "../../../src/apply/inspect/management.ts";
import type { LiveQueue } from "../../../src/apply/live.ts";
import { toFieldTable } from "../../../src/apply/wire.ts";
import type { Arguments } from "../../../src/topology.ts";
import { openManagement } from "../../support/management.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { look, topologyFor } from "./looking.ts";

const hasNoPolicies = inject("broker").kind === "embedded";

/** A value of every type that the JSON of a listing has, and the two that JSON alone would lose. */
const everything: Arguments = {
  text: 'a "quoted" \\ 10.0',
  empty: "",
  whole: 5,
  negative: -3,
  big: 2 ** 40,
  huge: 2 ** 60,
  fraction: 1.5,
  tiny: 1e-7,
  yes: true,
  no: false,
  wholeDouble: { "!": "double", value: 10 },
  hugeDouble: { "!": "double", value: 1e22 },
  beyondNumbers: { "!": "long", value: "9007199254740993" },
  list: [1, "x", true, 1.5, { "!": "double", value: 2 }, []],
  table: { inner: { deep: [{ deeper: 1 }] }, none: {} },
};

test("arguments of every type are listed as a file would have them", async ({ vhost, client }) => {
  await client.channel.assertQueue("q", {
    arguments: { "x-queue-type": "classic", ...toFieldTable(everything) },
  });
  await client.channel.assertExchange("x", "headers", { arguments: toFieldTable(everything) });
  await client.channel.bindQueue("q", "x", "", toFieldTable(everything));
  const { queues, exchanges, bindings } = await look({ vhost });
  expect(queues.get("q")).toMatchObject({
    arguments: { "x-queue-type": "classic", ...everything },
  });
  expect(exchanges.get("x")).toMatchObject({ arguments: everything });
  expect(bindings).toMatchObject([{ source: "x", destination: "q", arguments: everything }]);
});

test("what a number's width was is not told, and does not count", async ({ vhost, client }) => {
  await client.channel.assertExchange("x", "headers", {
    arguments: {
      byte: { "!": "byte", value: 5 },
      short: { "!": "short", value: 5 },
      int: { "!": "int", value: 5 },
      long: { "!": "long", value: 5 },
      float: { "!": "float", value: 0.5 },
    },
  });
  const { exchanges } = await look({ vhost });
  expect(exchanges.get("x")).toMatchObject({
    arguments: { byte: 5, short: 5, int: 5, long: 5, float: 0.5 },
  });
});

test("exchanges are listed with their flags, and the broker's own left out", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  await channel.assertExchange("plain", "direct");
  await channel.assertExchange("inner", "fanout", { internal: true, durable: false });
  await channel.assertExchange("fading", "topic", { autoDelete: true, alternateExchange: "plain" });
  const { exchanges, exchangeTypes, unseen, by, version } = await look({ vhost });
  const flags = { kind: "exchange", durable: true, autoDelete: false, internal: false };
  expect([...exchanges.values()]).toEqual([
    {
      ...flags,
      name: "fading",
      type: "topic",
      autoDelete: true,
      arguments: { "alternate-exchange": "plain" },
    },
    { ...flags, name: "inner", type: "fanout", internal: true, durable: false, arguments: {} },
    { ...flags, name: "plain", type: "direct", arguments: {} },
  ]);
  expect(exchangeTypes).toEqual(expect.arrayContaining(["direct", "fanout", "headers", "topic"]));
  expect({ unseen, by }).toEqual({ unseen: [], by: "management" });
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
});

test("queues of every type are listed with their arguments and counts", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  await channel.assertQueue("classic", {
    arguments: { "x-queue-type": "classic", "x-message-ttl": 60_000, "x-max-priority": 5 },
  });
  await channel.assertQueue("unsaid", { durable: false, autoDelete: true });
  await channel.assertQueue("quorum", {
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": 7 },
  });
  await channel.assertQueue("stream", {
    arguments: { "x-queue-type": "stream", "x-max-age": "1h" },
  });
  await client.publish("", "classic", "one");
  await client.publish("", "classic", "two");
  await channel.get("classic");
  const { queues } = await look({ vhost });
  const flags = { kind: "queue", durable: true, autoDelete: false, exclusive: false };
  const consumers = { consumers: 0, foreignConsumers: 0 };
  const none = { ready: 0, unacked: 0, messages: 0, ...consumers };
  expect(Object.fromEntries(queues)).toEqual({
    classic: {
      ...flags,
      name: "classic",
      arguments: { "x-queue-type": "classic", "x-message-ttl": 60_000, "x-max-priority": 5 },
      counts: { ...none, ready: 1, unacked: 1, messages: 2 },
    },
    unsaid: {
      ...flags,
      name: "unsaid",
      durable: false,
      autoDelete: true,
      arguments: { "x-queue-type": "classic" },
      counts: none,
    },
    quorum: {
      ...flags,
      name: "quorum",
      arguments: { "x-queue-type": "quorum", "x-delivery-limit": 7 },
      counts: none,
    },
    stream: {
      ...flags,
      name: "stream",
      arguments: { "x-queue-type": "stream", "x-max-age": "1h" },
      // RabbitMQ has no totals of a stream in this listing.
      counts: { ready: 0, unacked: null, messages: null, ...consumers },
    },
  });
});

test("bindings are listed with what deletes exactly each of them", async ({ vhost, client }) => {
  const { channel } = client;
  await channel.assertExchange("a", "topic");
  await channel.assertExchange("b", "headers");
  await channel.assertQueue("q / 1");
  await channel.bindQueue("q / 1", "a", "key.#");
  await channel.bindExchange("b", "a", "50% ~ a/b c");
  await channel.bindQueue("q / 1", "b", "", { n: { "!": "byte", value: 5 } });
  await channel.bindQueue("q / 1", "b", "", { n: { "!": "long", value: 5 } });
  const { bindings } = await look({ vhost });
  expect(sorted(bindings?.map(({ propertiesKey: _, ...one }) => one))).toEqual(
    sorted([
      bound("a", "q / 1", "queue", "key.#", {}),
      bound("a", "b", "exchange", "50% ~ a/b c", {}),
      bound("b", "q / 1", "queue", "", { n: 5 }),
      bound("b", "q / 1", "queue", "", { n: 5 }),
    ]),
  );
  const management = managementOf(await topologyFor({ vhost }));
  const removed: number[] = [];
  for (const { source, destination, destinationKind, propertiesKey } of bindings ?? []) {
    const kind = destinationKind === "queue" ? "q" : "e";
    const path = [vhost.vhost, "e", source, kind, destination, propertiesKey ?? ""];
    await management?.remove(["bindings", ...path]);
    removed.push((await look({ vhost })).bindings?.length ?? -1);
  }
  expect(removed).toEqual([3, 2, 1, 0]);
});

function bound(
  source: string,
  destination: string,
  destinationKind: "queue" | "exchange",
  key: string,
  args: Arguments,
) {
  return { kind: "binding", source, destination, destinationKind, key, arguments: args };
}

function sorted(bindings: readonly object[] = []): readonly string[] {
  return bindings.map((one) => JSON.stringify(one)).sort();
}

test("consumers are counted, those of the project's runners apart from others", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q");
  const consume = (consumerTag: string) =>
    client.channel.consume("q", () => undefined, { consumerTag });
  await consume("warren.test.q.1");
  await consume("warren.test.q.2");
  await consume("warren.other.q.1");
  await consume("theirs");
  // RabbitMQ collects them every few seconds.
  const queue = await waitFor(
    async () => {
      const found = (await look({ vhost })).queues.get("q") as LiveQueue;
      return found.counts.consumers === 4 && found;
    },
    { what: "the consumers to be listed", timeoutMs: 30_000 },
  );
  expect(queue.counts).toMatchObject({ consumers: 4, foreignConsumers: 2 });
});

test.skipIf(hasNoPolicies)("policies are listed", async ({ vhost }) => {
  const management = openManagement(vhost.managementUrl);
  const policy = {
    pattern: "^q",
    "apply-to": "queues",
    priority: 3,
    definition: { "max-length": 10, overflow: "drop-head" },
  };
  await management.put(`policies/${vhost.vhost}/limit`, policy);
  expect((await look({ vhost })).policies).toEqual([
    {
      kind: "policy",
      name: "limit",
      pattern: "^q",
      applyTo: "queues",
      priority: 3,
      definition: policy.definition,
    },
  ]);
});

test("left out are queues of a connection, objects of other projects, the lock and the state, unless they are named", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  const others = [
    "warren.other.retry.1s",
    "warren.test.lock",
    "warren.test.state",
    "warren.test.retry.1s",
    "theirs",
  ];
  for (const name of others) await channel.assertQueue(name);
  await channel.assertQueue("mine", { exclusive: true });
  await channel.assertQueue("yours", { exclusive: true });
  await channel.assertExchange("warren.other.retry", "topic");
  await channel.assertExchange("warren.test.retry", "topic");
  await channel.bindQueue("yours", "warren.other.retry", "1s.#");
  const live = await look({
    vhost,
    topology: `
exchanges: { amq.topic: { type: topic, external: true } }
queues: { mine: { type: classic, handler: none, deadLetter: none } }
`,
  });
  expect([...live.queues.keys()].sort()).toEqual(["mine", "theirs", "warren.test.retry.1s"]);
  expect(live.queues.get("mine")).toMatchObject({ exclusive: true });
  expect([...live.exchanges.keys()].sort()).toEqual(["amq.topic", "warren.test.retry"]);
  // What binds a queue counts whosever it is.
  expect(live.bindings).toMatchObject([{ source: "warren.other.retry", destination: "yours" }]);
});
