import { conforms } from "./case.ts";
import type { Peer } from "./peers.ts";
import { changed } from "./versions.ts";
import {
  body,
  channelOpen,
  frame,
  header,
  method,
  NO_TABLE,
  openWire,
  short,
  u8,
  u16,
  u32,
  u64,
} from "./wire.ts";

/**
 * What is heard after each of these, by their names, each on a connection with channel 1 open; a
 * second channel that opens, or the end of the connection, says that the broker has been through.
 */
async function heardOf(peer: Peer, sent: Readonly<Record<string, readonly Buffer[]>>) {
  const seen = Object.entries(sent).map(async ([name, frames]) => {
    const wire = await openWire(peer.url);
    wire.send(...frames, channelOpen(9));
    const lines = await wire.until(/^9 20\.11$|^0 10\.50|^socket closed$/);
    wire.close();
    return [name, lines.filter((line) => line !== "9 20.11")] as const;
  });
  return Object.fromEntries(await Promise.all(seen));
}

const publish = (flags: number, key = "q") =>
  method(1, [60, 40], u16(0), short(""), short(key), u8(flags));
const channelClose = (channel: number) =>
  method(channel, [20, 40], u16(200), short(""), u16(0), u16(0));
const closeOk = (channel: number) => method(channel, [20, 41]);
const declare = (name: string, flags: number) =>
  method(1, [50, 10], u16(0), short(name), u8(flags), NO_TABLE);
const [PASSIVE, NO_WAIT] = [1, 16];
const IMMEDIATE = 2;

conforms("a channel is opened once, and before it is used", (peer) =>
  heardOf(peer, {
    twice: [channelOpen(1)],
    "not opened": [method(2, [50, 10], u16(0), short("q"), u8(0), NO_TABLE)],
    "closed, not opened": [channelClose(2)],
    "the last": [channelOpen(2_047)],
    "beyond the last": [channelOpen(2_048)],
    "number 0": [channelOpen(0)],
    "closed twice": [channelClose(1), channelClose(1)],
    "close-ok to nothing": [closeOk(1)],
  }),
);

conforms("a channel that an error closes takes nothing until that is acknowledged", (peer) =>
  heardOf(peer, {
    ignored: [declare("gone", PASSIVE), declare("q", 0), publish(0), header(1, 0)],
    "acknowledged and opened": [
      declare("gone", PASSIVE),
      closeOk(1),
      channelOpen(1),
      declare("q", 0),
    ],
    "closed at the same time": [declare("gone", PASSIVE), channelClose(1)],
  }),
);

conforms(
  "a message is a method, a header and its body",
  (peer) =>
    heardOf(peer, {
      "no method": [header(1, 1)],
      "no method, no header": [body(1, "a")],
      "no header": [publish(0), body(1, "a")],
      "another method for a header": [publish(0), declare("q", 0)],
      "another method for a body": [publish(0), header(1, 1), declare("q", 0)],
      "another class": [publish(0), header(1, 0, 50)],
      "a body too long": [publish(0), header(1, 1), body(1, "ab")],
      "an empty body frame": [publish(0), header(1, 1), body(1, ""), body(1, "a"), declare("q", 0)],
      "a body for nothing": [publish(0), header(1, 0), body(1, "a")],
      "a header for a method without one": [declare("q", 0), header(1, 0)],
    }),
  {
    older: [
      changed(
        "4.3.0",
        "a body that was too long was not noticed",
        {
          "a body too long": [
            "0 10.50 501 FRAME_ERROR - content body frame exceeds remaining content size (60.40)",
          ],
        },
        { "a body too long": [] },
      ),
    ],
  },
);

conforms("a frame has a type, a length and an end", (peer) =>
  heardOf(peer, {
    "another type": [frame(7, 1, u8(1))],
    "another end": [Buffer.concat([u8(1), u16(1), u32(1), u8(1), u8(0)])],
    "too long": [Buffer.concat([u8(3), u16(1), u32(200_000), Buffer.alloc(200_001, 0xce)])],
    "a heartbeat": [frame(8, 0), declare("q", 0)],
    "a heartbeat on a channel": [frame(8, 1), declare("q", 0)],
    "a heartbeat with a body": [frame(8, 0, u8(1)), declare("q", 0)],
  }),
);

conforms("a method is one that is known, on the channel where it belongs", (peer) =>
  heardOf(peer, {
    "a reply": [method(1, [50, 11], short("q"), u32(0), u32(0))],
    "of a channel on 0": [method(0, [50, 10], u16(0), short("q"), u8(0), NO_TABLE)],
    "of a connection on a channel": [method(1, [10, 50], u16(200), short(""), u16(0), u16(0))],
    "too short": [method(1, [50, 10], u16(0))],
  }),
);

const named = (name: string) => [u16(0), short(name)];

conforms("what is asked for without an answer is done", (peer) =>
  heardOf(peer, {
    declare: [declare("a", NO_WAIT), declare("a", PASSIVE)],
    "declare refused": [declare("gone", PASSIVE | NO_WAIT)],
    bind: [
      declare("b", NO_WAIT),
      method(1, [50, 20], ...named("b"), short("amq.direct"), short("k"), u8(1), NO_TABLE),
      declare("b", PASSIVE),
    ],
    purge: [
      declare("c", NO_WAIT),
      method(1, [50, 30], ...named("c"), u8(1)),
      declare("c", PASSIVE),
    ],
    exchange: [method(1, [40, 10], ...named("x"), short("topic"), u8(16), NO_TABLE)],
    consume: [
      declare("d", NO_WAIT),
      method(1, [60, 20], ...named("d"), short("tag"), u8(8), NO_TABLE),
    ],
    cancel: [method(1, [60, 30], short("tag"), u8(1))],
    confirms: [method(1, [85, 10], u8(1)), publish(0), header(1, 0)],
    delete: [
      declare("e", NO_WAIT),
      method(1, [50, 40], ...named("e"), u8(4)),
      declare("e", PASSIVE),
    ],
  }),
);

conforms(
  "what is not implemented ends the connection, but for what can be said to be done",
  (peer) =>
    heardOf(peer, {
      immediate: [publish(IMMEDIATE), header(1, 0)],
      "flow off": [method(1, [20, 20], u8(0))],
      "flow on": [method(1, [20, 20], u8(1))],
      "prefetch of bytes": [method(1, [60, 10], u32(1), u16(0), u8(0))],
      "recover for others": [method(1, [60, 110], u8(0))],
      "recover without an answer": [method(1, [60, 100], u8(1)), declare("q", 0)],
      "access to a realm": [method(1, [30, 10], short("/data"), u8(0))],
      "ack of a message in the future": [method(1, [60, 80], u64(7), u8(0))],
    }),
);
