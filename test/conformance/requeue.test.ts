import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs, type Message } from "./observe.ts";
import type { Peer } from "./peers.ts";

// With a limit, since without one a quorum queue of 3.x puts at its end what comes back.
const QUEUES: Readonly<Record<string, object>> = {
  classic: { "x-queue-type": "classic" },
  quorum: { "x-queue-type": "quorum", "x-delivery-limit": 20 },
};

type Held = {
  readonly client: Client;
  readonly channel: Recorded;
  readonly held: readonly Message[];
};

/** A queue of 1 to 6, of which the first four are held by get. */
async function holdFour(peer: Peer, type: string): Promise<Held> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q", { arguments: QUEUES[type] });
  await channel.fill("q", ["1", "2", "3", "4", "5", "6"]);
  const held = [];
  for (let count = 0; count < 4; count++) held.push(await channel.take("q"));
  return { client, channel, held };
}

const WAYS: Readonly<Record<string, (held: Held) => Promise<void> | void>> = {
  "nack one": ({ channel, held }) => held.slice(1, 2).forEach((one) => void channel.raw.nack(one)),
  "nack in order": ({ channel, held }) => held.forEach((one) => void channel.raw.nack(one)),
  "nack from the end": ({ channel, held }) =>
    [...held].reverse().forEach((one) => void channel.raw.nack(one)),
  "nack all": ({ channel }) => channel.raw.nackAll(),
  "reject one": ({ channel, held }) =>
    held.slice(2, 3).forEach((one) => void channel.raw.reject(one)),
  "reject from the end": ({ channel, held }) =>
    [...held].reverse().forEach((one) => void channel.raw.reject(one)),
  recover: async ({ channel }) => void (await channel.raw.recover()),
  "channel close": ({ channel }) => channel.close(),
};

for (const type of Object.keys(QUEUES)) {
  for (const [way, giveBack] of Object.entries(WAYS)) {
    conforms(`a ${type} queue has its order for what comes back by ${way}`, async (peer) => {
      const all = await holdFour(peer, type);
      await giveBack(all);
      await all.client.quiet();
      const counts = await all.client.answer((ch) => ch.checkQueue("q"));
      return { counts, order: briefs(await all.client.drain("q")) };
    });
  }

  conforms(
    `a ${type} queue has its order for what comes back by a connection that is cut`,
    async (peer) => {
      const { client } = await holdFour(peer, type);
      client.cut();
      const other = await peer.connect();
      await other.until("q", 6);
      return briefs(await other.drain("q"));
    },
  );

  conforms(`what a ${type} queue gets while others are held comes after them`, async (peer) => {
    const { client, channel, held } = await holdFour(peer, type);
    await channel.fill("q", ["7"]);
    held.slice(0, 2).forEach((one) => void channel.raw.nack(one));
    await client.until("q", 5);
    await channel.fill("q", ["8"]);
    return briefs(await client.drain("q"));
  });

  conforms(
    `a ${type} queue gives a message back to the consumer that gave it back`,
    async (peer) => {
      const client = await peer.connect();
      const { raw, consume, fill } = await client.channel();
      await raw.assertQueue("q", { arguments: QUEUES[type] });
      await raw.prefetch(2);
      const consumer = await consume("q");
      await fill("q", ["1", "2", "3"]);
      raw.nack(await consumer.nth(1));
      await consumer.until(3);
      raw.ack(await consumer.nth(2));
      await consumer.until(4);
      await client.quiet();
      return briefs(consumer.messages);
    },
  );
}
