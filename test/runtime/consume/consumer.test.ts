import { connectBroker } from "../../../src/connect.ts";
import { QueueConsumer } from "../../../src/runtime/consume/consumer.ts";
import { createClaims } from "../../../src/runtime/idempotency/claims.ts";
import { Keys } from "../../../src/runtime/idempotency/keys.ts";
import { Trace } from "../../../src/runtime/trace.ts";
import { expect, test } from "../../support/test.ts";
import { topologyOf } from "../../support/topology.ts";
import { nothing } from "../jobs.ts";

test("a consumer that ends while its channel is opened consumes nothing", async ({
  vhost,
  proxy,
  client,
}) => {
  const { queue } = topologyOf({ exchanges: {}, queues: { queue: {} } }).queues;
  if (!queue) throw new Error("there is no queue");
  await client.channel.assertQueue("queue");
  const topology = topologyOf({ exchanges: {} });
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const once = {
    claims: createClaims(topology, { onChange: nothing, log }),
    keys: new Keys(() => topology),
  };
  const consumer = new QueueConsumer({
    queue,
    bindingsOf: () => [],
    project: "test",
    publisher: { publish: () => Promise.reject(new Error("it publishes nothing")) },
    onReplyDropped: () => undefined,
    onRequestExpired: () => undefined,
    repair: async () => undefined,
    trace: new Trace(),
    log,
    deliver: nothing,
    once,
    nextId: () => 1,
    onLost: nothing,
  });
  const url = proxy.url(vhost.url);
  const addresses = [{ url, shown: url }];
  const connection = await connectBroker({ addresses, heartbeatMs: 10_000, name: "test" });
  proxy.stall();
  const subscribing = consumer.subscribe(connection);
  expect(await consumer.drain(1_000)).toBe(true);
  proxy.resume();
  await subscribing;
  expect(await vhost.queueCounts("queue")).toEqual({ ready: 0, consumers: 0 });
  expect(consumer.state).toBe("stopped");
  await connection.close();
});
