import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import { briefs, type Message, whole } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { read, stream } from "./stream.ts";
import { changed, noDeliveryModeInStreams } from "./versions.ts";

conforms(
  "a stream tells the offset of each message, and is read by whoever asks",
  async (peer) => {
    const client = await stream(peer, ["1", "2", "3"]);
    await client.until("s", 3);
    const first = await read(client, "first", 3);
    const again = await read(client, "first", 3);
    return { first: first.map(whole), again: briefs(again) };
  },
  { older: [noDeliveryModeInStreams] },
);

conforms("a stream is read from an offset on", async (peer) => {
  const client = await stream(peer, ["0", "1", "2", "3"]);
  const seen: Record<string, string> = {};
  const offsets: Readonly<Record<string, readonly [unknown, number]>> = {
    first: ["first", 4],
    "0": [0, 4],
    "2": [2, 2],
    "2, as long": [{ "!": "long", value: 2 }, 2],
    "3": [3, 1],
    "beyond the end": [100, 0],
    next: ["next", 0],
    none: [undefined, 0],
    "the beginning of time": [{ "!": "timestamp", value: 1 }, 4],
    "an interval": ["1h", 4],
  };
  for (const [name, [offset, count]] of Object.entries(offsets)) {
    seen[name] = briefs(await read(client, offset, count));
  }
  return seen;
});

conforms("the last offset is somewhere in the last chunk", async (peer) => {
  const client = await stream(peer, ["1"]);
  return briefs(await read(client, "last", 1));
});

conforms("who reads from next on gets what comes then", async (peer) => {
  const client = await stream(peer, ["1", "2"]);
  const channel = await client.channel();
  await channel.raw.prefetch(10);
  const consumers = [
    await channel.consume("s", { arguments: { "x-stream-offset": "next" } }),
    await channel.consume("s"),
    await channel.consume("s", { arguments: { "x-stream-offset": 3 } }),
  ];
  for (const body of ["3", "4"]) await channel.fill("s", [body]);
  await consumers[0]?.until(2);
  await client.quiet();
  return consumers.map(({ messages }) => briefs(messages));
});

/** What is heard of this way to settle with a prefetch of one, and which messages have come then. */
async function credit(peer: Peer, settle: (channel: Recorded, message: Message) => void) {
  const client = await stream(peer, ["1", "2", "3", "4"]);
  const channel = await client.channel();
  await channel.raw.prefetch(1);
  const consumer = await channel.consume("s", { arguments: { "x-stream-offset": "first" } });
  const seen = [];
  for (let count = 1; count < 4; count++) {
    settle(channel, await consumer.nth(count));
    seen.push(await channel.heard());
    if (!client.isOpen) return seen;
    await client.quiet();
    seen.push(briefs(consumer.messages));
  }
  return seen;
}

conforms("an ack of a stream's message is credit for the next", (peer) =>
  credit(peer, ({ raw }, message) => raw.ack(message)),
);

const nackRefused = [
  changed(
    "4.0.0",
    "a stream did not know them",
    ["ok", "1, 2", "ok", "1, 2, 3", "ok", "1, 2, 3, 4"],
    [
      "connection 540 NOT_IMPLEMENTED - basic.nack and basic.reject not supported by stream queues queue 's' in vhost '<vhost>'",
    ],
  ),
];

conforms(
  "a reject of a stream's message is credit for the next",
  (peer) => credit(peer, ({ raw }, message) => raw.reject(message, false)),
  { older: nackRefused },
);

conforms(
  "a nack of a stream's message is credit for the next, and does not bring it back",
  (peer) => credit(peer, ({ raw }, message) => raw.nack(message)),
  { older: nackRefused },
);

conforms("a consumer of a stream is told when the stream is deleted", async (peer) => {
  const client = await stream(peer, ["1"]);
  const channel = await client.channel();
  await channel.raw.prefetch(1);
  const consumer = await channel.consume("s");
  await client.answer((ch) => ch.deleteQueue("s"));
  return await consumer.cancelled;
});
