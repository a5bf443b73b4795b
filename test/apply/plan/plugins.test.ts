import { afterAll, beforeAll, expect, test } from "vitest";
import { applyTopology } from "../../../src/apply/change/apply.ts";
import { openClient } from "../../support/client.ts";
import { type RabbitNode, startNode } from "../../support/node.ts";
import type { ShortTopology } from "../../support/topology.ts";
import { differences, topologiesFor, vhostOf } from "./on-broker.ts";

const plugins = [
  "rabbitmq_management",
  "rabbitmq_consistent_hash_exchange",
  "rabbitmq_jms_topic_exchange",
  "rabbitmq_random_exchange",
  "rabbitmq_recent_history_exchange",
  "rabbitmq_sharding",
];
let node: RabbitNode;

beforeAll(async () => {
  node = await startNode({ plugins });
});
afterAll(() => node.stop());

const classic = { arguments: { "x-queue-type": "classic" } } as const;

test("once applied, the plan of plugins' exchanges is empty, in both ways", async () => {
  const { managed, overAmqp } = topologiesFor(vhostOf(node), {
    exchanges: {
      keys: { type: "x-consistent-hash" },
      headers: { type: "x-consistent-hash", arguments: { "hash-header": "customer" } },
      ids: { type: "x-consistent-hash", arguments: { "hash-property": "message_id" } },
      random: { type: "x-random" },
      history: { type: "x-recent-history", arguments: { "x-recent-history-length": 5 } },
      modulus: { type: "x-modulus-hash" },
      jms: { type: "x-jms-topic" },
    },
    queues: { kept: classic, other: classic },
    bindings: [
      ["keys", "kept", "1"],
      ["keys", "other", "20"],
      ["headers", "kept", "1"],
      ["random", "kept"],
      ["history", "kept"],
      ["modulus", "kept"],
    ],
  });
  expect((await applyTopology(managed)).isDone).toBe(true);
  expect(await differences(managed, overAmqp)).toEqual([]);
});

test("a broker ignores a second weight, and forgets the destination with the first", async () => {
  const client = await openClient(node.amqpUrl);
  await client.channel.assertExchange("raw", "x-consistent-hash");
  await client.channel.assertQueue("raw");
  await client.channel.bindQueue("raw", "raw", "1");
  await client.channel.bindQueue("raw", "raw", "3");
  await client.channel.unbindQueue("raw", "raw", "1");
  expect(await client.publish("raw", "key", {})).toEqual({ routed: false });
  await client.close();
});

test("so another weight is in force once it is applied: the one before was unbound first", async () => {
  const weighed = (weight: string): ShortTopology => ({
    exchanges: { hash: { type: "x-consistent-hash" } },
    queues: { a: classic, b: classic },
    bindings: [
      ["hash", "a", weight],
      ["hash", "b", "1"],
    ],
  });
  await applyTopology(topologiesFor(vhostOf(node), weighed("1")).managed);
  const { managed } = topologiesFor(vhostOf(node), weighed("3"));
  expect((await differences(managed)).slice(0, 2)).toMatchObject([
    { action: "unbind", name: "hash -> a  1" },
    { action: "bind", name: "hash -> a  3" },
  ]);
  await applyTopology(managed);
  expect((await differences(managed)).filter(({ kind }) => kind === "binding")).toEqual([]);

  const client = await openClient(node.amqpUrl);
  for (let index = 0; index < 200; index++) await client.publish("hash", `key ${index}`, {});
  const a = (await client.queueCounts("a"))?.ready ?? 0;
  const b = (await client.queueCounts("b"))?.ready ?? 0;
  await client.close();
  expect(a + b).toBe(200);
  // Three of four.
  expect(a).toBeGreaterThan(110);
  expect(b).toBeGreaterThan(10);
});
