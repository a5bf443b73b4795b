import { conforms } from "./case.ts";
import { type Recorded, tagged } from "./channel.ts";
import { dying, wholeDead } from "./dead-letters.ts";
import { briefs, headersOf, type Message, whole } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed, noLastDeath } from "./versions.ts";

const older = [noLastDeath];
const quorum = { "x-queue-type": "quorum" };

conforms(
  "a message that was rejected too often dies of the delivery limit",
  async (peer) => {
    const all = await dying(peer, { ...quorum, "x-delivery-limit": 1 });
    await all.send("1", { headers: { a: 1 } });
    for (let count = 0; count < 2; count++) {
      all.channel.raw.reject(await all.channel.take("q"));
      await all.client.quiet();
    }
    return (await wholeDead(all, 1)).map(({ redelivered: _, ...message }) => message);
  },
  { older },
);

conforms(
  "a message that died of the delivery limit comes again where it goes",
  async (peer) => {
    const all = await dying(peer, { ...quorum, "x-delivery-limit": 0 });
    await all.send("1");
    all.channel.raw.reject(await all.channel.take("q"));
    return briefs(await all.dead(1));
  },
  { older: [changed("4.3.0", "a dead letter was new to its queue", "1 again", "1")] },
);

conforms(
  "a dead letter has no counts of the quorum queue it was in",
  async (peer) => {
    const all = await dying(peer, quorum);
    await all.send("1");
    all.channel.raw.reject(await all.channel.take("q"));
    await all.client.until("q", 1);
    await all.channel.kill("q");
    return (await all.dead(1)).map((message) => Object.keys(headersOf(message)).sort());
  },
  {
    older: [
      {
        ...noLastDeath,
        saw: (newer) =>
          (newer as readonly (readonly string[])[]).map((keys) =>
            keys.filter((key) => !key.startsWith("x-last-")),
          ),
      },
    ],
  },
);

/** What a dead letter is counted as in a quorum queue, at first and after a reject there. */
async function countDead(peer: Peer, kill: (recorded: Recorded, message: Message) => void) {
  const { client, channel, send } = await dying(peer, quorum);
  await channel.raw.assertQueue("end", { arguments: quorum });
  await channel.raw.bindQueue("end", "dlx", "");
  await send("1");
  kill(channel, await channel.take("q"));
  await client.until("end", 1);
  const first = await channel.take("end");
  channel.raw.reject(first);
  await client.until("end", 1);
  return [first, await channel.take("end")].map(({ fields, properties }) => {
    const { "x-delivery-count": delivered = 0, "x-acquired-count": acquired = 0 } =
      properties.headers ?? {};
    return { redelivered: fields.redelivered, delivered, acquired };
  });
}

const olderCounts = (newer: unknown) => [
  changed("4.0.0", "a dead letter was counted anew in any case", newer, [
    { redelivered: false, delivered: 0, acquired: 0 },
    { redelivered: true, delivered: 1, acquired: 0 },
  ]),
  changed("4.3.0", "any dead letter counted once, until it was counted there", newer, [
    { redelivered: true, delivered: 1, acquired: 0 },
    { redelivered: true, delivered: 1, acquired: 0 },
  ]),
];

conforms(
  "a dead letter that was rejected is counted on in the next quorum queue",
  (peer) => countDead(peer, ({ raw }, message) => raw.reject(message, false)),
  {
    older: olderCounts([
      { redelivered: true, delivered: 1, acquired: 1 },
      { redelivered: true, delivered: 2, acquired: 1 },
    ]),
  },
);

conforms(
  "a dead letter that was nacked is counted anew in the next quorum queue",
  (peer) => countDead(peer, ({ raw }, message) => raw.nack(message, false, false)),
  {
    older: olderCounts([
      { redelivered: false, delivered: 0, acquired: 0 },
      { redelivered: true, delivered: 1, acquired: 1 },
    ]),
  },
);

const AT_LEAST_ONCE = {
  ...quorum,
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
};

conforms(
  "at least once, a dead letter is the same as at most once",
  async (peer) => {
    const all = await dying(peer, AT_LEAST_ONCE);
    const seen = [];
    for (const body of ["1", "2"]) {
      await all.send(body, { headers: { a: 1 }, expiration: "60000", CC: ["cc"] });
      await all.channel.kill("q");
      seen.push(...(await wholeDead(all, 1)));
    }
    return seen;
  },
  { older },
);

conforms("at least once, what expires goes on in its order", async (peer) => {
  const { channel, dead } = await dying(peer, { ...AT_LEAST_ONCE, "x-message-ttl": 50 });
  await channel.fill("q", ["1", "2", "3", "4", "5"]);
  return briefs(await dead(5));
});

conforms("at least once, what was nacked goes on in its order", async (peer) => {
  const { channel, send, dead } = await dying(peer, AT_LEAST_ONCE);
  for (const body of ["1", "2", "3"]) await send(body);
  for (let count = 0; count < 3; count++) await channel.take("q");
  channel.raw.nack(tagged(3), true, false);
  return (await dead(3)).map(({ content }) => `${content}`);
});

conforms(
  "at least once, what has nowhere to go is kept, and is not counted as ready",
  async (peer) => {
    const { client, channel, send } = await dying(peer, AT_LEAST_ONCE);
    await channel.raw.unbindQueue("dead", "dlx", "");
    await send("1");
    await channel.kill("q");
    await client.quiet();
    return [await channel.raw.checkQueue("q"), (await client.drain("q")).map(whole)];
  },
);

conforms("at least once, a queue that refuses is tried again", async (peer) => {
  const { client, channel, send } = await dying(peer, AT_LEAST_ONCE);
  await channel.raw.assertQueue("full", { maxLength: 1, overflow: "reject-publish" });
  await channel.raw.bindQueue("full", "dlx", "");
  await channel.fill("full", ["0"]);
  await send("1");
  await channel.kill("q");
  await client.until("dead", 1);
  await client.quiet();
  return { dead: briefs(await client.drain("dead")), full: briefs(await client.drain("full")) };
});
