/** What no client sends, by names: on a connection whose channel 1 is open. */
import {
  body,
  channelOpen,
  frame,
  header,
  method,
  NO_TABLE,
  short,
  u8,
  u16,
  u32,
  u64,
} from "../conformance/wire.ts";
import type { Random } from "../support/random.ts";

export type BadInputs = Readonly<Record<string, readonly Buffer[]>>;

const bytes = (length: number) => Buffer.alloc(length);
/** Not UTF-8. */
const BROKEN = Buffer.from([0x61, 0xff]);
/** The first bytes of a character. */
const CUT = Buffer.from([0x61, 0xe2, 0x82]);
const name = (text: Buffer) => Buffer.concat([u8(text.length), text]);

const [DECLARE, EXCHANGE_DECLARE, CANCEL, PUBLISH] = [
  [50, 10],
  [40, 10],
  [60, 30],
  [60, 40],
] as const;
const EXCLUSIVE = 4;

function publish(key: Buffer = Buffer.from("q"), exchange = ""): Buffer {
  return method(1, PUBLISH, u16(0), short(exchange), name(key), u8(0));
}

function declare(args: Buffer, queue = Buffer.from("q")): Buffer {
  return method(1, DECLARE, u16(0), name(queue), u8(EXCLUSIVE), u32(args.length), args);
}

/** A content header of a message without a body, with these properties. */
function properties(...parts: readonly Buffer[]): Buffer {
  return frame(2, 1, u16(60), u16(0), u64(0), ...parts);
}

/** A table in a table in a table …, as deep. */
export function nested(depth: number): Buffer {
  const parts: Buffer[] = [];
  for (let size = 0; parts.length < depth; size += 7) {
    parts.unshift(Buffer.concat([short("a"), Buffer.from("F"), u32(size)]));
  }
  return Buffer.concat(parts);
}

const field = (letter: string, ...value: readonly Buffer[]) =>
  Buffer.concat([short("a"), Buffer.from(letter), ...value]);

/** Each is answered with the same close by every broker. */
export const ANSWERED: BadInputs = {
  "a method without arguments": [method(1, DECLARE)],
  "a method that ends in a name": [method(1, DECLARE, u16(0), u8(9, 65))],
  "a method without its table": [method(1, DECLARE, u16(0), short("q"), u8(0))],
  "a method that goes on": [method(1, DECLARE, u16(0), short("q"), u8(0), NO_TABLE, bytes(3))],
  "a table longer than its method": [method(1, DECLARE, u16(0), short("q"), u8(0), u32(500))],
  "half of a method's id": [frame(1, 1, u16(50))],
  "no method's id": [frame(1, 1)],
  "no method's id on channel 0": [frame(1, 0, u8(0, 10, 0))],
  "half of a header": [publish(), frame(2, 1, bytes(5))],
  "half of a header before a method": [frame(2, 1, bytes(5))],
  "a header with a weight": [publish(), frame(2, 1, u16(60), u16(1), u64(0), u16(0))],
  "a header on channel 0": [frame(2, 0, u16(60), u16(0), u64(0), u16(0))],
  "a body on channel 0": [frame(3, 0, bytes(1))],
  "a message on channel 0": [method(0, PUBLISH, u16(0), short(""), short("q"), u8(0))],
  "channel 0 opened": [channelOpen(0)],
  "a header on no channel": [header(7, 0)],
  "a message on no channel": [
    method(7, PUBLISH, u16(0), short(""), short("q"), u8(0)),
    header(7, 0),
  ],
  "a length beyond all": [Buffer.concat([u8(3), u16(1), Buffer.alloc(4, 255)])],
  "an end that is none": [Buffer.concat([u8(1), u16(1), u32(2), u16(7), u8(0)])],
  "a queue's name": [declare(bytes(0), BROKEN)],
  "a name that is cut": [declare(bytes(0), CUT)],
  "an exchange's name": [
    method(1, EXCHANGE_DECLARE, u16(0), name(BROKEN), short("topic"), u8(0), NO_TABLE),
  ],
  "an exchange's type": [
    method(1, EXCHANGE_DECLARE, u16(0), short("x"), name(BROKEN), u8(0), NO_TABLE),
  ],
  "a consumer's tag": [method(1, CANCEL, name(BROKEN), u8(0))],
  "a text of a close": [method(0, [10, 50], u16(200), name(BROKEN), u16(0), u16(0))],
};

/** Announcements that are refused before anything comes. */
export const TOO_LARGE: BadInputs = {
  "more than can be": [publish(), header(1, 600 * 2 ** 20)],
  "more than can be counted": [
    publish(),
    frame(2, 1, u16(60), u16(0), Buffer.alloc(8, 255), u16(0)),
  ],
};

/** Each is taken by every broker. */
export const TAKEN: BadInputs = {
  "a message's key": [publish(BROKEN), header(1, 0)],
  "a property's text": [publish(), properties(u16(0x8000), name(BROKEN))],
  "a table's key": [declare(Buffer.concat([name(BROKEN), Buffer.from("t"), u8(1)]))],
  "flags that nobody knows": [publish(), properties(u16(2))],
  "a body in pieces of nothing": [publish(), header(1, 1), body(1, ""), body(1, ""), body(1, "a")],
  "a table in a table in a table": [declare(nested(18_000))],
};

/** RabbitMQ's connection dies of each without a word, or with `INTERNAL_ERROR` for its only one. */
export const FATAL: BadInputs = {
  "an unknown method": [method(1, [50, 99])],
  "an unknown class": [method(1, [51, 10])],
  "an unknown method on channel 0": [method(0, [10, 99])],
  "an unknown method on no channel": [method(7, [50, 99])],
  "a field of no type": [declare(field("Z", u8(1)))],
  "a text longer than its table": [declare(field("S", u32(500)))],
  "a table longer than its table": [declare(field("F", u32(500)))],
  "a key longer than its table": [declare(u8(200, 65))],
  "a field without its value": [declare(field("l", bytes(3)))],
  "a field of no type in a table": [declare(field("F", u32(3), short("b"), Buffer.from("Z")))],
  "a field of no type in a list": [declare(field("A", u32(1), Buffer.from("Z")))],
  "no properties": [publish(), properties()],
  "half of the flags": [publish(), properties(u8(0))],
  "a property that is cut": [publish(), properties(u16(0x8000), u8(9, 65))],
  "properties that go on": [publish(), properties(u16(0), bytes(3))],
  "more flags": [publish(), properties(u16(1), u16(0))],
  "headers of no type": [publish(), properties(u16(0x2000), u32(4), field("Z", u8(1)))],
};

/** All of them, each as it goes over the wire. */
export function inputs(): readonly Buffer[] {
  const all = Object.values({ ...ANSWERED, ...TOO_LARGE, ...TAKEN, ...FATAL });
  return all.map((frames) => Buffer.concat([...frames]));
}

/** Half of them as they are, and the others with some bytes changed. */
export function garble(random: Random, input: Buffer): Buffer {
  const garbled = Buffer.from(input);
  if (random.below(2) === 0) return garbled;
  for (let times = random.below(4) + 1; times > 0; times--) {
    garbled[random.below(garbled.length)] = random.below(256);
  }
  return garbled;
}
