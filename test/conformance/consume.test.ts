import { conforms } from "./case.ts";
import { briefs, whole } from "./observe.ts";

const TYPES = ["classic", "quorum"];
const ofType = (type: string) => ({ arguments: { "x-queue-type": type } });

conforms(
  "a delivery has all that was published, and a tag that counts on its channel",
  async (peer) => {
    const client = await peer.connect();
    const channel = await client.channel();
    await channel.raw.assertQueue("q");
    await channel.raw.bindQueue("q", "amq.direct", "k");
    await channel.publish("amq.direct", "k", "bare");
    await channel.publish("amq.direct", "k", "full", {
      contentType: "text/plain",
      contentEncoding: "utf8",
      headers: { text: "a", number: 1, list: [1, "b"], table: { c: true }, void: null, half: 0.5 },
      deliveryMode: 2,
      priority: 3,
      correlationId: "correlation",
      replyTo: "reply",
      messageId: "message",
      timestamp: 1_700_000_000,
      type: "type",
      userId: "guest",
      appId: "app",
    });
    const consumer = await channel.consume("q", { consumerTag: "mine" });
    await consumer.until(2);
    const again = await channel.consume("q", { noAck: true });
    return { tags: [consumer.tag, again.tag], messages: consumer.messages.map(whole) };
  },
);

for (const type of TYPES) {
  conforms(
    `a consumer of a ${type} queue has no more unacknowledged than its prefetch`,
    async (peer) => {
      const client = await peer.connect();
      const { raw, consume, fill } = await client.channel();
      await raw.assertQueue("q", ofType(type));
      await fill("q", ["1", "2", "3", "4", "5"]);
      await raw.prefetch(2);
      const consumer = await consume("q");
      await consumer.until(2);
      await client.quiet();
      const seen = [briefs(consumer.messages)];
      raw.ack(await consumer.nth(1));
      await consumer.until(3);
      await client.quiet();
      seen.push(briefs(consumer.messages));
      raw.ack(await consumer.nth(3), true);
      await consumer.until(5);
      return [...seen, briefs(consumer.messages), await client.answer((ch) => ch.checkQueue("q"))];
    },
  );

  conforms(
    `a prefetch counts for the consumers of a ${type} queue that come later, each for itself`,
    async (peer) => {
      const client = await peer.connect();
      const { raw, consume, fill } = await client.channel();
      await raw.assertQueue("q", ofType(type));
      await raw.assertQueue("r", ofType(type));
      await fill("q", ["1", "2", "3", "4", "5", "6"]);
      await fill("r", ["1", "2", "3"]);
      await raw.prefetch(1);
      const first = await consume("q");
      await raw.prefetch(2);
      const second = await consume("q");
      const other = await consume("r");
      await raw.prefetch(1);
      await client.quiet();
      return [first, second, other].map(({ messages }) => briefs(messages));
    },
  );

  conforms(`a consumer of a ${type} queue that does not ack is not held back`, async (peer) => {
    const client = await peer.connect();
    const { raw, consume, fill, heard } = await client.channel();
    await raw.assertQueue("q", ofType(type));
    await fill("q", ["1", "2", "3"]);
    await raw.prefetch(1);
    const consumer = await consume("q", { noAck: true });
    await consumer.until(3);
    const left = await client.answer((ch) => ch.checkQueue("q"));
    raw.ack(await consumer.nth(1));
    return { briefs: briefs(consumer.messages), left, acked: await heard() };
  });
}

conforms("a prefetch of 0 is none, and one of bytes is not known", async (peer) => {
  const client = await peer.connect();
  const { raw, consume, fill } = await client.channel();
  await raw.assertQueue("q");
  await fill("q", ["1", "2", "3"]);
  await raw.prefetch(1);
  await raw.prefetch(0);
  const consumer = await consume("q");
  return briefs(await consumer.until(3));
});

conforms("get takes one, counts what is left, and says when there is none", (peer) =>
  peer.answers({
    make: async (ch, { fill }) => {
      await ch.assertQueue("q");
      return await fill("q", ["1", "2", "3"]);
    },
    acked: async (_, { take, raw, heard }) => {
      const message = await take("q");
      raw.ack(message);
      return [whole(message), await heard()];
    },
    "not acked, and back with the channel": async (_, { take }) => whole(await take("q")),
    "two at once": async (_, { take }) => [whole(await take("q")), whole(await take("q"))],
    "without ack": async (ch) => {
      const seen = [];
      for (let message = await ch.get("q", { noAck: true }); message; ) {
        seen.push(whole(message));
        message = await ch.get("q", { noAck: true });
      }
      return seen;
    },
    none: (ch) => ch.get("q"),
  }),
);

conforms("get does not count for a prefetch", (peer) =>
  peer.answers({
    make: async (ch, { fill, take }) => {
      await ch.assertQueue("q");
      await fill("q", ["1", "2", "3"]);
      await ch.prefetch(1);
      return [whole(await take("q")), whole(await take("q"))];
    },
  }),
);
