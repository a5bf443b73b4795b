import { conforms } from "./case.ts";
import { type Recorded, tagged } from "./channel.ts";
import type { Request } from "./client.ts";
import { briefs } from "./observe.ts";
import { each } from "./peers.ts";

const TYPES = ["classic", "quorum"];

/** Holds the messages 1 to 4 of a fresh queue, settles some, and says what was heard. */
const holding = (type: string, settle: (recorded: Recorded) => void): Request => {
  return async (ch, recorded) => {
    await ch.assertQueue("q", { arguments: { "x-queue-type": type } });
    await ch.purgeQueue("q");
    await recorded.fill("q", ["1", "2", "3", "4"]);
    const consumer = await recorded.consume("q", { consumerTag: "holder" });
    await consumer.until(4);
    await ch.cancel("holder");
    settle(recorded);
    return await recorded.heard();
  };
};

const SETTLED: Readonly<Record<string, (recorded: Recorded) => void>> = {
  "ack one": ({ raw }) => raw.ack(tagged(2)),
  "ack up to": ({ raw }) => raw.ack(tagged(2), true),
  "ack all": ({ raw }) => raw.ackAll(),
  "ack up to 0": ({ raw }) => raw.ack(tagged(0), true),
  "ack in another order": ({ raw }) => [4, 1, 3].forEach((tag) => void raw.ack(tagged(tag))),
  "ack up to, with a gap": ({ raw }) => {
    raw.ack(tagged(2));
    raw.ack(tagged(3), true);
  },
  "nack up to": ({ raw }) => raw.nack(tagged(3), true, false),
  "nack all": ({ raw }) => raw.nackAll(false),
  "reject one": ({ raw }) => raw.reject(tagged(3), false),
  nothing: () => undefined,
};

for (const type of TYPES) {
  conforms(
    `what is not acked of a ${type} queue comes back with the channel's end`,
    async (peer) => {
      const client = await peer.connect();
      const seen: Record<string, unknown> = {};
      for (const [name, settle] of Object.entries(SETTLED)) {
        const heard = await client.answer(holding(type, settle));
        await client.quiet();
        seen[name] = [heard, briefs(await client.drain("q"))];
      }
      return seen;
    },
  );
}

conforms("a tag that is not known closes the channel, with 0 standing for all", (peer) =>
  peer.answers(
    each<(recorded: Recorded) => void>(
      {
        "ack unknown": ({ raw }) => raw.ack(tagged(9)),
        "ack up to unknown": ({ raw }) => raw.ack(tagged(9), true),
        "ack 0": ({ raw }) => raw.ack(tagged(0)),
        "ack twice": ({ raw }) => [1, 1].forEach((tag) => void raw.ack(tagged(tag))),
        "ack within what is acked": ({ raw }) => {
          raw.ack(tagged(3), true);
          raw.ack(tagged(2));
        },
        "ack up to what is acked": ({ raw }) => {
          raw.ack(tagged(3), true);
          raw.ack(tagged(2), true);
        },
        "ack all twice": ({ raw }) => [1, 2].forEach(() => void raw.ackAll()),
        "nack unknown": ({ raw }) => raw.nack(tagged(9)),
        "nack up to unknown": ({ raw }) => raw.nack(tagged(9), true),
        "nack 0": ({ raw }) => raw.nack(tagged(0), false),
        "nack all twice": ({ raw }) => [1, 2].forEach(() => void raw.nackAll(false)),
        "reject unknown": ({ raw }) => raw.reject(tagged(9)),
        "reject 0": ({ raw }) => raw.reject(tagged(0)),
        "reject what is acked": ({ raw }) => {
          raw.ack(tagged(1));
          raw.reject(tagged(1));
        },
        "a great tag": ({ raw }) => raw.ack(tagged(2 ** 40)),
      },
      (settle) => holding("classic", settle),
    ),
  ),
);

conforms("all of nothing can be acked, and nothing up to a tag cannot", (peer) =>
  peer.answers({
    "ack all": (ch, { heard }) => {
      ch.ackAll();
      return heard();
    },
    "nack all": (ch, { heard }) => {
      ch.nackAll();
      return heard();
    },
    "ack up to 1": (ch, { heard }) => {
      ch.ack(tagged(1), true);
      return heard();
    },
  }),
);

conforms("a delivery is settled on its own channel alone", async (peer) => {
  const client = await peer.connect();
  const [one, two] = [await client.channel(), await client.channel()];
  await one.raw.assertQueue("q");
  await one.fill("q", ["1"]);
  const message = await one.take("q");
  two.raw.ack(message);
  const other = await two.heard();
  one.raw.ack(message);
  return { other, own: await one.heard(), counts: await one.raw.checkQueue("q") };
});
