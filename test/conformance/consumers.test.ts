import { conforms } from "./case.ts";
import { briefs } from "./observe.ts";
import { each } from "./peers.ts";

const TYPES = ["classic", "quorum"];
const ofType = (type: string) => ({ arguments: { "x-queue-type": type } });
const many = (count: number) => Array.from({ length: count }, (_, at) => `${at + 1}`);

for (const type of TYPES) {
  conforms(`consumers of a ${type} queue take turns`, async (peer) => {
    const client = await peer.connect();
    const { raw, consume, fill } = await client.channel();
    await raw.assertQueue("q", ofType(type));
    const consumers = [await consume("q"), await consume("q"), await consume("q")];
    for (const body of many(9)) await fill("q", [body]);
    await client.quiet();
    return consumers.map(({ messages }) => briefs(messages));
  });

  conforms(`a consumer of a ${type} queue with a higher priority comes first`, async (peer) => {
    const client = await peer.connect();
    const { raw, consume, fill } = await client.channel();
    await raw.assertQueue("q", ofType(type));
    await raw.prefetch(2);
    const priorities = [0, 10, 5, -1];
    const consumers = [];
    for (const priority of priorities) consumers.push(await consume("q", { priority }));
    for (const body of many(7)) await fill("q", [body]);
    await client.quiet();
    return consumers.map(({ messages }) => briefs(messages));
  });

  conforms(`an exclusive consumer of a ${type} queue lets no other in`, async (peer) => {
    const client = await peer.connect();
    const { raw, consume } = await client.channel();
    await raw.assertQueue("q", ofType(type));
    await consume("q", { exclusive: true, consumerTag: "one" });
    const during = await peer.answers({
      another: (ch) => ch.consume("q", () => undefined),
      "another exclusive": (ch) => ch.consume("q", () => undefined, { exclusive: true }),
      get: (ch) => ch.get("q"),
    });
    await raw.cancel("one");
    await consume("q", { consumerTag: "two" });
    const after = await peer.answers({
      exclusive: (ch) => ch.consume("q", () => undefined, { exclusive: true }),
      shared: (ch) => ch.consume("q", () => undefined).then(() => "ok"),
    });
    return { during, after };
  });

  conforms(`a consumer of a ${type} queue is told when the queue is deleted`, async (peer) => {
    const client = await peer.connect();
    const { raw, consume, fill, heard } = await client.channel();
    await raw.assertQueue("q", ofType(type));
    await fill("q", ["1"]);
    const [first, second] = [await consume("q"), await consume("q")];
    const [message] = await Promise.race([first.until(1), second.until(1)]);
    const deleted = await client.answer((ch) => ch.deleteQueue("q"));
    const told = await Promise.all([first.cancelled, second.cancelled]);
    if (message !== undefined) raw.ack(message);
    return { deleted, told, ackLater: await heard(), cancel: await raw.cancel(first.tag) };
  });

  conforms(
    `what a cancelled consumer of a ${type} queue holds stays with its channel`,
    async (peer) => {
      const client = await peer.connect();
      const { raw, consume, fill, heard, close } = await client.channel();
      await raw.assertQueue("q", ofType(type));
      await fill("q", ["1", "2", "3"]);
      await raw.prefetch(2);
      const consumer = await consume("q");
      await consumer.until(2);
      await raw.cancel(consumer.tag);
      await client.quiet();
      const count = () => client.answer((ch) => ch.checkQueue("q"));
      const counts = [await count()];
      raw.ack(await consumer.nth(1));
      const acked = await heard();
      await client.quiet();
      counts.push(await count());
      await close();
      await client.until("q", 2);
      return { counts, acked, left: briefs(await client.drain("q")) };
    },
  );
}

conforms("a consumer tag is one on its channel", async (peer) => {
  const client = await peer.connect();
  const [one, two] = [await client.channel(), await client.channel()];
  await one.raw.assertQueue("q");
  await one.consume("q", { consumerTag: "tag" });
  const other = await two.answer(() =>
    two.raw.consume("q", () => undefined, { consumerTag: "tag" }),
  );
  const again = await one.answer(() =>
    one.raw.consume("q", () => undefined, { consumerTag: "tag" }),
  );
  return { other, again };
});

conforms("a tag that is not known is cancelled all the same", (peer) =>
  peer.answers({
    unknown: (ch) => ch.cancel("unknown"),
    "of another channel": async (ch, { consume }) => {
      await ch.assertQueue("q");
      await consume("q", { consumerTag: "tag" });
      return await ch.cancel("tag");
    },
    twice: async (ch, { consume }) => {
      await consume("q", { consumerTag: "tag" });
      return [await ch.cancel("tag"), await ch.cancel("tag")];
    },
    "and used again": async (ch, { consume }) => {
      await consume("q", { consumerTag: "tag" });
      await ch.cancel("tag");
      return (await consume("q", { consumerTag: "tag" })).tag;
    },
    "a long one": (ch) => ch.cancel("t".repeat(255)),
  }),
);

conforms("the arguments of a consumer are looked at in part", (peer) =>
  peer.answers({
    make: (ch) => ch.assertQueue("q"),
    ...each<object>(
      {
        "priority as text": { "x-priority": "1" },
        "priority as fraction": { "x-priority": 1.5 },
        "priority as void": { "x-priority": null },
        "priority as long": { "x-priority": { "!": "long", value: 5_000_000_000 } },
        "offset, on a queue": { "x-stream-offset": "first" },
        unknown: { "x-colour": "red" },
        "cancel on ha failover": { "x-cancel-on-ha-failover": true },
      },
      (args, name) => (ch) =>
        ch.consume("q", () => undefined, { consumerTag: name, arguments: args }),
    ),
    "no local": (ch) => ch.consume("q", () => undefined, { noLocal: true, consumerTag: "own" }),
  }),
);
