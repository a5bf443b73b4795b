import type { Duplex } from "node:stream";
import { conforms } from "./case.ts";
import type { Client } from "./client.ts";
import { dying } from "./dead-letters.ts";
import type { Peer } from "./peers.ts";
import { changed, noLastDeath } from "./versions.ts";
import { split } from "./wire.ts";

/** The types of the headers that come in while `use` runs, a list for each message. */
async function headerTypes(client: Client, use: () => Promise<unknown>): Promise<unknown[]> {
  const { stream } = client.model.connection as unknown as { readonly stream: Duplex };
  const chunks: Buffer[] = [];
  const keep = (chunk: Buffer) => void chunks.push(chunk);
  stream.on("data", keep);
  await use();
  stream.off("data", keep);
  const { frames } = split(Buffer.concat(chunks));
  return frames.filter(({ type }) => type === 2).map(({ payload }) => typesOf(payload));
}

// Class, weight, size; then the flags, of which that of the headers is the third.
function typesOf(payload: Buffer): unknown {
  const flags = payload.readUInt16BE(12);
  if ((flags & 0b0010_0000_0000_0000) === 0) return "no headers";
  let at = 14;
  for (const flag of [0b1000_0000_0000_0000, 0b0100_0000_0000_0000]) {
    if (flags & flag) at += 1 + payload.readUInt8(at);
  }
  return new Types(payload, at).table();
}

class Types {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  table(): Record<string, unknown> {
    const types: Record<string, unknown> = {};
    for (const end = this.#end(); this.#at < end; ) {
      const length = this.#bytes.readUInt8(this.#at);
      const key = this.#bytes.toString("utf8", this.#at + 1, this.#at + 1 + length);
      this.#at += 1 + length;
      types[key] = this.#value();
    }
    return types;
  }

  #end(): number {
    const size = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return this.#at + size;
  }

  #value(): unknown {
    const type = this.#bytes.toString("latin1", this.#at, ++this.#at);
    if (type === "F") return this.table();
    if (type === "A") {
      const types = [];
      for (const end = this.#end(); this.#at < end; ) types.push(this.#value());
      return types;
    }
    if (type === "S" || type === "x") this.#at = this.#end();
    else this.#at += SIZES[type] ?? 0;
    return type;
  }
}

const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  t: 1,
  s: 2,
  u: 2,
  I: 4,
  i: 4,
  f: 4,
  D: 5,
  l: 8,
  d: 8,
  T: 8,
};

conforms(
  "the history of a dead letter has these types",
  async (peer) => {
    const { client, channel, send } = await dying(peer);
    await send("1", { expiration: "20", headers: {} });
    await client.until("dead", 1);
    return await headerTypes(client, () => channel.take("dead"));
  },
  { older: [noLastDeath] },
);

conforms(
  "the counts of a quorum queue have these types",
  async (peer) => {
    const client = await peer.connect();
    const channel = await client.channel();
    await channel.raw.assertQueue("q", { arguments: { "x-queue-type": "quorum" } });
    await channel.fill("q", ["1"]);
    channel.raw.reject(await channel.take("q"));
    await client.until("q", 1);
    return await headerTypes(client, () => channel.take("q"));
  },
  {
    older: [
      changed(
        "4.3.0",
        "acquisitions were not counted",
        [{ "x-acquired-count": "l", "x-delivery-count": "l" }],
        [{ "x-delivery-count": "l" }],
      ),
    ],
  },
);

conforms("the offset of a stream's message has this type", async (peer) => {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("s", { arguments: { "x-queue-type": "stream" } });
  await channel.fill("s", ["1"]);
  await channel.raw.prefetch(1);
  return await headerTypes(client, async () => {
    const args = { "x-stream-offset": "first" };
    await (await channel.consume("s", { arguments: args })).until(1);
  });
});

const typed = (name: string, value: unknown) => ({ "!": name, value });
// What AMQP 1.0 knows too, in which a stream keeps it.
const SIMPLE: Readonly<Record<string, unknown>> = {
  byte: 1,
  "unsigned byte": typed("uint8", 200),
  short: 300,
  "unsigned short": typed("uint16", 60_000),
  int: 70_000,
  "unsigned int": typed("uint32", 4_000_000_000),
  long: typed("long", 1),
  float: typed("float", 0.5),
  double: typed("double", 0.5),
  time: typed("timestamp", 1),
  text: "a",
  yes: true,
};
const OTHERS: Readonly<Record<string, unknown>> = {
  decimal: typed("decimal", { places: 1, digits: 1 }),
  bytes: Buffer.from("a"),
  void: null,
  list: [1, 300, "a"],
  table: { a: 70_000 },
};

/** The types of these headers as they come out of a queue of this type. */
async function passedOn(peer: Peer, type: string, headers: object): Promise<unknown> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue(type, { arguments: { "x-queue-type": type } });
  await channel.publish("", type, "1", { headers });
  await channel.raw.prefetch(1);
  return await headerTypes(client, async () => {
    const args = type === "stream" ? { "x-stream-offset": "first" } : {};
    await (await channel.consume(type, { arguments: args })).until(1);
  });
}

for (const type of ["classic", "quorum"]) {
  conforms(`headers keep their types in a ${type} queue`, (peer) =>
    passedOn(peer, type, { ...SIMPLE, ...OTHERS }),
  );
}

conforms("headers keep their types in a stream", (peer) => passedOn(peer, "stream", SIMPLE));
