/** What no client sends, and what is heard of it: the same as from RabbitMQ. */
import { performance } from "node:perf_hooks";
import { conforms } from "../conformance/case.ts";
import type { Peer } from "../conformance/peers.ts";
import { changed } from "../conformance/versions.ts";
import {
  body,
  channelOpen,
  frame,
  HEADER,
  header,
  method,
  open,
  openWire,
  short,
  startOk,
  tuneOk,
  u8,
  u16,
  u64,
} from "../conformance/wire.ts";
import { ANSWERED, type BadInputs, FATAL, TAKEN, TOO_LARGE } from "./bad-inputs.ts";

const LAST = "9 20.11";

/** Of each, on a connection of its own; that another channel opens says that it is gone through. */
async function heardOf(peer: Peer, inputs: BadInputs) {
  const heard = Object.entries(inputs).map(async ([name, frames]) => {
    const wire = await openWire(peer.url);
    wire.send(...frames, channelOpen(9));
    const lines = await wire.until(/^9 20\.11$|^0 10\.50|^socket closed$/);
    wire.close();
    return [name, lines.filter((line) => line !== LAST)] as const;
  });
  return Object.fromEntries(await Promise.all(heard));
}

conforms("what makes no sense is refused", (peer) => heardOf(peer, ANSWERED));

conforms(
  "more than any message can have is refused when it is announced",
  (peer) => heardOf(peer, TOO_LARGE),
  {
    older: [
      {
        before: "4.3.0",
        because: "nobody looked at what was announced",
        saw: () => ({ "more than can be": [], "more than can be counted": [] }),
      },
    ],
  },
);

conforms("what makes little sense is taken", (peer) => heardOf(peer, TAKEN));

conforms("what can't be read ends its connection, and no other", async (peer) => {
  const client = await peer.connect();
  const heard = await heardOf(peer, FATAL);
  const ends = Object.entries(heard).map(([name, lines]) => [name, lines.some(isEnd)] as const);
  return { ...Object.fromEntries(ends), others: client.isOpen };
});

function isEnd(line: string): boolean {
  return line === "socket closed" || line.startsWith("0 10.50");
}

const publish = method(1, [60, 40], u16(0), short(""), short("q"), u8(0));
const MAX_BYTES = 16 * 1024 * 1024;

conforms(
  "a message larger than all is read to its end, and its channel closed",
  (peer) => {
    const part = frame(3, 1, Buffer.alloc(131_064));
    const parts = Array.from({ length: Math.floor(MAX_BYTES / 131_064) }, () => part);
    const rest = body(1, "x".repeat((MAX_BYTES + 1) % 131_064));
    return heardOf(peer, { "one byte more": [publish, header(1, MAX_BYTES + 1), ...parts, rest] });
  },
  {
    older: [
      changed(
        "4.0.0",
        "the largest message had 128 MiB",
        {
          "one byte more": [
            "1 20.40 406 PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216 (60.40)",
          ],
        },
        { "one byte more": [] },
      ),
    ],
  },
);

conforms("as many channels are open as were negotiated, whatever their numbers", async (peer) => {
  const wire = await openWire(peer.url);
  const numbers = Array.from({ length: 3_000 }, (_, at) => 65_000 - at);
  wire.send(...numbers.map(channelOpen));
  const lines = await wire.until(/^0 10\.50/);
  wire.close();
  return { opened: lines.filter((line) => line.endsWith(" 20.11")).length, last: lines.at(-1) };
});

const close = method(0, [10, 50], u16(200), short(""), u16(0), u16(0));

conforms("a close is answered as often as it is sent", async (peer) => {
  const wire = await openWire(peer.url);
  wire.send(close, close);
  const lines = await wire.until(/^0 10\.51$/);
  wire.close();
  return lines.filter((line) => line !== "socket closed");
});

