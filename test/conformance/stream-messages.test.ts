import { conforms } from "./case.ts";
import { headersOf, whole } from "./observe.ts";
import { read, STREAM, stream } from "./stream.ts";
import { changed, noDeliveryModeInStreams } from "./versions.ts";

conforms("a stream is neither got from nor purged, and is deleted whatever is in it", (peer) =>
  peer.answers({
    make: async (ch, { fill }) => {
      await ch.assertQueue("s", STREAM);
      await ch.assertExchange("x", "fanout");
      await ch.bindQueue("s", "x", "");
      return await fill("s", ["1"]);
    },
    get: (ch) => ch.get("s"),
    purge: (ch) => ch.purgeQueue("s"),
    publish: (_, { publish }) => publish("x", "k", "2", { mandatory: true }),
    "if empty": (ch) => ch.deleteQueue("s", { ifEmpty: true }),
    "is it gone": (ch) => ch.checkQueue("s"),
    "if unused": async (ch) => {
      await ch.assertQueue("s", STREAM);
      await ch.prefetch(1);
      await ch.consume("s", () => undefined);
      return await ch.deleteQueue("s", { ifUnused: true });
    },
  }),
);

conforms(
  "a stream keeps what was published as it was",
  async (peer) => {
    const client = await stream(peer, []);
    const channel = await client.channel();
    await channel.raw.bindQueue("s", "amq.topic", "#");
    await channel.publish("amq.topic", "some.key", "full", {
      contentType: "text/plain",
      contentEncoding: "utf8",
      headers: { text: "a", number: 1, big: 2 ** 40, yes: true, half: 0.5 },
      deliveryMode: 2,
      priority: 3,
      correlationId: "correlation",
      replyTo: "reply",
      messageId: "message",
      timestamp: 1_700_000_000,
      type: "type",
      appId: "app",
      expiration: "60000",
    });
    await channel.publish("amq.topic", "k", "");
    return (await read(client, "first", 2)).map(whole);
  },
  { older: [noDeliveryModeInStreams] },
);

conforms(
  "a stream keeps CC, and not BCC",
  async (peer) => {
    const client = await stream(peer, []);
    const channel = await client.channel();
    await channel.publish("", "s", "1", { CC: ["other"], BCC: ["another"] });
    return (await read(client, "first", 1)).map(headersOf);
  },
  {
    older: [
      changed("4.0.0", "a stream did not keep CC", [{ CC: ["other"] }], [{ "x-stream-offset": 0 }]),
    ],
  },
);

conforms("a message that has expired is in a stream all the same", async (peer) => {
  const client = await stream(peer, []);
  const channel = await client.channel();
  await channel.publish("", "s", "1", { expiration: "0" });
  return (await read(client, "first", 1)).map(headersOf);
});

conforms("a stream that is too long is cut off at its oldest end", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  const limits = { "x-max-length-bytes": 20_000, "x-stream-max-segment-size-bytes": 5_000 };
  await channel.raw.assertQueue("s", { arguments: { ...STREAM.arguments, ...limits } });
  for (let count = 0; count < 100; count++) await channel.fill("s", [`${count}`.padEnd(1_000)]);
  const messages = await read(client, "first", 1);
  const [first, last] = [messages.at(0), messages.at(-1)];
  const length = messages.length;
  return {
    beginsLater: first !== undefined && Number(first.content) > 0,
    endsAt: last?.content.toString().trim(),
    withoutGaps: first !== undefined && length === 100 - Number(first.content),
    about: length > 10 && length < 60,
  };
});
