import amqplib from "amqplib";
import { conforms } from "./case.ts";
import { closing } from "./observe.ts";
import type { Peer } from "./peers.ts";
import {
  channelOpen,
  frame,
  HEADER,
  method,
  open,
  openWire,
  short,
  startOk,
  tuneOk,
  u8,
  u16,
} from "./wire.ts";

conforms("a broker says who it is and what it can", async (peer) => {
  const { model } = await peer.connect();
  const { capabilities, ...properties } = model.connection.serverProperties;
  return { capabilities, known: Object.keys(properties).sort() };
});

/** What comes of connecting with these options of amqplib. */
async function connecting(peer: Peer, query: string, credentials?: string): Promise<string> {
  const url = new URL(`${peer.url}?${query}`);
  const [username = url.username, password = url.password] = credentials?.split(":") ?? [];
  Object.assign(url, { username, password });
  const model = await amqplib.connect(url.href, { noDelay: true, timeout: 10_000 }).catch(String);
  if (typeof model === "string") return model;
  model.on("error", () => undefined);
  await model.createChannel();
  const ended = new Promise<string>((resolve) => {
    model.on("close", (reason?: Error) => resolve(closing("connection", reason)));
  });
  await model.close();
  return `open, then ${await ended}`;
}

conforms("what a client negotiates is kept, and who it says it is is looked at", async (peer) => ({
  frames: await connecting(peer, "frameMax=8192"),
  channels: await connecting(peer, "channelMax=1"),
  heartbeat: await connecting(peer, "heartbeat=5"),
  "no heartbeat": await connecting(peer, "heartbeat=0"),
  password: await connecting(peer, "", "guest:wrong"),
  user: await connecting(peer, "", "somebody:guest"),
}));

conforms("bodies come in frames no longer than was negotiated", async (peer) => {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(HEADER, startOk(), tuneOk(2_047, 8_192), open(peer.vhost), channelOpen(1));
  await wire.until(/^1 20\.11$/);
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("q");
  for (const size of [8_184, 8_185, 20_000]) await channel.publish("", "q", Buffer.alloc(size));
  const get = method(1, [60, 70], u16(0), short("q"), u8(1));
  wire.send(get, get, get);
  const lines = await wire.until(/^1 body 3632$/);
  wire.close();
  return lines;
});

conforms("more channels than were negotiated are not opened", async (peer) => {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(HEADER, startOk(), tuneOk(2, 131_072), open(peer.vhost));
  await wire.until(/^0 10\.41$/);
  wire.send(channelOpen(1), channelOpen(2), channelOpen(3));
  const lines = await wire.until(/^0 10\.50|closed/);
  wire.close();
  return lines;
});

conforms("heartbeats are sent, and who sends none is cut off", async (peer) => {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(HEADER, startOk(), tuneOk(2_047, 131_072, 1), open(peer.vhost));
  await wire.until(/^0 10\.41$/);
  const began = performance.now();
  const lines = await wire.until(/^socket closed$/);
  const ms = performance.now() - began;
  wire.close();
  return { lines: [...new Set(lines)], inTime: ms > 1_500 && ms < 8_000 };
});

conforms("who sends heartbeats is not cut off, and any other frame is one", async (peer) => {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(HEADER, startOk(), tuneOk(2_047, 131_072, 1), open(peer.vhost), channelOpen(1));
  await wire.until(/^1 20\.11$/);
  const seen = new Set<string>();
  for (let count = 0; count < 5; count++) {
    wire.send(frame(8, 0));
    for (const line of await wire.until(/heartbeat/)) seen.add(line);
  }
  wire.close();
  return [...seen];
});

conforms("a connection that is closed is closed politely, with nothing after it", async (peer) => {
  const wire = await openWire(peer.url);
  const close = method(0, [10, 50], u16(200), short("bye"), u16(0), u16(0));
  wire.send(close, channelOpen(2), method(1, [50, 10], u16(0), short("q"), u8(0), Buffer.alloc(4)));
  const lines = await wire.until(/^socket closed$|^0 10\.51$/);
  wire.close();
  const there = await peer.answers({ "what came after": (ch) => ch.checkQueue("q") });
  return { first: lines[0], there };
});

conforms("the secret of a user can be sent again", async (peer) => {
  const { model } = await peer.connect();
  const secret = model.updateSecret(Buffer.from("guest"), "it is the same").then(() => "ok");
  const ended = new Promise<string>((resolve) => {
    model.on("close", (reason?: Error) => resolve(closing("connection", reason)));
  });
  return await Promise.race([secret, ended]);
});