conforms(
  "a channel that both close at once is opened again once both have said so",
  async (peer) => {
    const wire = await openWire(peer.url);
    const closed = method(1, [20, 40], u16(200), short(""), u16(0), u16(0));
    wire.send(method(1, [60, 80], u64(9), u8(0)), closed);
    const lines = [await wire.until(/^1 20\.41$/)];
    wire.send(method(1, [20, 41]), channelOpen(1));
    lines.push(await wire.until(/^1 20\.11$/));
    for (let times = 0; times < 5; times++) {
      wire.send(closed);
      await wire.until(/^1 20\.41$/);
      wire.send(channelOpen(1));
      lines.push(await wire.until(/^1 20\.11$/));
    }
    wire.close();
    return lines;
  },
);

conforms("nothing more is done after a close", async (peer) => {
  const client = await peer.connect();
  const wire = await openWire(peer.url);
  const declare = method(1, [50, 10], u16(0), short("late"), u8(0), Buffer.alloc(4));
  wire.send(close, declare, publish, header(1, 1), body(1, "a"));
  await wire.until(/^0 10\.51$/);
  wire.close();
  return await client.answer((channel) => channel.checkQueue("late"));
});

/** How a handshake ends that goes on like this: in seconds. */
async function secondsOf(peer: Peer, goesOn: (send: (...bytes: Buffer[]) => void) => void) {
  const startedAt = performance.now();
  const wire = await openWire(peer.url, { handshake: false });
  goesOn(wire.send);
  await wire.until(/^socket closed$/);
  wire.close();
  return Math.round((performance.now() - startedAt) / 1_000);
}

conforms("a handshake has ten seconds", async (peer) => {
  const dribble = [HEADER, startOk(), tuneOk(), open(peer.vhost)].flatMap((one) => [...one]);
  const timers: NodeJS.Timeout[] = [];
  const seconds = await Promise.all([
    secondsOf(peer, () => undefined),
    secondsOf(peer, (send) => send(HEADER.subarray(0, 7))),
    secondsOf(peer, (send) => send(HEADER, frame(8, 0))),
    secondsOf(peer, (send) => {
      timers.push(setInterval(() => send(u8(dribble.shift() ?? 0)), 1_000));
    }),
  ]);
  timers.forEach(clearInterval);
  return seconds;
});

conforms("what can't be negotiated ends the handshake", async (peer) => {
  const tunings = {
    "a frame of 1": [2_047, 1],
    "the largest frame": [2_047, 2 ** 32 - 1],
    "the most channels": [65_535, 131_072],
  } as const;
  const endings = Object.entries(tunings).map(async ([name, [channelMax, frameMax]]) => {
    const wire = await openWire(peer.url, { handshake: false });
    wire.send(HEADER, startOk(), tuneOk(channelMax, frameMax), open(peer.vhost));
    const lines = await wire.until(/^socket closed$|^0 10\.50|^0 10\.41$/);
    wire.close();
    return [name, lines] as const;
  });
  return Object.fromEntries(await Promise.all(endings));
});

conforms("a TLS hello is answered like any other protocol", async (peer) => {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array(100).fill(7)]));
  const lines = await wire.until(/^socket closed$/);
  wire.close();
  // Which version is named depends on the broker: 4.x prefers AMQP 1.0.
  return lines.map((line) => line.replace(/^bytes "AMQP.*/, "AMQP …"));
});

conforms(
  "who says nothing for two heartbeats is left alone, and who says something is not",
  async (peer) => {
    const silent = await beating(peer);
    const startedAt = performance.now();
    const alive = await beating(peer);
    const timer = setInterval(() => alive.send(frame(8, 0)), 300);
    const lines = await silent.until(/^socket closed$/);
    const seconds = (performance.now() - startedAt) / 1_000;
    clearInterval(timer);
    alive.send(channelOpen(2));
    const heard = await alive.until(/^2 20\.11$/);
    silent.close();
    alive.close();
    return {
      hasBeaten: lines.includes("0 heartbeat"),
      isInTime: seconds > 1 && seconds < 5,
      isAlive: heard.includes("2 20.11"),
    };
  },
);

/** A connection that has agreed on a heartbeat of one second. */
async function beating(peer: Peer) {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(HEADER, startOk(), tuneOk(2_047, 131_072, 1), open(peer.vhost), channelOpen(1));
  await wire.until(/^1 20\.11$/);
  return wire;
}
