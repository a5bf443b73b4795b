import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs, whole } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed } from "./versions.ts";

const QUEUE = "amq.rabbitmq.reply-to";

type Asking = { readonly client: Client; readonly asker: Recorded; readonly answerer: Recorded };

async function asking(peer: Peer): Promise<Asking> {
  const client = await peer.connect();
  const [asker, answerer] = [await client.channel(), await client.channel()];
  await answerer.raw.assertQueue("requests");
  return { client, asker, answerer };
}

/** Where the answer to the next request goes: a name that the broker made. */
async function replyTo(answerer: Recorded): Promise<string> {
  const request = await answerer.take("requests");
  return String(request.properties.replyTo);
}

const shape = (name: string) => name.replace(/^amq\.rabbitmq\.reply-to\..+$/, "<a reply queue>");

conforms("an answer comes back without a queue of its own", async (peer) => {
  const { asker, answerer } = await asking(peer);
  const answers = await asker.consume(QUEUE, { noAck: true, consumerTag: "answers" });
  await asker.publish("", "requests", "ask", { replyTo: QUEUE, correlationId: "1" });
  const name = await replyTo(answerer);
  const options = { correlationId: "1", headers: { a: 1 } };
  const outcome = await answerer.publish("", name, "answer", options);
  const answer = whole(await answers.nth(1));
  return {
    outcome,
    tag: answers.tag,
    name: shape(name),
    answer: { ...answer, routingKey: answer.routingKey === name },
  };
});

conforms("every request of a channel has the same way back, each channel another", async (peer) => {
  const { client, asker, answerer } = await asking(peer);
  const other = await client.channel();
  for (const channel of [asker, other]) await channel.consume(QUEUE, { noAck: true });
  for (const channel of [asker, asker, other]) {
    await channel.publish("", "requests", "ask", { replyTo: QUEUE });
  }
  const names = [await replyTo(answerer), await replyTo(answerer), await replyTo(answerer)];
  return [names[0] === names[1], names[1] === names[2]];
});

conforms("a way back is consumed without acks, once a channel, before it is used", (peer) =>
  peer.answers({
    "with acks": (ch) => ch.consume(QUEUE, () => undefined),
    twice: async (ch) => {
      await ch.consume(QUEUE, () => undefined, { noAck: true });
      return await ch.consume(QUEUE, () => undefined, { noAck: true });
    },
    "cancelled and again": async (ch, { consume }) => {
      const { tag } = await consume(QUEUE, { noAck: true });
      await ch.cancel(tag);
      return (await consume(QUEUE, { noAck: true, consumerTag: "tag" })).tag;
    },
    exclusive: (_, { consume }) =>
      consume(QUEUE, { noAck: true, exclusive: true, consumerTag: "tag" }).then(({ tag }) => tag),
    "not consumed": async (ch, { publish }) => {
      await ch.assertQueue("requests");
      return await publish("", "requests", "ask", { replyTo: QUEUE });
    },
    "published to without a name": (_, { publish }) => publish("", QUEUE, "1", { mandatory: true }),
  }),
);

conforms("the way back can be found, and nothing else is done with it", (peer) =>
  peer.answers({
    passive: (ch) => ch.checkQueue(QUEUE),
    declare: (ch) => ch.assertQueue(QUEUE),
    get: (ch) => ch.get(QUEUE),
    purge: (ch) => ch.purgeQueue(QUEUE),
    delete: (ch) => ch.deleteQueue(QUEUE),
    bind: (ch) => ch.bindQueue(QUEUE, "amq.direct", "k"),
  }),
);

conforms("a way back that is there can be found by its name, from anywhere", async (peer) => {
  const { asker, answerer } = await asking(peer);
  await asker.consume(QUEUE, { noAck: true });
  await asker.publish("", "requests", "ask", { replyTo: QUEUE });
  const name = await replyTo(answerer);
  const other = await peer.connect();
  const found = await other.answer((ch) => ch.checkQueue(name));
  return JSON.stringify(found).replaceAll(name, "<name>");
});

// What becomes of a mandatory answer, by what becomes of the one who waits for it.
const WAITING: Readonly<Record<string, (asker: Recorded, tag: string) => Promise<unknown>>> = {
  "is there": async () => undefined,
  "has cancelled": ({ raw }, tag) => raw.cancel(tag),
  "is gone": ({ close }) => close(),
};

for (const [name, end] of Object.entries(WAITING)) {
  conforms(
    `a mandatory answer is never returned: who waits for it ${name}`,
    async (peer) => {
      const { client, asker, answerer } = await asking(peer);
      const answers = await asker.consume(QUEUE, { noAck: true });
      await asker.publish("", "requests", "ask", { replyTo: QUEUE });
      const way = await replyTo(answerer);
      await end(asker, answers.tag);
      const outcome = await answerer.publish("", way, "answer", { mandatory: true });
      await client.quiet();
      const found = await client.answer((ch) => ch.checkQueue(way));
      return {
        outcome,
        heard: answers.messages.length,
        found: JSON.stringify(found).replaceAll(way, "<name>"),
      };
    },
    {
      older: [
        changed(
          "4.3.0",
          "it was always returned",
          { outcome: "ack" },
          { outcome: "returned 312 NO_ROUTE, ack" },
        ),
      ],
    },
  );
}

conforms("a reply-to that is a queue's name is passed on", async (peer) => {
  const { asker, answerer } = await asking(peer);
  await asker.publish("", "requests", "ask", { replyTo: "my.queue" });
  return await replyTo(answerer);
});

/** Ten requests and their answers, in the order in which they came. */
async function tenAnswers(peer: Peer) {
  const { client, asker, answerer } = await asking(peer);
  const answers = await asker.consume(QUEUE, { noAck: true });
  const work = await answerer.consume("requests");
  for (let at = 0; at < 10; at++) {
    await asker.publish("", "requests", `${at}`, { replyTo: QUEUE });
  }
  for (const request of await work.until(10)) {
    await answerer.publish("", request.properties.replyTo, request.content);
  }
  await answers.until(10);
  await client.quiet();
  return answers.messages;
}

conforms("answers come in their order, and none twice", async (peer) =>
  briefs(await tenAnswers(peer)),
);

conforms(
  "answers have tags as other messages",
  async (peer) => (await tenAnswers(peer)).map(({ fields }) => fields.deliveryTag),
  {
    older: [
      changed(
        "4.3.0",
        "each answer had the tag 1",
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
      ),
    ],
  },
);
