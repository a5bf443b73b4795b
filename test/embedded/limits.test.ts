/** Clients that do not read: what the broker keeps for them, and for how long. */
import { once } from "node:events";

import { setTimeout as delay } from "node:timers/promises";
import type { ChannelModel } from "amqplib";
import { frame, method, NO_TABLE, short, u8, u16 } from "../conformance/wire.ts";
import { waitFor } from "../support/wait-for.ts";
import { end, flood, openSocket } from "./sockets.ts";
import { expect, MIB, test } from "./test.ts";

const QUEUE = "q";
const declare = method(1, [50, 10], u16(0), short(QUEUE), u8(0), NO_TABLE);
const get = method(1, [60, 70], u16(0), short(QUEUE), u8(1));
const publish = method(1, [60, 40], u16(0), short(""), short(QUEUE), u8(0));
const consume = method(1, [60, 20], u16(0), short(QUEUE), short("tag"), u8(2), NO_TABLE);

/** Publishes messages of a MiB each, one after the other. */
async function fill(model: ChannelModel, queue: string, count: number): Promise<void> {
  const channel = await model.createConfirmChannel();
  await channel.assertQueue(queue);
  for (let sent = 0; sent < count; sent++) {
    channel.sendToQueue(queue, Buffer.alloc(MIB, sent));
    await channel.waitForConfirms();
  }
  await channel.close();
}

test("who consumes and does not read holds up nobody, and gets it all once it reads", async ({
  start,
  connect,
}) => {
  const broker = await start(512 * MIB);
  const model = await connect(broker);
  const channel = await model.createChannel();
  await channel.assertQueue(QUEUE);
  const socket = await openSocket(broker.port);
  socket.pause();
  socket.write(consume);
  await fill(model, QUEUE, 200);
  const { peakBytes } = await broker.measure();
  const { messageCount } = await channel.checkQueue(QUEUE);
  expect(messageCount).toBeGreaterThan(180);
  expect(peakBytes).toBeLessThan(450 * MIB);
  let read = 0;
  socket.on("data", (chunk) => {
    read += chunk.length;
  });
  socket.resume();
  await waitFor((seen) => seen(read) > 200 * MIB, { what: "all to be read" });
  await end(socket);
  await waitFor(async (seen) => seen((await broker.measure()).usedBytes) < 50 * MIB, {
    what: "what was read to be forgotten",
  });
});

test("who asks and does not read is not answered without end", async ({ start, connect }) => {
  const broker = await start(512 * MIB);
  const model = await connect(broker);
  await fill(model, QUEUE, 100);
  const before = await broker.measure();
  for (const [question, times] of [
    [get, 100_000],
    [declare, 1_000_000],
  ] as const) {
    const socket = await openSocket(broker.port);
    socket.pause();
    const asked = flood(socket, question, times);
    await Promise.race([asked, delay(2_000)]);
    const { peakBytes } = await broker.measure();
    expect(peakBytes - before.peakBytes).toBeLessThan(80 * MIB);
    await end(socket);
    await asked;
  }
});

test("answers to who does not read are kept like messages, and sent when it does", async ({
  start,
  connect,
}) => {
  const broker = await start(64 * MIB);
  const model = await connect(broker);
  const channel = await model.createChannel();
  const { queue } = await channel.assertQueue(QUEUE);
  const [replyTo, onlyReplyTo] = [short("amq.rabbitmq.reply-to"), u16(0x0200)];
  const asking = await openSocket(broker.port);
  asking.write(method(1, [60, 20], u16(0), replyTo, short("tag"), u8(2), NO_TABLE));
  const question = frame(2, 1, u16(60), u16(0), Buffer.alloc(8), onlyReplyTo, replyTo);
  asking.write(Buffer.concat([publish, question]));
  const asked = await waitFor(async () => await channel.get(queue), { what: "the question" });
  asking.pause();
  const blocked = once(model, "blocked");
  for (let sent = 0; sent < 100; sent++) {
    channel.sendToQueue(asked.properties.replyTo, Buffer.alloc(MIB));
  }
  await blocked;
  const { peakBytes } = await broker.measure();
  expect(peakBytes).toBeLessThan(300 * MIB);
  let read = 0;
  asking.on("data", (chunk) => {
    read += chunk.length;
  });
  asking.resume();
  await waitFor((seen) => seen(read) > 100 * MIB, { what: "all answers" });
  await end(asking);
});
