import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import amqplib from "amqplib";

/** A way to the broker on which one sees who connects, and who ends what for an error. */
export type Wire = {
  /** The same url, by this way. */
  readonly url: string;
  /** In order: `connected`, `the broker closed a channel: 406`. An orderly end is no event. */
  readonly events: readonly string[];
  close(): Promise<void>;
};

/** Relays to the broker of a url on 127.0.0.1, and reads along. */
export async function startWire(target: string): Promise<Wire> {
  const sockets: Socket[] = [];
  const events: string[] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const port = Number(new URL(target).port || 5672);
    const broker = connect({ port, host: "127.0.0.1", noDelay: true });
    for (const socket of [client, broker]) socket.on("error", () => undefined);
    sockets.push(client, broker);
    events.push("connected");
    client.on("data", closesOf("the runner", PROTOCOL_HEADER.length, events)).pipe(broker);
    broker.on("data", closesOf("the broker", 0, events)).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(target), { hostname: "127.0.0.1", port }).href,
    events,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const PROTOCOL_HEADER = "AMQP\0\0\x09\x01";
const [METHOD, HEADER, BODY] = [1, 2, 3];
const CLOSES: Readonly<Record<string, string>> = { "10.50": "connection", "20.40": "channel" };

/** Finds connection.close and channel.close whose reply code is not 200, in the frames after `skipped`. */
function closesOf(who: string, skipped: number, events: string[]): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let toSkip = skipped;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]).subarray(toSkip);
    toSkip = 0;
    while (rest.length >= 7 && rest.length >= 8 + rest.readUInt32BE(3)) {
      const size = rest.readUInt32BE(3);
      const payload = rest.subarray(7, 7 + size);
      if (rest[0] === METHOD && size >= 6) {
        const what = CLOSES[`${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`];
        const code = payload.readUInt16BE(4);
        if (what !== undefined && code !== 200) events.push(`${who} closed a ${what}: ${code}`);
      }
      rest = rest.subarray(8 + size);
    }
  };
}

/** A message in bytes, for what amqplib would not send. */
export type RawMessage = {
  readonly exchange: string;
  readonly routingKey: string;
  /** The flags of the properties, then the properties. */
  readonly properties: Buffer;
  readonly body: string;
};

/** Publishes it, and waits until the broker has read it. @throws {Error} if the broker refuses. */
export async function publishRaw(url: string, message: RawMessage): Promise<void> {
  const { exchange, routingKey, properties, body } = message;
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createChannel();
  const { stream } = model.connection as unknown as { readonly stream: Socket };
  const publish = Buffer.from([0, 60, 0, 40, 0, 0]);
  const bodySize = Buffer.alloc(8);
  bodySize.writeUInt32BE(Buffer.byteLength(body), 4);
  const header = [Buffer.from([0, 60, 0, 0]), bodySize, properties];
  stream.write(frame(METHOD, [publish, short(exchange), short(routingKey), Buffer.alloc(1)]));
  stream.write(frame(HEADER, header));
  stream.write(frame(BODY, [Buffer.from(body)]));
  // An answer on the same channel: the broker has read what was sent before.
  await channel.checkExchange(exchange);
  await channel.close();
  await model.close();
}

/** On channel 1. */
function frame(type: number, parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const head = Buffer.from([type, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

/** A short string, of any bytes: its length in one byte, then they. */
export function short(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** A long string or a table, of any bytes: its length in four bytes, then they. */
export function long(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
