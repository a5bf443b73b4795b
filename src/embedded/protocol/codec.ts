/** Methods and their arguments ↔ bytes, by the table of methods. */
import { isUtf8 } from "node:buffer";
import { AmqpError, type MethodId } from "./errors.ts";
import { parseTable, type Table } from "./fields.ts";
import {
  type Args,
  type Domains,
  hasContent,
  METHODS,
  type Method,
  type MethodName,
} from "./methods.ts";
import type { Writer } from "./writer.ts";

type Layout = {
  readonly name: MethodName;
  readonly id: MethodId;
  readonly fields: readonly (readonly [name: string, domain: keyof Domains])[];
};

const LAYOUTS: readonly Layout[] = Object.entries(METHODS).map(([name, { id, fields }]) => ({
  name: name as MethodName,
  id,
  fields: Object.entries(fields),
}));
const BY_ID = new Map(LAYOUTS.map((layout) => [(layout.id[0] << 16) | layout.id[1], layout]));
const BY_NAME = new Map(LAYOUTS.map((layout) => [layout.name, layout]));

/**
 * @param payload of a method frame.
 * @throws {AmqpError} 503 for an unknown method, 501 for arguments that are not its own, 502 for a
 *   table among them that is none.
 */
export function decodeMethod(payload: Buffer): Method {
  const layout = BY_ID.get(payload.readUInt32BE(0));
  if (!layout) {
    const id = methodIdOf(payload);
    throw new AmqpError("command-invalid", `unknown method {${id}}`, id);
  }
  const reader = new Reader(payload, layout);
  const args: Record<string, unknown> = {};
  for (const [name, domain] of layout.fields) args[name] = reader[domain]();
  reader.end();
  return { name: layout.name, args } as unknown as Method;
}

/** Class and method of the payload of a method frame. */
export function methodIdOf(payload: Buffer): MethodId {
  return [payload.readUInt16BE(0), payload.readUInt16BE(2)];
}

export function idOf(name: MethodName): MethodId {
  return METHODS[name].id;
}

/** Writes the payload of a method frame. */
export function writeMethod<N extends MethodName>(writer: Writer, name: N, args: Args<N>): void {
  const layout = BY_NAME.get(name);
  if (!layout) throw new Error(`unknown method ${name}`);
  writer.short(layout.id[0]);
  writer.short(layout.id[1]);
  for (const [field, domain] of layout.fields) {
    const write = writer[domain] as (value: unknown) => void;
    write.call(writer, (args as Record<string, unknown>)[field]);
  }
}

/** Of the arguments of a method, which stand behind its id. */
class Reader {
  readonly #bytes: Buffer;
  readonly #layout: Layout;
  #at = 4;
  /** Of the octet that is read as bits; 0: the next one begins an octet. */
  #mask = 0;

  constructor(bytes: Buffer, layout: Layout) {
    this.#bytes = bytes;
    this.#layout = layout;
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
    const text = this.#take(length).toString("utf8", this.#at - length, this.#at);
    if (text.includes("\ufffd")) this.#assertUtf8(length);
    return text;
  }

  longstr(): Buffer {
    const length = this.long();
    return this.#take(length).subarray(this.#at - length, this.#at);
  }

  table(): Table {
    // What stays (arguments of queues) must not keep the socket's buffer.
    return parseTable(Buffer.from(this.longstr()));
  }

  bit(): boolean {
    if (this.#mask === 0 || this.#mask === 0x80) {
      this.#take(1);
      this.#mask = 1;
    } else this.#mask <<= 1;
    return ((this.#bytes[this.#at - 1] ?? 0) & this.#mask) !== 0;
  }

  /** @throws {AmqpError} 501 for what is left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#undecodable();
  }

  /** As RabbitMQ, which does not look at the keys of a message. */
  #assertUtf8(length: number): void {
    if (hasContent(this.#layout.name)) return;
    if (isUtf8(this.#bytes.subarray(this.#at - length, this.#at))) return;
    throw new AmqpError("frame-error", "Malformed UTF-8 in shortstr");
  }

  #take(count: number): Buffer {
    this.#mask = 0;
    this.#at += count;
    if (this.#at <= this.#bytes.length) return this.#bytes;
    throw this.#undecodable();
  }

  #undecodable(): AmqpError {
    // No more than a text can hold.
    const shown = [...this.#bytes.subarray(4, 4 + 255)];
    return new AmqpError("frame-error", `cannot decode <<${shown}>>`, this.#layout.id);
  }
}
