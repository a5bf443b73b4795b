import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs, whole } from "./observe.ts";
import type { Peer } from "./peers.ts";

const TYPES = ["classic", "quorum"];

async function declare(peer: Peer, args: object): Promise<{ client: Client; channel: Recorded }> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q", { arguments: args });
  return { client, channel };
}

/** Whether the messages of the queue were gone after a time that is near what was wanted. */
async function goneWithin(client: Client, wantedMs: number): Promise<string> {
  const began = performance.now();
  await client.until("q", 0);
  const ms = performance.now() - began;
  if (ms < wantedMs * 0.8 - 20) return `gone too early: ${ms} of ${wantedMs} ms`;
  return ms > wantedMs * 3 + 500 ? `gone too late: ${ms} of ${wantedMs} ms` : "gone in time";
}

for (const type of TYPES) {
  const own = { "x-queue-type": type };

  conforms(`messages of a ${type} queue expire after its ttl, nobody asking`, async (peer) => {
    const { client, channel } = await declare(peer, { ...own, "x-message-ttl": 300 });
    await channel.fill("q", ["1", "2"]);
    return await goneWithin(client, 300);
  });

  conforms(`a message of a ${type} queue expires by itself`, async (peer) => {
    const { client, channel } = await declare(peer, own);
    await channel.fill("q", ["1"], { expiration: "300" });
    return await goneWithin(client, 300);
  });

  conforms(`the smaller of both times counts in a ${type} queue`, async (peer) => {
    const { client, channel } = await declare(peer, { ...own, "x-message-ttl": 300 });
    await channel.fill("q", ["1"], { expiration: "60000" });
    const ofQueue = await goneWithin(client, 300);
    await channel.raw.deleteQueue("q");
    await channel.raw.assertQueue("q", { arguments: { ...own, "x-message-ttl": 60_000 } });
    await channel.fill("q", ["1"], { expiration: "300" });
    return { ofQueue, ofMessage: await goneWithin(client, 300) };
  });

  conforms(
    `an expiration in a ${type} queue is told to the consumer as it was published`,
    async (peer) => {
      const { channel } = await declare(peer, { ...own, "x-message-ttl": 60_000 });
      await channel.fill("q", ["1"], { expiration: "70000" });
      const { deliveryTag: _, ...message } = whole(await channel.take("q"));
      return { ...message, headers: undefined };
    },
  );

  conforms(`only the head of a ${type} queue expires`, async (peer) => {
    const { client, channel } = await declare(peer, own);
    await channel.fill("q", ["1"], { expiration: "500" });
    await channel.fill("q", ["2", "3"], { expiration: "1" });
    await channel.fill("q", ["4"]);
    await client.quiet();
    const before = await channel.raw.checkQueue("q");
    await client.until("q", 1);
    return { before, left: briefs(await client.drain("q")) };
  });

  conforms(
    `a message of a ${type} queue that is held does not expire, until it comes back`,
    async (peer) => {
      const { client, channel } = await declare(peer, { ...own, "x-message-ttl": 100 });
      await channel.fill("q", ["1", "2"]);
      const held = await channel.take("q");
      await client.until("q", 0);
      channel.raw.nack(held);
      await client.until("q", 0);
      return briefs(await client.drain("q"));
    },
  );

  conforms(`with a time of 0 a ${type} queue has what a consumer takes at once`, async (peer) => {
    const { client, channel } = await declare(peer, { ...own, "x-message-ttl": 0 });
    const unseen = await channel.fill("q", ["1", "2"]);
    await client.until("q", 0);
    await channel.raw.prefetch(1);
    const consumer = await channel.consume("q");
    await channel.fill("q", ["3"]);
    await consumer.until(1);
    await channel.fill("q", ["4", "5"]);
    await client.quiet();
    channel.raw.ack(await consumer.nth(1));
    await channel.fill("q", ["6"]);
    await consumer.until(2);
    return { unseen, messages: briefs(consumer.messages) };
  });

  conforms(
    `with an expiration of 0 a message of a ${type} queue is for a consumer that waits`,
    async (peer) => {
      const { client, channel } = await declare(peer, own);
      const outcome = await channel.publish("", "q", "1", { expiration: "0", mandatory: true });
      await client.until("q", 0);
      const consumer = await channel.consume("q");
      await channel.publish("", "q", "2", { expiration: "0" });
      await consumer.until(1);
      return { outcome, messages: briefs(consumer.messages) };
    },
  );
}
