import { conforms } from "./case.ts";
import { whole } from "./observe.ts";

conforms("what no queue gets is returned whole, before its confirm", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  const events: unknown[] = [];
  channel.raw.on("return", (message) => events.push(whole(message)));
  channel.raw.on("ack", () => events.push("ack"));
  const options = { mandatory: true, headers: { a: 1 }, messageId: "m", CC: ["c"], BCC: ["b"] };
  await channel.publish("amq.direct", "nowhere", "body", options);
  await channel.publish("", "gone", "", { mandatory: true });
  return events;
});

conforms("returns and confirms of many messages come in pairs", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q");
  const returned = new Set<string>();
  channel.raw.on("return", ({ content }) => returned.add(content.toString()));
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, async (_, at) => {
      const [key, body] = [at % 3 === 0 ? "gone" : "q", `${at}`];
      const outcome = await new Promise<string>((resolve) => {
        const settle = (error: unknown) => resolve(error ? "nack" : "ack");
        const options = { mandatory: true };
        channel.raw.publish("", key, Buffer.from(body), options, settle);
      });
      return `${outcome} ${returned.has(body)}`;
    }),
  );
  return { outcomes, counts: await channel.raw.checkQueue("q") };
});

conforms("a message for an exchange that is not there closes the channel", (peer) =>
  peer.answers({
    absent: (_, { publish }) => publish("gone", "k", "1"),
    "absent, mandatory": (_, { publish }) => publish("gone", "k", "1", { mandatory: true }),
    "without confirms": async (ch, { heard }) => {
      ch.publish("gone", "k", Buffer.from("1"));
      return await heard();
    },
    internal: async (ch, { publish }) => {
      await ch.assertExchange("internal", "fanout", { internal: true });
      return await publish("internal", "k", "1");
    },
    "internal, through another": async (ch, { publish }) => {
      await ch.assertExchange("outer", "fanout");
      await ch.bindExchange("internal", "outer", "");
      await ch.assertQueue("q");
      await ch.bindQueue("q", "internal", "");
      return await publish("outer", "k", "1", { mandatory: true });
    },
    "with what comes before and after": async (_, { publish }) => {
      void publish("", "q", "2");
      const wrong = publish("gone", "k", "3");
      void publish("", "q", "4");
      return await wrong;
    },
    "what came after did not count": (ch) => ch.checkQueue("q"),
  }),
);
