/**
 * Field tables: named values that carry their type, as headers and arguments are on the wire. Names
 * of types are RabbitMQ's, which its error texts show.
 *
 * @see https://www.rabbitmq.com/amqp-0-9-1-errata
 */
import { AmqpError } from "./errors.ts";

export type IntegerType =
  | "byte"
  | "unsignedbyte"
  | "short"
  | "unsignedshort"
  | "signedint"
  | "unsignedint"
  | "long";

export type Field =
  | { readonly type: IntegerType; readonly value: number | bigint }
  | { readonly type: "timestamp"; readonly value: number | bigint }
  | { readonly type: "float" | "double"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | {
      readonly type: "decimal";
      readonly value: { readonly scale: number; readonly digits: number };
    }
  | { readonly type: "longstr" | "binary"; readonly value: Buffer }
  /** The encoded contents, which are decoded where somebody asks: see `readTable`, `readArray`. */
  | { readonly type: "table" | "array"; readonly value: Buffer }
  | { readonly type: "void"; readonly value: null };

/** In the order of the wire; a name may be there twice, and then the first counts. */
export type Table = readonly (readonly [name: string, field: Field])[];

/** How a type is read and written at an offset; `size` is null where the value says its own. */
type Codec = {
  readonly type: Field["type"];
  readonly size: number | null;
  readonly read: (bytes: Buffer, at: number) => Field["value"];
  readonly write: (bytes: Buffer, at: number, value: never) => void;
};

const CODECS: Readonly<Record<string, Codec>> = {
  t: codec(
    "bool",
    1,
    (b, at) => b[at] !== 0,
    (b, at, value: boolean) => b.writeUInt8(+value, at),
  ),
  b: codec(
    "byte",
    1,
    (b, at) => b.readInt8(at),
    (b, at, v: number) => b.writeInt8(v, at),
  ),
  B: codec(
    "unsignedbyte",
    1,
    (b, at) => b.readUInt8(at),
    (b, at, v: number) => b.writeUInt8(v, at),
  ),
  s: codec(
    "short",
    2,
    (b, at) => b.readInt16BE(at),
    (b, at, v: number) => b.writeInt16BE(v, at),
  ),
  u: codec(
    "unsignedshort",
    2,
    (b, at) => b.readUInt16BE(at),
    (b, at, v: number) => b.writeUInt16BE(v, at),
  ),
  I: codec(
    "signedint",
    4,
    (b, at) => b.readInt32BE(at),
    (b, at, v: number) => b.writeInt32BE(v, at),
  ),
  i: codec(
    "unsignedint",
    4,
    (b, at) => b.readUInt32BE(at),
    (b, at, v: number) => b.writeUInt32BE(v, at),
  ),
  l: codec("long", 8, (b, at) => narrow(b.readBigInt64BE(at)), writeLong),
  L: codec("long", 8, (b, at) => narrow(b.readBigInt64BE(at)), writeLong),
  T: codec(
    "timestamp",
    8,
    (b, at) => narrow(b.readBigUInt64BE(at)),
    (b, at, v: number | bigint) => b.writeBigUInt64BE(BigInt(v), at),
  ),
  f: codec(
    "float",
    4,
    (b, at) => b.readFloatBE(at),
    (b, at, v: number) => b.writeFloatBE(v, at),
  ),
  d: codec(
    "double",
    8,
    (b, at) => b.readDoubleBE(at),
    (b, at, v: number) => b.writeDoubleBE(v, at),
  ),
  D: codec("decimal", 5, readDecimal, writeDecimal),
  V: codec(
    "void",
    0,
    () => null,
    () => undefined,
  ),
  S: codec("longstr", null, readBytes, () => undefined),
  x: codec("binary", null, readBytes, () => undefined),
  F: codec("table", null, readBytes, () => undefined),
  A: codec("array", null, readBytes, () => undefined),
};

/** The letter of each type; a `long` is written as `l`. */
const LETTERS: Readonly<Record<Field["type"], string>> = Object.fromEntries(
  Object.entries(CODECS)
    .filter(([letter]) => letter !== "L")
    .map(([letter, { type }]) => [type, letter]),
) as Record<Field["type"], string>;

const INTEGER_TYPES: ReadonlySet<string> = new Set<IntegerType>([
  "byte",
  "unsignedbyte",
  "short",
  "unsignedshort",
  "signedint",
  "unsignedint",
  "long",
]);

export function isInteger(field: Field): field is Extract<Field, { readonly type: IntegerType }> {
  return INTEGER_TYPES.has(field.type);
}

type Nesting = Extract<Field, { readonly type: "table" | "array" }>;

function isNesting(field: Field): field is Nesting {
  return field.type === "table" || field.type === "array";
}

/** The first field of this name. */
export function lookup(table: Table, name: string): Field | undefined {
  for (const [key, field] of table) if (key === name) return field;
  return undefined;
}

/** The text of a field that is one. */
export function textOf(field: Field | undefined): string | undefined {
  return field?.type === "longstr" ? field.value.toString() : undefined;
}

export function longstr(value: string): Field {
  return { type: "longstr", value: Buffer.from(value) };
}

export function long(value: number): Field {
  return { type: "long", value };
}

export function tableField(table: Table): Field {
  return { type: "table", value: writeTable(table) };
}

export function arrayField(fields: readonly Field[]): Field {
  return { type: "array", value: Buffer.concat(fields.map(encodeField)) };
}

/**
 * What a client sent.
 *
 * @throws {AmqpError} 502 for what is no table, or holds what is none, however deep.
 */
export function parseTable(bytes: Buffer): Table {
  const table = readTable(bytes);
  const nested: Nesting[] = [];
  for (const [, field] of table) if (isNesting(field)) nested.push(field);
  // No recursion: depth is a client's choice.
  for (let field = nested.pop(); field; field = nested.pop()) {
    const fields =
      field.type === "array"
        ? readArray(field.value)
        : readTable(field.value).map(([, one]) => one);
    for (const one of fields) if (isNesting(one)) nested.push(one);
  }
  return table;
}

/** @throws {AmqpError} 502 for what is no table. */
export function readTable(bytes: Buffer): Table {
  const table: [string, Field][] = [];
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + need(bytes, at, 1).readUInt8(at);
    const name = need(bytes, at + 1, nameEnd - at - 1).toString("utf8", at + 1, nameEnd);
    const [field, end] = decodeField(bytes, nameEnd);
    table.push([name, field]);
    at = end;
  }
  return table;
}

