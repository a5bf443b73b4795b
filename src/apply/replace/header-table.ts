/** Header tables as amqplib writes them exactly: every value with its type. */
import { isUtf8 } from "node:buffer";

/** In amqplib's notation, which it encodes as the type says. */
type Field = unknown;
/** Without a prototype. */
export type HeaderTable = Record<string, Field>;

/** @throws {Error} for a table that can't be written again. */
export function readTable(bytes: Buffer): HeaderTable {
  return new Reader(bytes).table(bytes.length);
}

class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  table(length: number): HeaderTable {
    const end = this.#offset + length;
    // Without a prototype, `__proto__` is a name like any other.
    const fields: HeaderTable = Object.create(null);
    while (this.#offset < end) {
      const name = this.#take(this.#take(1).readUInt8()).toString();
      fields[name] = this.#field();
    }
    return fields;
  }

  #nested(): HeaderTable {
    const fields = this.table(this.#take(4).readUInt32BE());
    if ("!" in fields) throw new Error('a header holds a table with the key "!"');
    return fields;
  }

  #array(): Field[] {
    const length = this.#take(4).readUInt32BE();
    const end = this.#offset + length;
    const fields: Field[] = [];
    while (this.#offset < end) fields.push(this.#field());
    return fields;
  }

  #text(): string | Buffer {
    const bytes = this.#take(this.#take(4).readUInt32BE());
    // As text it would come out as other bytes.
    return isUtf8(bytes) ? bytes.toString() : bytes;
  }

  #field(): Field {
    const tag = this.#take(1).toString("latin1");
    switch (tag) {
      case "S":
        return this.#text();
      case "t":
        return this.#take(1).readUInt8() !== 0;
      case "F":
        return this.#nested();
      case "A":
        return this.#array();
      case "V":
        return null;
      case "x":
        return this.#take(this.#take(4).readUInt32BE());
      case "D":
        return typed("decimal", {
          places: this.#take(1).readUInt8(),
          digits: this.#take(4).readUInt32BE(),
        });
      default:
        return this.#number(tag);
    }
  }

  #number(tag: string): Field {
    switch (tag) {
      case "b":
        return typed("byte", this.#take(1).readInt8());
      case "B":
        return typed("unsignedbyte", this.#take(1).readUInt8());
      case "s":
        return typed("short", this.#take(2).readInt16BE());
      case "u":
        return typed("unsignedshort", this.#take(2).readUInt16BE());
      case "I":
        return typed("int", this.#take(4).readInt32BE());
      case "i":
        return typed("unsignedint", this.#take(4).readUInt32BE());
      case "l":
        return typed("long", this.#take(8).readBigInt64BE());
      case "T":
        return typed("timestamp", this.#take(8).readBigUInt64BE());
      case "f":
        return typed("float", this.#take(4).readFloatBE());
      case "d":
        return typed("double", this.#take(8).readDoubleBE());
      default:
        throw new Error(`a header has a value of the unknown type "${tag}"`);
    }
  }

  #take(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#offset, this.#offset + length);
    if (bytes.length < length) throw new Error("the headers are cut off");
    this.#offset += length;
    return bytes;
  }
}

function typed(type: string, value: unknown): Field {
  return { "!": type, value };
}
