import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { brief, briefs } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed } from "./versions.ts";

type Limited = { readonly client: Client; readonly channel: Recorded };

async function declare(peer: Peer, args: object): Promise<Limited> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q", { arguments: args });
  return { client, channel };
}

/** Publishes one after the other, and says what became of each and what is left. */
async function publishAll({ client, channel }: Limited, bodies: readonly string[]) {
  const outcomes = [];
  for (const body of bodies) outcomes.push(await channel.publish("", "q", body));
  await client.quiet();
  const left = (await client.drain("q")).map((message) => brief(message).trim());
  return { outcomes: outcomes.join(", "), left: left.join(", ") };
}

/** A body of this size that begins with a name. */
const sized = (name: string, bytes: number) => name.padEnd(bytes);

for (const type of ["classic", "quorum"]) {
  const own = { "x-queue-type": type };

  conforms(`a ${type} queue with a length drops its head`, async (peer) =>
    publishAll(await declare(peer, { ...own, "x-max-length": 3 }), ["1", "2", "3", "4", "5", "6"]),
  );

  conforms(`a ${type} queue with a length of 0 keeps nothing that nobody takes`, async (peer) => {
    const all = await declare(peer, { ...own, "x-max-length": 0 });
    const none = await publishAll(all, ["1", "2"]);
    const consumer = await all.channel.consume("q");
    await all.channel.fill("q", ["3"]);
    await all.client.quiet();
    return { none, messages: consumer.messages.map(brief) };
  });

  conforms(`a ${type} queue with a number of bytes drops its head`, async (peer) => {
    const all = await declare(peer, { ...own, "x-max-length-bytes": 1_000 });
    const bodies = [sized("1", 300), sized("2", 300), sized("3", 300), sized("4", 300)];
    const some = await publishAll(all, bodies);
    const one = await publishAll(all, [sized("5", 300), sized("6", 300), sized("7", 950)]);
    return { some, one, none: await publishAll(all, [sized("8", 300), sized("9", 1_100)]) };
  });

  conforms(`a ${type} queue with both limits keeps both`, async (peer) => {
    const limits = { "x-max-length": 3, "x-max-length-bytes": 1_000 };
    const all = await declare(peer, { ...own, ...limits });
    const short = await publishAll(all, ["1", "2", "3", "4"]);
    return { short, long: await publishAll(all, ["1", sized("2", 600), sized("3", 600)]) };
  });

  conforms(`a ${type} queue with a length does not count what is held`, async (peer) => {
    const { client, channel } = await declare(peer, { ...own, "x-max-length": 2 });
    await channel.fill("q", ["1", "2"]);
    for (let count = 0; count < 2; count++) await channel.take("q");
    const outcomes = await channel.fill("q", ["3", "4"]);
    await client.quiet();
    return { outcomes, left: briefs(await client.drain("q")) };
  });

  conforms(`a ${type} queue that is full rejects, and takes again when it is not`, async (peer) => {
    const limits = { "x-max-length": 2, "x-overflow": "reject-publish" };
    const { client, channel } = await declare(peer, { ...own, ...limits });
    const first = [await channel.publish("", "q", "1"), await channel.publish("", "q", "2")];
    // A quorum queue of RabbitMQ may take one or two more, since it tells its publishers afterwards.
    let outcome = "ack";
    for (let more = 0; more < 5 && outcome === "ack"; more++) {
      await client.quiet();
      outcome = await channel.publish("", "q", "more");
    }
    const left = briefs(await client.drain("q"));
    await client.quiet();
    const again = await channel.publish("", "q", "3");
    return { first, outcome, left: left.slice(0, 4), again };
  });
}

conforms("a classic queue with a length drops what comes back to it", async (peer) =>
  backToFull(await declare(peer, { "x-max-length": 2 })),
);

conforms(
  "a quorum queue with a length drops what comes back to it",
  async (peer) => backToFull(await declare(peer, { "x-queue-type": "quorum", "x-max-length": 2 })),
  {
    older: [
      changed(
        "4.0.0",
        "without a delivery limit it came back to the end",
        "3, 4",
        "1 again, 2 again",
      ),
    ],
  },
);

/** What is left of two that come back to a queue of two. */
async function backToFull({ client, channel }: Limited): Promise<string> {
  await channel.fill("q", ["1", "2"]);
  for (let count = 0; count < 2; count++) await channel.take("q");
  await channel.fill("q", ["3", "4"]);
  channel.raw.nackAll();
  await client.quiet();
  return briefs(await client.drain("q"));
}

const RETURNING: Readonly<Record<string, object>> = {
  "a full classic queue drops what comes back before its consumer gets it": { "x-max-length": 1 },
  // With a delivery limit, since without one 3.x puts at the end what comes back.
  "a full quorum queue gives its consumer what comes back before it drops its head": {
    "x-queue-type": "quorum",
    "x-max-length": 1,
    "x-delivery-limit": 20,
  },
};

for (const [rule, args] of Object.entries(RETURNING)) {
  conforms(rule, async (peer) => {
    const { client, channel } = await declare(peer, args);
    await channel.raw.prefetch(2);
    const consumer = await channel.consume("q");
    for (const body of ["1", "2", "3"]) await channel.fill("q", [body]);
    channel.raw.nack(await consumer.nth(2));
    await consumer.until(3);
    await client.quiet();
    return { got: briefs(consumer.messages), counts: await channel.raw.checkQueue("q") };
  });
}

conforms("the bytes of a classic queue are those of the bodies", async (peer) =>
  publishAll(await declare(peer, { "x-max-length-bytes": 100 }), [sized("1", 50), sized("2", 50)]),
);

conforms(
  "the bytes of a quorum queue are those of the properties too",
  async (peer) => {
    const all = await declare(peer, { "x-queue-type": "quorum", "x-max-length-bytes": 100 });
    const without = await publishAll(all, [sized("1", 50), sized("2", 50)]);
    // Two bytes of flags and an empty table of headers.
    return { without, with: await publishAll(all, [sized("1", 44), sized("2", 44)]) };
  },
  {
    older: [
      changed(
        "4.3.0",
        "they were those of the bodies",
        { without: { left: "2" }, with: { left: "1, 2" } },
        { without: { left: "1, 2" } },
      ),
    ],
  },
);
