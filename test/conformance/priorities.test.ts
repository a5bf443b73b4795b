import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed } from "./versions.ts";

type Prior = { readonly client: Client; readonly channel: Recorded };

async function declare(peer: Peer, args: object): Promise<Prior> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q", { arguments: args });
  return { client, channel };
}

async function publish(channel: Recorded, priorities: readonly (number | undefined)[]) {
  for (const [at, priority] of priorities.entries()) {
    const body = `${at + 1}:${priority ?? "none"}`;
    await channel.publish("", "q", body, priority === undefined ? {} : { priority });
  }
}

const MIXED = [0, 5, undefined, 9, 1, 5, 255, 3, 10, undefined, 9, 4];

conforms(
  "a classic queue with priorities gives the highest first, up to its own highest",
  async (peer) => {
    const { client, channel } = await declare(peer, { "x-max-priority": 9 });
    await publish(channel, MIXED);
    const counts = await channel.raw.checkQueue("q");
    return { counts, order: briefs(await client.drain("q")) };
  },
);

conforms("a classic queue without priorities does not look at them", async (peer) => {
  const { client, channel } = await declare(peer, {});
  await publish(channel, MIXED);
  return briefs(await client.drain("q"));
});

conforms(
  "a classic queue with a highest priority of 0 knows none and some",
  async (peer) => {
    const { client, channel } = await declare(peer, { "x-max-priority": 0 });
    await publish(channel, [0, 5, undefined, 9, 1]);
    return briefs(await client.drain("q"));
  },
  {
    older: [
      changed(
        "4.0.0",
        "it had one priority",
        "2:5, 4:9, 5:1, 1:0, 3:none",
        "1:0, 2:5, 3:none, 4:9, 5:1",
      ),
    ],
  },
);

conforms("what comes back to a classic queue with priorities has its old place", async (peer) => {
  const { client, channel } = await declare(peer, { "x-max-priority": 9 });
  await publish(channel, [1, 5, 1, 5]);
  const held = [await channel.take("q"), await channel.take("q"), await channel.take("q")];
  await publish(channel, [5, 1, 9]);
  for (const message of held) channel.raw.nack(message);
  await client.until("q", 7);
  return briefs(await client.drain("q"));
});

conforms(
  "a classic queue with priorities and a length drops its head, the highest",
  async (peer) => {
    const { client, channel } = await declare(peer, { "x-max-priority": 9, "x-max-length": 3 });
    await publish(channel, [5, 1, 9, 1, 5, 3]);
    return briefs(await client.drain("q"));
  },
);

conforms(
  "a consumer of a classic queue with priorities has what came before it asked",
  async (peer) => {
    const { client, channel } = await declare(peer, { "x-max-priority": 9 });
    await channel.raw.prefetch(1);
    const consumer = await channel.consume("q");
    await publish(channel, [1, 5, 9, 1]);
    for (let count = 1; count <= 4; count++) channel.raw.ack(await consumer.nth(count));
    await client.quiet();
    return briefs(consumer.messages);
  },
);

conforms("a classic queue with priorities expires at its head alone, the highest", async (peer) => {
  const { client, channel } = await declare(peer, { "x-max-priority": 9 });
  await channel.publish("", "q", "1", { priority: 9 });
  await channel.publish("", "q", "2", { priority: 5, expiration: "1" });
  await channel.publish("", "q", "3", { priority: 1 });
  await client.quiet();
  const before = await channel.raw.checkQueue("q");
  channel.raw.ack(await channel.take("q"));
  await client.until("q", 1);
  return { before, after: briefs(await client.drain("q")) };
});

/** What 4.3, 4.0 (two priorities) and 3.x (none, and to the end with what came back) do. */
const quorumAnswers = (newer: string, two: string, none: string) => [
  changed("4.0.0", "a quorum queue knew no priorities", newer, none),
  changed("4.3.0", "a quorum queue knew two priorities", newer, two),
];

conforms(
  "a quorum queue gives the highest priority first, of those up to 31",
  async (peer) => {
    const { client, channel } = await declare(peer, { "x-queue-type": "quorum" });
    await publish(channel, [0, 5, undefined, 4, 255, 31, 32, 30]);
    return briefs(await client.drain("q"));
  },
  {
    older: quorumAnswers(
      "5:255, 6:31, 7:32, 8:30, 2:5, 3:none, 4:4, 1:0",
      "2:5, 5:255, 1:0, 6:31, 7:32, 3:none, 8:30, 4:4",
      "1:0, 2:5, 3:none, 4:4, 5:255, 6:31, 7:32, 8:30",
    ),
  },
);

conforms(
  "what comes back to a quorum queue is first, whatever its priority",
  async (peer) => {
    const { client, channel } = await declare(peer, { "x-queue-type": "quorum" });
    await publish(channel, [1, 5, 1, 5]);
    const held = [await channel.take("q"), await channel.take("q"), await channel.take("q")];
    await publish(channel, [5, 1, 9]);
    for (const message of held) channel.raw.nack(message);
    await client.until("q", 7);
    return briefs(await client.drain("q"));
  },
  {
    older: quorumAnswers(
      "2:5 again, 4:5 again, 1:1 again, 3:9, 1:5, 3:1, 2:1",
      "2:5 again, 4:5 again, 1:1 again, 1:5, 3:9, 3:1, 2:1",
      "4:5, 1:5, 2:1, 3:9, 1:1 again, 2:5 again, 3:1 again",
    ),
  },
);

conforms(
  "a quorum queue with a length drops its head, the highest",
  async (peer) => {
    const { client, channel } = await declare(peer, {
      "x-queue-type": "quorum",
      "x-max-length": 3,
    });
    await publish(channel, [5, 1, 9, 1, 5, 3]);
    await client.quiet();
    return briefs(await client.drain("q"));
  },
  { older: quorumAnswers("6:3, 2:1, 4:1", "5:5, 4:1, 6:3", "4:1, 5:5, 6:3") },
);
