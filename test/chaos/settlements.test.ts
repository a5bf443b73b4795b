import amqplib from "amqplib";
import { SettlementLedger } from "../../chaos/settlements.ts";
import { openClient } from "../support/client.ts";
import { startProxy } from "../support/proxy.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";

const tapped = test.extend<{ line: { ledger: SettlementLedger; url: string; cut: () => void } }>({
  line: async ({ vhost, client }, use) => {
    await client.channel.assertExchange("x", "topic");
    await client.channel.assertQueue("q");
    await client.channel.bindQueue("q", "x", "a.#");
    const ledger = new SettlementLedger();
    const proxy = await startProxy(Number(new URL(vhost.url).port || 5672), {
      openTap: ledger.openTap,
    });
    await use({ ledger, url: proxy.url(vhost.url), cut: proxy.cut });
    await proxy.close();
  },
});

tapped("publishes are known with their ids, confirms and returns", async ({ line }) => {
  const client = await openClient(line.url);
  const properties = { contentType: "a/b", headers: { h: [1, { t: true }] }, priority: 3 };
  await client.publish("x", "a.1", "one", { ...properties, messageId: "m1", expiration: "9000" });
  await client.publish("x", "nowhere", "two", { messageId: "m2", correlationId: "c" });
  await client.publish("x", "a.3", "three".repeat(60_000));
  await client.close();
  const published = { exchange: "x", at: expect.any(Number), confirmedAt: expect.any(Number) };
  expect(line.ledger.publishings).toEqual([
    { ...published, id: "m1", key: "a.1", wasReturned: false },
    { ...published, id: "m2", key: "nowhere", wasReturned: true },
    { ...published, id: "", key: "a.3", wasReturned: false },
  ]);
  expect(line.ledger.closes).toEqual({ "connection 200 by the runner": 1 });
});

tapped(
  "deliveries are known with what settled them, and how their channel ended",
  async ({ line, client }) => {
    for (const messageId of ["m1", "m2", "m3", "m4", "m5"]) {
      await client.publish("x", "a", messageId, { messageId });
    }
    const consumer = await openClient(line.url);
    const messages: { fields: { deliveryTag: number } }[] = [];
    await consumer.channel.consume("q", (message) => message && messages.push(message));
    await waitFor(() => messages.length === 5, { what: "five deliveries" });
    const [first, second, third, fourth] = messages as Parameters<typeof consumer.channel.ack>[0][];
    if (!first || !second || !third || !fourth) throw new Error("they are there");
    consumer.channel.ack(second, true);
    consumer.channel.nack(third, false, false);
    consumer.channel.reject(fourth, false);
    await waitFor(() => line.ledger.deliveries[3]?.settled, { what: "the last of them" });
    line.cut();
    await waitFor(() => line.ledger.deliveries[0]?.channel.end, { what: "the end of the channel" });
    expect(
      line.ledger.deliveries.map(({ id, queue, redelivered, settled, channel }) => [
        id,
        queue,
        redelivered,
        settled?.as,
        channel.end?.isOrderly,
      ]),
    ).toEqual([
      ["m1", "q", false, "ack", false],
      ["m2", "q", false, "ack", false],
      ["m3", "q", false, "nack", false],
      ["m4", "q", false, "nack", false],
      ["m5", "q", false, undefined, false],
    ]);
    expect(line.ledger.strayAcks).toEqual([]);
  },
);

tapped(
  "an ack of a tag that is not open is a stray one, and the broker's close is counted",
  async ({ line }) => {
    const client = await openClient(line.url);
    client.channel.ack({ fields: { deliveryTag: 7 } } as Parameters<typeof client.channel.ack>[0]);
    await waitFor(() => line.ledger.closes["channel 406"] === 1, { what: "the channel's close" });
    await client.close();
    expect(line.ledger.strayAcks).toEqual([{ at: expect.any(Number), tag: 7 }]);
    const text = "PRECONDITION_FAILED - unknown delivery tag 7";
    expect(line.ledger.blamedCloses).toEqual([{ code: 406, text }]);
  },
);

tapped("a declaration that differs is a close that nobody is blamed for", async ({ line }) => {
  const client = await openClient(line.url);
  await client.channel.assertQueue("q", { durable: false }).catch(() => undefined);
  await client.close();
  expect(line.ledger.closes).toMatchObject({ "channel 406": 1 });
  expect(line.ledger.blamedCloses).toEqual([]);
});

tapped(
  "a connection that is closed before its channel, with deliveries open, is a hasty one",
  async ({ line, client }) => {
    for (const messageId of ["m1", "m2"]) await client.publish("x", "a", messageId, { messageId });
    const orderly = await consumeTwo(line.url);
    await orderly.channel.close();
    await orderly.model.close();
    expect(line.ledger.hastyCloses).toEqual([]);
    const hasty = await consumeTwo(line.url);
    await hasty.model.close();
    expect(line.ledger.hastyCloses).toEqual([{ queue: "q", open: 2 }]);
  },
);

async function consumeTwo(url: string) {
  const model = await amqplib.connect(url);
  const channel = await model.createChannel();
  let count = 0;
  await channel.consume("q", () => void count++);
  await waitFor(() => count === 2, { what: "two deliveries" });
  return { model, channel };
}
