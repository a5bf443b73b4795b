import { openClient } from "../../support/client.ts";
import { type NodeOptions, startNode } from "../../support/node.ts";
import { expect, test as plain } from "../../support/test.ts";
import { createVhost, type Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { look } from "./looking.ts";

type OwnNode = { readonly vhost: Vhost };

const test = plain.extend<{ readonly hashing: OwnNode; readonly statless: OwnNode }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  hashing: async ({}, use) => {
    const plugins = ["rabbitmq_management", "rabbitmq_consistent_hash_exchange"];
    await onNode({ plugins }, use);
  },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  statless: async ({}, use) => {
    await onNode({ extraConf: "management_agent.disable_metrics_collector = true" }, use);
  },
});

async function onNode(options: NodeOptions, use: (own: OwnNode) => Promise<void>): Promise<void> {
  const node = await startNode(options);
  const { vhost, observer } = await createVhost(node);
  await use({ vhost });
  await observer.close();
  await node.stop();
}

test("an exchange of a plugin's type is found, whichever type is wanted; its other arguments only the listing shows", async ({
  hashing: { vhost },
}) => {
  const client = await openClient(vhost.url);
  await client.channel.assertExchange("x", "x-consistent-hash", {
    alternateExchange: "old",
    arguments: { "hash-header": "by" },
  });
  const probed: unknown[] = [];
  for (const type of ["x-consistent-hash", "topic", "x-no-such-type"]) {
    const topology = `
exchanges: { x: { type: ${type}, arguments: { hash-header: other }, allowUnknown: true } }
queues: { q: { type: classic, handler: none, deadLetter: none } }
`;
    probed.push((await look({ vhost, topology, management: null })).exchanges.get("x"));
  }
  const { exchanges, exchangeTypes } = await look({ vhost });
  await client.close();
  const found = {
    kind: "exchange",
    name: "x",
    type: "x-consistent-hash",
    durable: true,
    autoDelete: false,
    internal: false,
  };
  // In another type it differs already: nothing more is asked, lest the broker end the connection.
  expect(probed).toEqual([
    { ...found, arguments: { "hash-header": "other", "alternate-exchange": "old" } },
    { ...found, arguments: { "hash-header": "other" } },
    { ...found, arguments: { "hash-header": "other" } },
  ]);
  expect(exchanges.get("x")).toEqual({
    ...found,
    arguments: { "hash-header": "by", "alternate-exchange": "old" },
  });
  expect(exchangeTypes).toContain("x-consistent-hash");
});

test("where a node keeps no statistics, nobody knows of consumers", async ({
  statless: { vhost },
}) => {
  const client = await openClient(vhost.url);
  await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
  await client.publish("", "q", "one");
  await client.close();
  // The listing may be a moment behind.
  const { queues, unseen } = await waitFor(
    async (seen) => {
      const live = await look({ vhost });
      const queue = seen(live.queues.get("q"));
      return queue?.kind === "queue" && queue.counts.ready === 1 && live;
    },
    { what: "the message to be listed" },
  );
  expect(queues.get("q")).toMatchObject({
    counts: { ready: 1, unacked: 0, messages: 1, consumers: null, foreignConsumers: null },
  });
  expect(unseen).toEqual([
    expect.stringContaining("consumers: the node keeps no statistics (GET /api/consumers/"),
  ]);
});

test("where RabbitMQ can't list the bindings, what may be the cause is said", async ({ vhost }) => {
  const client = await openClient(vhost.url);
  await client.channel.assertExchange("x", "headers");
  await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
  await client.channel.bindQueue("q", "x", "a~b", { n: 1 });
  await client.close();
  await expect(look({ vhost })).rejects.toMatchObject({
    code: "management-failed",
    message: expect.stringMatching(/answers GET \S+ with 500 \(it can't list a binding that has/),
  });
});
