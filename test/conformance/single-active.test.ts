import { conforms } from "./case.ts";
import type { Consumer, Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs } from "./observe.ts";
import { each, type Peer } from "./peers.ts";
import { changed } from "./versions.ts";

type Active = { readonly client: Client; readonly channel: Recorded };

async function declare(peer: Peer, type: string): Promise<Active> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q", single(type));
  return { client, channel };
}

const seen = (...consumers: readonly Consumer[]) =>
  consumers.map(({ messages }) => briefs(messages));

for (const type of ["classic", "quorum"]) {
  conforms(
    `the first consumer of a ${type} queue with a single active one has it all`,
    async (peer) => {
      const { client, channel } = await declare(peer, type);
      const [first, second] = [await channel.consume("q"), await channel.consume("q")];
      await channel.fill("q", ["1", "2", "3"]);
      await first.until(3);
      await client.quiet();
      return { seen: seen(first, second), counts: await channel.raw.checkQueue("q") };
    },
  );

  conforms(
    `the next consumer of a ${type} queue takes over when the active one's channel ends`,
    async (peer) => {
      const { client, channel } = await declare(peer, type);
      const [one, two] = [await client.channel(), await client.channel()];
      await one.raw.prefetch(2);
      const first = await one.consume("q");
      const second = await two.consume("q");
      const third = await channel.consume("q");
      await channel.fill("q", ["1", "2", "3", "4"]);
      await first.until(2);
      await one.close();
      await second.until(4);
      await two.close();
      await third.until(4);
      await client.quiet();
      return seen(first, second, third);
    },
  );

  conforms(
    `the next consumer of a ${type} queue takes over when the active one is cancelled`,
    async (peer) => {
      const { client, channel } = await declare(peer, type);
      await channel.raw.prefetch(10);
      const [first, second] = [await channel.consume("q"), await channel.consume("q")];
      await channel.fill("q", ["1", "2"]);
      await first.until(2);
      channel.raw.ack(await first.nth(2), true);
      await channel.raw.cancel(first.tag);
      await channel.fill("q", ["3", "4"]);
      await second.until(2);
      await client.quiet();
      return seen(first, second);
    },
  );

  conforms(`what comes back to a ${type} queue goes to the active consumer alone`, async (peer) => {
    const { client, channel } = await declare(peer, type);
    const [first, second] = [await channel.consume("q"), await channel.consume("q")];
    await channel.fill("q", ["1", "2"]);
    channel.raw.nack(await first.nth(1));
    await first.until(3);
    await client.quiet();
    return seen(first, second);
  });

  conforms(
    `a ${type} queue with a single active consumer treats exclusive ones as any other queue`,
    (peer) =>
      peer.answers({
        make: (ch) => ch.assertQueue("q", single(type)),
        ...each({ exclusive: true, shared: false }, (exclusive) => async (_, { consume }) => {
          await consume("q", { exclusive, consumerTag: "one" });
          return (await consume("q", { exclusive, consumerTag: "two" })).tag;
        }),
      }),
  );
}

function single(type: string) {
  return { arguments: { "x-queue-type": type, "x-single-active-consumer": true } };
}

conforms("a get from a classic queue with a single active consumer is as any other", (peer) =>
  peer.answers({
    make: async (ch, { fill }) => {
      await ch.assertQueue("q", single("classic"));
      return await fill("q", ["1"]);
    },
    get: async (_, { take }) => briefs([await take("q")]),
    "beside a consumer": async (ch, { consume }) => {
      await consume("q");
      return await ch.get("q");
    },
  }),
);

const lockedFor = (type: string) =>
  `channel 405 RESOURCE_LOCKED - cannot obtain access to locked queue 'q' in vhost '<vhost>'. basic.get operations are not supported by ${type} queues with single active consumer (60.70)`;

conforms(
  "a quorum queue with a single active consumer is not got from",
  (peer) =>
    peer.answers({
      make: async (ch, { fill }) => {
        await ch.assertQueue("q", single("quorum"));
        return await fill("q", ["1"]);
      },
      get: (ch) => ch.get("q"),
    }),
  {
    older: [
      changed(
        "4.3.0",
        "the text was another",
        { get: lockedFor('<<"quorum">>') },
        { get: lockedFor("quorum") },
      ),
    ],
  },
);
