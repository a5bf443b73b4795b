import { createHash } from "node:crypto";
import { conforms } from "./case.ts";
import { each } from "./peers.ts";

// One frame holds 131,072 bytes with its own eight.
const SIZES = {
  none: 0,
  one: 1,
  "one frame, but one": 131_063,
  "one frame": 131_064,
  "one frame and one": 131_065,
  "two frames": 262_128,
  "a million": 1_000_000,
  "twelve million": 12_000_000,
};

// Of a length that no frame's is a multiple of.
const PATTERN = Buffer.from(Array.from({ length: 251 }, (_, at) => at));

function bytes(size: number): Buffer {
  return size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, PATTERN);
}

const hash = (content: Buffer) => createHash("sha256").update(content).digest("hex");

for (const type of ["classic", "quorum", "stream"]) {
  conforms(`bodies of any size come out of a ${type} queue as they went in`, (peer) =>
    peer.answers(
      each(SIZES, (size) => async (ch, { publish, consume }) => {
        await ch.assertQueue(type, { arguments: { "x-queue-type": type } });
        await ch.prefetch(1);
        const args = type === "stream" ? { "x-stream-offset": "next" } : {};
        const consumer = await consume(type, { arguments: args });
        const content = bytes(size);
        const outcome = await publish("", type, content);
        const message = await consumer.nth(1);
        ch.ack(message);
        return [outcome, message.content.length, hash(message.content) === hash(content)];
      }),
    ),
  );
}

conforms("a body that is returned is whole", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  const content = bytes(300_000);
  const outcome = await channel.publish("", "gone", content, { mandatory: true });
  return [outcome, ...channel.returned.map((message) => hash(message.content) === hash(content))];
});
