import { conforms } from "./case.ts";
import { type Recorded, tagged } from "./channel.ts";
import type { Client } from "./client.ts";
import { briefs, headersOf } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed, everyReturnCounts } from "./versions.ts";

type Way = (recorded: Recorded, client: Client) => unknown;

// What gives back the one message that a channel holds.
const WAYS: Readonly<Record<string, Way>> = {
  nack: ({ raw }) => raw.nack(tagged(1)),
  "nack of all": ({ raw }) => raw.nackAll(),
  reject: ({ raw }) => raw.reject(tagged(1)),
  recover: ({ raw }) => raw.recover(),
  "channel close": ({ close }) => close(),
  "connection close": (_, client) => client.close(),
  "connection cut": (_, client) => client.cut(),
};

async function declare(client: Client, args: object, bodies: readonly string[]): Promise<void> {
  const { raw, fill, close } = await client.channel();
  await raw.assertQueue("q", { arguments: { "x-queue-type": "quorum", ...args } });
  await fill("q", bodies);
  await close();
}

/** Takes a message and gives it back, and says what it carried. */
async function giveBack(peer: Peer, way: Way): Promise<Readonly<Record<string, unknown>>> {
  const client = await peer.connect();
  const channel = await client.channel();
  const message = await channel.take("q");
  await way(channel, client);
  return { redelivered: message.fields.redelivered, ...headersOf(message) };
}

for (const [name, way] of Object.entries(WAYS)) {
  conforms(
    `a quorum queue counts what comes back: ${name}`,
    async (peer) => {
      const client = await peer.connect();
      await declare(client, {}, ["1"]);
      const seen = [];
      for (let count = 0; count < 3; count++) {
        await client.until("q", 1);
        seen.push(await giveBack(peer, way));
      }
      return seen;
    },
    { older: everyReturnCounts },
  );
}

/** How often a message can be taken and given back, up to a bound that stands for always. */
async function countTaken(peer: Peer, args: object, way: Way, most: number): Promise<string> {
  const client = await peer.connect();
  await declare(client, args, ["1"]);
  for (let taken = 0; taken < most; taken++) {
    const channel = await client.channel();
    const message = await channel.raw.get("q");
    if (message === false) return `${taken} times`;
    await way(channel, client);
    await client.quiet();
    await channel.close();
  }
  return "always";
}

const LIMITS: Readonly<Record<string, object>> = {
  "3": { "x-delivery-limit": 3 },
  "1": { "x-delivery-limit": 1 },
  "0": { "x-delivery-limit": 0 },
};

for (const [name, args] of Object.entries(LIMITS)) {
  conforms(`a delivery limit of ${name} ends it after so many rejects`, (peer) =>
    countTaken(peer, args, ({ raw }) => raw.reject(tagged(1)), 8),
  );
}

conforms(
  "without a delivery limit it is 20, and a negative one is none",
  async (peer) => {
    const reject: Way = ({ raw }) => raw.reject(tagged(1));
    const byDefault = await countTaken(peer, {}, reject, 25);
    await (await peer.connect()).answer((ch) => ch.deleteQueue("q"));
    return { byDefault, negative: await countTaken(peer, { "x-delivery-limit": -1 }, reject, 25) };
  },
  {
    older: [
      changed(
        "4.0.0",
        "no limit was none, and a negative one was always reached",
        { byDefault: "21 times", negative: "always" },
        { byDefault: "always", negative: "1 times" },
      ),
    ],
  },
);

conforms(
  "a nack does not count towards a delivery limit, nor does recover; a channel's end does",
  async (peer) => {
    const seen: Record<string, unknown> = {};
    for (const name of ["nack", "nack of all", "recover", "channel close"]) {
      const way = WAYS[name] ?? (() => undefined);
      seen[name] = await countTaken(peer, { "x-delivery-limit": 2 }, way, 6);
      await (await peer.connect()).answer((ch) => ch.deleteQueue("q"));
    }
    return seen;
  },
  {
    older: [
      changed(
        "4.3.0",
        "whatever came back to a quorum queue counted",
        { nack: "always", "nack of all": "always", recover: "always" },
        { nack: "3 times", "nack of all": "3 times", recover: "3 times" },
      ),
    ],
  },
);

conforms(
  "what comes back to a quorum queue is the first again, in the order in which it came back",
  async (peer) => {
    const client = await peer.connect();
    await declare(client, {}, ["1", "2", "3", "4"]);
    const channel = await client.channel();
    for (let count = 0; count < 3; count++) await channel.take("q");
    channel.raw.nack(tagged(2));
    await client.until("q", 2);
    channel.raw.nack(tagged(1));
    await client.until("q", 3);
    return briefs(await client.drain("q"));
  },
  {
    older: [
      changed(
        "4.0.0",
        "what came back to a quorum queue without a limit was the last",
        "2 again, 1 again, 4",
        "4, 2 again, 1 again",
      ),
    ],
  },
);