/** @throws {AmqpError} 502 for what is no array. */
export function readArray(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [field, end] = decodeField(bytes, at);
    fields.push(field);
    at = end;
  }
  return fields;
}

/** Without the length that stands before a table. */
export function writeTable(table: Table): Buffer {
  return Buffer.concat(
    table.flatMap(([name, field]) => {
      // What a short string can't hold (it was no UTF-8, and grew) is cut.
      const text = Buffer.from(name).subarray(0, 255);
      return [Buffer.of(text.length), text, encodeField(field)];
    }),
  );
}

function decodeField(bytes: Buffer, at: number): [Field, end: number] {
  const letter = String.fromCharCode(need(bytes, at, 1).readUInt8(at));
  const known = CODECS[letter];
  if (!known) throw new AmqpError("syntax-error", `unknown field type '${letter}'`);
  const start = at + 1;
  if (known.size === null) {
    const end = start + 4 + need(bytes, start, 4).readUInt32BE(start);
    need(bytes, start + 4, end - start - 4);
    return [{ type: known.type, value: bytes.subarray(start + 4, end) } as Field, end];
  }
  need(bytes, start, known.size);
  return [{ type: known.type, value: known.read(bytes, start) } as Field, start + known.size];
}

function encodeField({ type, value }: Field): Buffer {
  const letter = LETTERS[type];
  const { size, write } = CODECS[letter] ?? { size: 0, write: () => undefined };
  if (size === null) {
    const content = value as Buffer;
    const head = Buffer.alloc(5);
    head.write(letter, 0, "latin1");
    head.writeUInt32BE(content.length, 1);
    return Buffer.concat([head, content]);
  }
  const bytes = Buffer.alloc(1 + size);
  bytes.write(letter, 0, "latin1");
  write(bytes, 1, value as never);
  return bytes;
}

function need(bytes: Buffer, at: number, count: number): Buffer {
  if (at + count <= bytes.length) return bytes;
  throw new AmqpError("syntax-error", "a field table ends in the middle of a field");
}

function codec<V extends Field["value"]>(
  type: Field["type"],
  size: number | null,
  read: (bytes: Buffer, at: number) => Field["value"],
  write: (bytes: Buffer, at: number, value: V) => void,
): Codec {
  return { type, size, read, write: write as Codec["write"] };
}

/** A number as long as it is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function writeLong(bytes: Buffer, at: number, value: number | bigint): void {
  bytes.writeBigInt64BE(BigInt(value), at);
}

function readDecimal(bytes: Buffer, at: number) {
  return { scale: bytes.readUInt8(at), digits: bytes.readUInt32BE(at + 1) };
}

function writeDecimal(bytes: Buffer, at: number, value: ReturnType<typeof readDecimal>): void {
  bytes.writeUInt8(value.scale, at);
  bytes.writeUInt32BE(value.digits, at + 1);
}

function readBytes(bytes: Buffer): Buffer {
  return bytes;
}
