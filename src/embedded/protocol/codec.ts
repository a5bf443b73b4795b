/** Methods and their arguments ↔ bytes, by the table of methods. */
import { AmqpError } from "./errors.ts";
import { readTable, type Table } from "./fields.ts";
import { type Args, type Domains, METHODS, type Method, type MethodName } from "./methods.ts";
import type { Writer } from "./writer.ts";

type Layout = {
  readonly name: MethodName;
  readonly classId: number;
  readonly methodId: number;
  readonly fields: readonly (readonly [name: string, domain: keyof Domains])[];
};

const LAYOUTS: readonly Layout[] = Object.entries(METHODS).map(([name, { id, fields }]) => ({
  name: name as MethodName,
  classId: id[0],
  methodId: id[1],
  fields: Object.entries(fields),
}));
const BY_ID = new Map(LAYOUTS.map((layout) => [(layout.classId << 16) | layout.methodId, layout]));
const BY_NAME = new Map(LAYOUTS.map((layout) => [layout.name, layout]));

/**
 * @param payload of a method frame.
 * @throws {AmqpError} 503 for an unknown method, 502 for arguments that end too soon.
 */
export function decodeMethod(payload: Buffer): Method {
  const reader = new Reader(payload);
  const layout = BY_ID.get(reader.long());
  if (!layout) {
    const [classId, methodId] = [payload.readUInt16BE(0), payload.readUInt16BE(2)];
    throw new AmqpError("command-invalid", `unknown method {${classId},${methodId}}`);
  }
  const args: Record<string, unknown> = {};
  for (const [name, domain] of layout.fields) args[name] = reader[domain]();
  return { name: layout.name, args } as unknown as Method;
}

/** Class and method, as `connection.close` names what went wrong. */
export function idOf(name: MethodName): readonly [classId: number, methodId: number] {
  return METHODS[name].id;
}

/** Writes the payload of a method frame. */
export function writeMethod<N extends MethodName>(writer: Writer, name: N, args: Args<N>): void {
  const layout = BY_NAME.get(name);
  if (!layout) throw new Error(`unknown method ${name}`);
  writer.short(layout.classId);
  writer.short(layout.methodId);
  for (const [field, domain] of layout.fields) {
    const write = writer[domain] as (value: unknown) => void;
    write.call(writer, (args as Record<string, unknown>)[field]);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  /** Of the octet that is read as bits; 0: the next one begins an octet. */
  #mask = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  octet(): number {
    return this.#take(1).readUInt8(this.#at - 1);
  }

  short(): number {
    return this.#take(2).readUInt16BE(this.#at - 2);
  }

  long(): number {
    return this.#take(4).readUInt32BE(this.#at - 4);
  }

  longlong(): number {
    return this.long() * 2 ** 32 + this.long();
  }

  shortstr(): string {
    const length = this.octet();
    return this.#take(length).toString("utf8", this.#at - length, this.#at);
  }

  longstr(): Buffer {
    const length = this.long();
    return this.#take(length).subarray(this.#at - length, this.#at);
  }

  table(): Table {
    // What stays (arguments of queues) must not keep the socket's buffer.
    return readTable(Buffer.from(this.longstr()));
  }

  bit(): boolean {
    if (this.#mask === 0 || this.#mask === 0x80) {
      this.#take(1);
      this.#mask = 1;
    } else this.#mask <<= 1;
    return ((this.#bytes[this.#at - 1] ?? 0) & this.#mask) !== 0;
  }

  #take(count: number): Buffer {
    this.#mask = 0;
    this.#at += count;
    if (this.#at <= this.#bytes.length) return this.#bytes;
    throw new AmqpError("syntax-error", "a method ends in the middle of its arguments");
  }
}
