import { readdirSync } from "node:fs";
import { closeChannel, withDeadline } from "../src/broker-connection.ts";
import { connectBroker } from "../src/connect.ts";
import { expect, test } from "./support/test.ts";
import { waitFor } from "./support/wait-for.ts";

const optionsFor = (url: string, heartbeatMs = 60_000) => ({
  addresses: [{ url, shown: "amqp://shown" }],
  heartbeatMs,
  name: "test",
});

const openFiles = () => readdirSync("/proc/self/fd").length;

test("every call to a frozen broker has a deadline, and then the socket is destroyed", async ({
  vhost,
  proxy,
}) => {
  const open = () => connectBroker(optionsFor(proxy.url(vhost.url)));
  const connections = await Promise.all([open(), open(), open(), open()]);
  const [opening, closing, asking, ending] = connections;
  const [channel, other] = [await closing.createChannel(), await asking.createChannel()];
  proxy.stall();
  const began = performance.now();
  const ask = withDeadline(other.checkQueue("q"), "find queue q", asking.destroy);
  const outcomes = await Promise.allSettled([
    opening.createChannel(),
    closeChannel(channel, closing),
    ask,
    ending.close(),
  ]);
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(outcomes.map(({ status }) => status)).toEqual([
    "rejected",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(outcomes[0]).toMatchObject({
    reason: { message: 'no answer to "open a channel" within 10000 ms', code: "ETIMEDOUT" },
  });
  await Promise.all(connections.map(({ ended }) => ended));
  await waitFor((seen) => seen(proxy.connections) === 0, { what: "the sockets to be gone" });
});

test("20 connections in a black hole end within two heartbeats and leave no socket", async ({
  vhost,
  proxy,
}) => {
  const before = openFiles();
  const connections = await Promise.all(
    Array.from({ length: 20 }, () => connectBroker(optionsFor(proxy.url(vhost.url), 2_000))),
  );
  // Idle for longer than two heartbeats: the broker's own keep them up.
  const first = await Promise.race([
    Promise.race(connections.map(({ ended }) => ended)),
    new Promise((resolve) => setTimeout(resolve, 6_000, "all up")),
  ]);
  expect(first).toBe("all up");
  proxy.blackhole();
  const began = performance.now();
  const reasons = await Promise.all(connections.map(({ ended }) => ended));
  // Two heartbeats are 4 s.
  expect(performance.now() - began).toBeLessThan(9_000);
  for (const { message } of reasons) {
    expect(message).toMatch(/^(no sign of life for 4 s, two heartbeats|Heartbeat timeout)$/);
  }
  proxy.cut();
  await waitFor((seen) => seen(openFiles()) <= before, { what: "as many open files as before" });
});

test("an error of a channel with a backlog ends that channel alone", async ({
  vhost,
  client,
  proxy,
}) => {
  await client.channel.assertQueue("q", { durable: true });
  const connection = await connectBroker(optionsFor(proxy.url(vhost.url)));
  const [guilty, innocent] = [
    await connection.createConfirmChannel(),
    await connection.createConfirmChannel(),
  ];
  // What follows the message that the broker refuses is still on its way when it does so.
  proxy.dribble(4_000_000);
  const body = Buffer.alloc(100_000);
  const closed = new Promise((resolve) => guilty.once("close", resolve));
  guilty.publish("no-such-exchange", "x", body);
  for (let n = 0; n < 100; n++) guilty.publish("", "q", body);
  for (let n = 0; n < 5; n++) innocent.publish("", "q", body);
  await closed;
  const next = await connection.createConfirmChannel();
  next.publish("", "q", body);
  await Promise.all([next.waitForConfirms(), innocent.waitForConfirms()]);
  // The innocent five, the one of the next channel, and nothing of the guilty one.
  expect(await vhost.queueCounts("q")).toEqual({ ready: 6, consumers: 0 });
  await connection.close();
});
