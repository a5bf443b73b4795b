import { conforms } from "./case.ts";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs, headersOf, type Message, whole } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed, noLastDeath } from "./versions.ts";

const older = [noLastDeath];

type Chain = { readonly client: Client; readonly channel: Recorded };

/** Declares queues by their name, each with the name of the queue for its dead letters. */
async function chain(peer: Peer, queues: Readonly<Record<string, readonly [string, object]>>) {
  const client = await peer.connect();
  const channel = await client.channel();
  for (const [queue, [to, others]] of Object.entries(queues)) {
    const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": to, ...others };
    await channel.raw.assertQueue(queue, { arguments: args });
  }
  await channel.raw.assertQueue("end");
  return { client, channel };
}

/** Lets a message die by a nack in one queue after the other, as it comes there. */
async function killIn({ client, channel }: Chain, ...queues: readonly string[]): Promise<void> {
  for (const queue of queues) {
    await client.until(queue, 1);
    await channel.kill(queue);
  }
}

async function atEnd({ client }: Chain): Promise<readonly Message[]> {
  await client.until("end", 1);
  return await client.drain("end");
}

/** The list of deaths, in short. */
function deaths(messages: readonly Message[]): readonly string[] {
  const all = messages.flatMap(({ properties }) => properties.headers?.["x-death"] ?? []);
  return all.map(({ queue, reason, count }) => `${count} ${reason} in ${queue}`);
}

for (const type of ["classic", "quorum"]) {
  const own = { "x-queue-type": type };

  conforms(
    `deaths in several ${type} queues are all told, each with the key it had there`,
    async (peer) => {
      const all = await chain(peer, { a: ["b", own], b: ["end", { ...own, "x-message-ttl": 30 }] });
      await all.channel.raw.bindQueue("a", "amq.topic", "a.#");
      await all.channel.publish("amq.topic", "a.1", "1", { CC: ["a.2"] });
      await killIn(all, "a");
      return (await atEnd(all)).map(whole);
    },
    { older: [{ ...noLastDeath, saw: withoutCc(noLastDeath.saw) }] },
  );

  conforms(
    `deaths in the same ${type} queue for the same reason are counted`,
    async (peer) => {
      const ttl = { ...own, "x-message-ttl": 30 };
      const all = await chain(peer, { a: ["b", own], b: ["c", own], c: ["a", ttl] });
      await all.channel.publish("", "a", "1");
      await killIn(all, "a", "b", "a", "b", "a");
      await all.client.until("b", 1);
      return deaths(await all.client.drain("b"));
    },
    {
      older: [
        changed(
          "4.0.0",
          "deaths were not in the order of the last",
          ["3 rejected in a", "2 expired in c", "2 rejected in b"],
          ["3 rejected in a", "2 rejected in b", "2 expired in c"],
        ),
      ],
    },
  );

  conforms(
    `the expiration that a message had in ${type} queues is told of the death that took it away`,
    async (peer) => {
      const all = await chain(peer, { a: ["b", own], b: ["end", { ...own, "x-message-ttl": 30 }] });
      await all.channel.publish("", "a", "1", { expiration: "20" });
      return (await atEnd(all)).map(whole);
    },
    { older },
  );

  conforms(`a ${type} queue drops what comes back to it without a rejection`, async (peer) => {
    const ttl = { ...own, "x-message-ttl": 30 };
    const { client, channel } = await chain(peer, {
      a: ["b", ttl],
      b: ["a", ttl],
      "expires to itself": ["expires to itself", ttl],
      "rejects to itself": ["rejects to itself", own],
      "is too long for itself": ["is too long for itself", { ...own, "x-max-length": 1 }],
    });
    const queues = ["a", "expires to itself", "rejects to itself"];
    for (const queue of queues) await channel.publish("", queue, queue);
    await channel.fill("is too long for itself", ["1", "2"]);
    await killIn({ client, channel }, "rejects to itself", "rejects to itself");
    await client.until("rejects to itself", 1);
    for (const queue of ["a", "b", "expires to itself"]) await client.until(queue, 0);
    await client.quiet();
    const seen: Record<string, string> = {};
    for (const queue of [...queues, "b", "is too long for itself"]) {
      seen[queue] = (await client.drain(queue)).map(({ content }) => content.toString()).join();
    }
    return seen;
  });

  conforms(`a ${type} queue keeps what came back by a rejection somewhere`, async (peer) => {
    const ttl = { ...own, "x-message-ttl": 60 };
    const all = await chain(peer, { a: ["b", ttl], b: ["a", own] });
    await all.channel.publish("", "a", "1");
    await killIn(all, "b", "b");
    await all.client.until("b", 1);
    return deaths(await all.client.drain("b")).toSorted();
  });
}

/** For a case in which the key is the queue's: see the case of CC in the routes of dead letters. */
function withoutCc(saw: (newer: unknown) => unknown): (newer: unknown) => unknown {
  return (newer) =>
    (saw(newer) as readonly { readonly headers: object }[]).map((message) => {
      const { CC: _, ...headers } = message.headers as { readonly CC?: unknown };
      return { ...message, headers };
    });
}

const DEATH = { queue: "a", reason: "rejected", count: 7, exchange: "", "routing-keys": ["a"] };

conforms(
  "a history that a client sends is passed on, and replaced when the message dies",
  async (peer) => {
    const all = await chain(peer, { a: ["end", {}] });
    const headers = { "x-death": [DEATH], "x-first-death-queue": "y", "x-last-death-queue": "z" };
    await all.channel.publish("", "a", "1", { headers });
    const alive = await all.channel.take("a");
    all.channel.raw.nack(alive, false, false);
    return { alive: headersOf(alive), dead: (await atEnd(all)).map(headersOf) };
  },
  {
    older: [
      changed(
        "4.0.0",
        "a history of a client was gone on with",
        { dead: [{ "x-death": [{ ...DEATH, count: 1, time: "<time>" }] }] },
        {
          dead: [
            {
              "x-death": [{ ...DEATH, count: 8 }],
              "x-first-death-queue": "y",
              "x-last-death-queue": "z",
            },
          ],
        },
      ),
    ],
  },
);

conforms(
  "a history of a client does not make a cycle",
  async (peer) => {
    const all = await chain(peer, { a: ["end", { "x-message-ttl": 30 }] });
    const death = { ...DEATH, queue: "end", reason: "expired" };
    await all.channel.publish("", "a", "1", { headers: { "x-death": [death] } });
    await all.client.until("a", 0);
    await all.client.quiet();
    return briefs(await all.client.drain("end"));
  },
  { older: [changed("4.0.0", "a history of a client was looked at for cycles", "1", "")] },
);

conforms("what came again and expires then is new where it goes", async (peer) => {
  const ttl = { "x-message-ttl": 150 };
  const all = await chain(peer, {
    classic: ["end", ttl],
    quorum: ["end", { ...ttl, "x-queue-type": "quorum" }],
  });
  for (const queue of ["classic", "quorum"]) {
    await all.channel.publish("", queue, queue);
    all.channel.raw.nack(await all.channel.take(queue));
  }
  await all.client.until("end", 2);
  return (await all.client.drain("end")).map(({ fields }) => fields.redelivered);
});
