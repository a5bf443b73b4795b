/** What the broker keeps at most, and who has to wait when it is full: as RabbitMQ's memory alarm. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { ChannelModel, ConfirmChannel } from "amqplib";
import {
  body,
  channelOpen,
  frame,
  HEADER,
  header,
  method,
  NO_TABLE,
  open,
  openWire,
  short,
  startOk,
  tuneOk,
  u8,
  u16,
} from "../conformance/wire.ts";
import { waitFor } from "../support/wait-for.ts";
import { end, flood, openSocket } from "./sockets.ts";
import { expect, MIB, test } from "./test.ts";

const QUEUE = "q";
const declare = method(1, [50, 10], u16(0), short(QUEUE), u8(0), NO_TABLE);
const publish = method(1, [60, 40], u16(0), short(""), short(QUEUE), u8(0));
/** A message of 100 KiB. */
const large = Buffer.concat([publish, header(1, 102_400), body(1, "x".repeat(102_400))]);

/** Publishes to a queue until it has to wait. */
async function publishUntilBlocked(model: ChannelModel): Promise<ConfirmChannel> {
  const channel = await model.createConfirmChannel();
  await channel.assertQueue(QUEUE);
  let isBlocked = false;
  model.once("blocked", () => {
    isBlocked = true;
  });
  const blocked = once(model, "blocked");
  while (!isBlocked) {
    channel.sendToQueue(QUEUE, Buffer.alloc(MIB));
    await Promise.race([channel.waitForConfirms(), blocked]);
  }
  return channel;
}

test("a publisher waits while too much is kept, is told so, and goes on when it may", async ({
  start,
  connect,
}) => {
  const broker = await start(8 * MIB);
  const [publisher, other] = [await connect(broker), await connect(broker)];
  const channel = await publisher.createConfirmChannel();
  await channel.assertQueue(QUEUE);
  const blocked = once(publisher, "blocked");
  const unblocked = once(publisher, "unblocked");
  for (let sent = 0; sent < 20; sent++) channel.sendToQueue(QUEUE, Buffer.alloc(MIB));
  expect(await blocked).toEqual(["low on memory"]);
  const reader = await other.createChannel();
  expect(await reader.checkQueue(QUEUE)).toMatchObject({ messageCount: 8 });
  const tags: number[] = [];
  await reader.consume(QUEUE, (message) => {
    if (!message) return;
    tags.push(message.fields.deliveryTag);
    reader.ack(message);
  });
  await unblocked;
  await channel.waitForConfirms();
  await waitFor((seen) => seen(tags.length) === 20, { what: "all to be taken" });
});

for (const [what, free] of Object.entries({
  purged: (channel: ConfirmChannel) => channel.purgeQueue(QUEUE),
  deleted: (channel: ConfirmChannel) => channel.deleteQueue(QUEUE),
})) {
  test(`a publisher goes on when the queue that is too long is ${what}`, async ({
    start,
    connect,
  }) => {
    const broker = await start(4 * MIB);
    const [publisher, other] = [await connect(broker), await connect(broker)];
    await publishUntilBlocked(publisher);
    const unblocked = once(publisher, "unblocked");
    await free(await other.createConfirmChannel());
    await unblocked;
  });
}

test("unacked messages count until they are settled, also those of a queue that is gone", async ({
  start,
  connect,
}) => {
  const broker = await start(4 * MIB);
  const [publisher, other] = [await connect(broker), await connect(broker)];
  await publishUntilBlocked(publisher);
  const reader = await other.createChannel();
  let taken = 0;
  await reader.consume(QUEUE, () => {
    taken++;
  });
  await waitFor((seen) => seen(taken) === 4, { what: "all to be delivered" });
  let isBlocked = true;
  const unblocked = once(publisher, "unblocked").then(() => {
    isBlocked = false;
  });
  const third = await (await connect(broker)).createChannel();
  await third.deleteQueue(QUEUE);
  await third.assertQueue("other");
  expect(isBlocked).toBe(true);
  await reader.close();
  await unblocked;
});

test("a stream counts what it keeps", async ({ start, connect }) => {
  const broker = await start(4 * MIB);
  const publisher = await connect(broker);
  const channel = await publisher.createConfirmChannel();
  await channel.assertQueue("stream", { arguments: { "x-queue-type": "stream" } });
  const blocked = once(publisher, "blocked");
  for (let sent = 0; sent < 8; sent++) channel.sendToQueue("stream", Buffer.alloc(MIB));
  await blocked;
  const unblocked = once(publisher, "unblocked");
  await (await (await connect(broker)).createChannel()).deleteQueue("stream");
  await unblocked;
});

test("who can't be told waits as well, and who does not publish does not", async ({ start }) => {
  const broker = await start(MIB);
  const url = `${broker.url}/%2F`;
  const [publisher, other] = [await openWire(url), await openWire(url)];
  publisher.send(
    declare,
    ...Array(20).fill(large),
    method(1, [20, 40], u16(200), short(""), u16(0), u16(0)),
  );
  expect(await publisher.until(/./)).toEqual(["1 50.11"]);
  other.send(method(1, [50, 30], u16(0), short(QUEUE), u8(0)));
  expect(await other.until(/^1 50\.31$/)).toEqual(["1 50.31"]);
  expect(await publisher.until(/./)).toEqual(["1 20.41"]);
  publisher.close();
  other.close();
});

test("who waits is not taken for dead", async ({ start }) => {
  const broker = await start(MIB);
  const url = `${broker.url}/%2F`;
  const publisher = await openWire(url, { handshake: false });
  publisher.send(HEADER, startOk(), tuneOk(2_047, 131_072, 1), open("/"), channelOpen(1), declare);
  await publisher.until(/^1 50\.11$/);
  publisher.send(...Array(20).fill(large));
  await delay(4_000);
  const other = await openWire(url);
  other.send(method(1, [50, 40], u16(0), short(QUEUE), u8(0)));
  await other.until(/^1 50\.41$/);
  publisher.send(frame(8, 0), channelOpen(2));
  expect(await publisher.until(/^2 20\.11$/)).toContain("2 20.11");
  publisher.close();
  other.close();
});

test("many small messages take no more memory than large ones", async ({ start }) => {
  const broker = await start(64 * MIB);
  const before = await broker.measure();
  const socket = await openSocket(broker.port);
  socket.write(declare);
  const empty = Buffer.concat([publish, header(1, 0)]);
  const flooded = flood(socket, empty, 1_000_000);
  await waitFor(
    async (seen) => {
      const { usedBytes } = await broker.measure();
      await delay(500);
      return seen(usedBytes) === (await broker.measure()).usedBytes;
    },
    { what: "the flood to come to a stop" },
  );
  const { usedBytes } = await broker.measure();
  expect(usedBytes - before.usedBytes).toBeLessThan(80 * MIB);
  await end(socket);
  await flooded;
});
