/** The properties of a message ↔ the payload of a content header. */
import { AmqpError } from "./errors.ts";
import { parseTable, type Table, writeTable } from "./fields.ts";

/** In the order of the flags, from the highest bit down. */
const LAYOUT = [
  ["contentType", "shortstr"],
  ["contentEncoding", "shortstr"],
  ["headers", "table"],
  ["deliveryMode", "octet"],
  ["priority", "octet"],
  ["correlationId", "shortstr"],
  ["replyTo", "shortstr"],
  ["expiration", "shortstr"],
  ["messageId", "shortstr"],
  ["timestamp", "timestamp"],
  ["type", "shortstr"],
  ["userId", "shortstr"],
  ["appId", "shortstr"],
  ["clusterId", "shortstr"],
] as const;

type Kinds = { shortstr: Buffer; octet: number; timestamp: Buffer; table: Table };

/** Short strings as bytes: nobody promises that they are text. */
export type Properties = {
  readonly [P in (typeof LAYOUT)[number] as P[0]]?: Kinds[P[1]];
};

/** @throws {AmqpError} 541 for bytes that are none: RabbitMQ's channel dies of them. */
export function decodeProperties(bytes: Buffer): Properties {
  try {
    return decode(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new AmqpError("internal-error", `a content header that can't be read: ${reason}`);
  }
}

function decode(bytes: Buffer): Properties {
  const flags = check(bytes, 2).readUInt16BE(0);
  const found: Record<string, unknown> = {};
  let at = 2;
  // Bit 0 says that more flags follow; nothing uses it.
  for (let index = 0; index < LAYOUT.length; index++) {
    const layout = LAYOUT[index];
    if ((flags & (0x8000 >> index)) === 0 || !layout) continue;
    const [name, kind] = layout;
    const [start, end] = extent(bytes, at, kind);
    check(bytes, end);
    if (kind === "octet") found[name] = bytes.readUInt8(start);
    else if (kind === "table") found[name] = parseTable(bytes.subarray(start, end));
    else found[name] = bytes.subarray(start, end);
    at = end;
  }
  if (at !== bytes.length) throw new RangeError("it goes on too long");
  return found as Properties;
}

/** As a content header has them, with their flags. */
export function encodeProperties(properties: Properties): Buffer {
  let flags = 0;
  const parts: Buffer[] = [];
  for (const [index, [name, kind]] of LAYOUT.entries()) {
    const value = properties[name];
    if (value === undefined) continue;
    flags |= 0x8000 >> index;
    parts.push(...encode(kind, value as never));
  }
  const head = Buffer.alloc(2);
  head.writeUInt16BE(flags, 0);
  return Buffer.concat([head, ...parts]);
}

function encode<K extends keyof Kinds>(kind: K, value: Kinds[K]): readonly Buffer[] {
  if (kind === "octet") return [Buffer.of(value as number)];
  if (kind === "timestamp") return [value as Buffer];
  const content = kind === "table" ? writeTable(value as Table) : (value as Buffer);
  if (kind === "shortstr") return [Buffer.of(content.length), content];
  const size = Buffer.alloc(4);
  size.writeUInt32BE(content.length, 0);
  return [size, content];
}

/** Where a value begins, behind its length, and where it ends. */
function extent(bytes: Buffer, at: number, kind: keyof Kinds): [start: number, end: number] {
  switch (kind) {
    case "octet":
      return [at, at + 1];
    case "timestamp":
      return [at, at + 8];
    case "shortstr":
      return [at + 1, at + 1 + check(bytes, at + 1).readUInt8(at)];
    case "table":
      return [at + 4, at + 4 + check(bytes, at + 4).readUInt32BE(at)];
  }
}

function check(bytes: Buffer, end: number): Buffer {
  if (end <= bytes.length) return bytes;
  throw new RangeError("it ends in the middle of a property");
}
