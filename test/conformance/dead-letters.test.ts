import { conforms } from "./case.ts";
import { tagged } from "./channel.ts";
import { dying, wholeDead } from "./dead-letters.ts";
import { briefs } from "./observe.ts";
import { changed, noLastDeath } from "./versions.ts";

const older = [noLastDeath];

for (const type of ["classic", "quorum"]) {
  const args = { "x-queue-type": type };

  conforms(
    `a ${type} queue sends on what is nacked for good`,
    async (peer) => {
      const all = await dying(peer, args);
      await all.send("1", { headers: { a: 1 }, priority: 2, deliveryMode: 2, messageId: "m" });
      await all.channel.kill("q");
      return await wholeDead(all, 1);
    },
    { older },
  );

  conforms(
    `a ${type} queue sends on what is rejected, as if it came again`,
    async (peer) => {
      const { channel, send, dead } = await dying(peer, args);
      await send("1");
      channel.raw.reject(await channel.take("q"), false);
      return briefs(await dead(1));
    },
    { older: [changed("4.3.0", "a dead letter was new to its queue", "1 again", "1")] },
  );

  conforms(
    `a ${type} queue sends on what it held for too long`,
    async (peer) => {
      const all = await dying(peer, { ...args, "x-message-ttl": 50 });
      await all.send("1", { headers: { a: 1 } });
      return await wholeDead(all, 1);
    },
    { older },
  );

  conforms(
    `a ${type} queue sends on what expired by itself, without the expiration`,
    async (peer) => {
      const all = await dying(peer, args);
      await all.send("1", { expiration: "40" });
      return await wholeDead(all, 1);
    },
    { older },
  );

  conforms(
    `a ${type} queue sends on what is one too many, from its head`,
    async (peer) => {
      const all = await dying(peer, { ...args, "x-max-length": 1 });
      const outcomes = [await all.send("1"), await all.send("2"), await all.send("3")];
      const dead = await wholeDead(all, 2);
      return { outcomes, dead, left: briefs(await all.client.drain("q")) };
    },
    { older },
  );

  conforms(`a ${type} queue sends on a nack of several in their order`, async (peer) => {
    const { client, channel, send, dead } = await dying(peer, args);
    for (const body of ["1", "2", "3", "4"]) await send(body);
    for (let count = 0; count < 4; count++) await channel.take("q");
    channel.raw.nack(tagged(3), true, false);
    const first = briefs(await dead(3));
    channel.raw.nackAll(false);
    return [first, briefs(await dead(1)), briefs(await client.drain("q"))];
  });

  conforms(`a ${type} queue does not send on what is purged, or deleted with it`, async (peer) => {
    const { client, channel, send } = await dying(peer, args);
    await send("1");
    const purged = await channel.raw.purgeQueue("q");
    await send("2");
    const deleted = await channel.raw.deleteQueue("q");
    await client.quiet();
    return { purged, deleted, dead: await channel.raw.checkQueue("dead") };
  });
}

conforms(
  "a classic queue sends on what it refuses to take, where it is told to",
  async (peer) => {
    const all = await dying(peer, { "x-max-length": 1, "x-overflow": "reject-publish-dlx" });
    const outcomes = [await all.send("1"), await all.send("2")];
    const dead = await wholeDead(all, 1);
    return { outcomes, dead, left: briefs(await all.client.drain("q")) };
  },
  { older },
);

conforms("what is refused is not sent on", async (peer) => {
  const all = await dying(peer, { "x-max-length": 1, "x-overflow": "reject-publish" });
  const outcomes = [await all.send("1"), await all.send("2")];
  await all.client.quiet();
  return { outcomes, dead: await all.channel.raw.checkQueue("dead") };
});

conforms("a queue that expires does not send its messages on", async (peer) => {
  const { client, channel, send } = await dying(peer, { "x-expires": 100 });
  await send("1");
  // Asking for the queue would keep it; this exchange goes with it.
  await channel.raw.assertExchange("with it", "fanout", { autoDelete: true });
  await channel.raw.bindQueue("q", "with it", "");
  await client.goneExchange("with it");
  await client.quiet();
  return await channel.raw.checkQueue("dead");
});

conforms("the time of a death is in seconds", async (peer) => {
  const all = await dying(peer);
  await all.send("1");
  await all.channel.kill("q");
  const [message] = await all.dead(1);
  const { time } = message?.properties.headers?.["x-death"]?.[0] ?? {};
  return Math.abs((time?.value ?? 0) - Date.now() / 1_000) < 10;
});
