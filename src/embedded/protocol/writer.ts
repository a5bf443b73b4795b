/** Bytes that are written one after another. */
import { type Table, writeTable } from "./fields.ts";

const FIRST_BYTES = 4096;

export class Writer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;
  /** Of the octet that bits go to; 0: the next one begins an octet. */
  #mask = 0;

  get length(): number {
    return this.#at;
  }

  octet(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  short(value: number): void {
    const at = this.#grow(2);
    this.#bytes.writeUInt16BE(value, at);
  }

  long(value: number): void {
    const at = this.#grow(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  longlong(value: number): void {
    this.long(Math.floor(value / 2 ** 32));
    this.long(value % 2 ** 32);
  }

  shortstr(value: string): void {
    // UTF-8 takes up to three bytes a unit; most are names of one byte each.
    const most = Math.min(255, 3 * value.length);
    const at = this.#grow(1 + most);
    // What has no room in it (a key from the arguments of a queue) is cut, and nothing else suffers.
    const length = this.#bytes.write(value, at + 1, most);
    this.#bytes[at] = length;
    this.#at = at + 1 + length;
  }

  longstr(value: Buffer): void {
    this.long(value.length);
    this.bytes(value);
  }

  table(value: Table): void {
    this.longstr(writeTable(value));
  }

  bit(value: boolean): void {
    if (this.#mask === 0 || this.#mask === 0x80) {
      const at = this.#grow(1);
      this.#bytes[at] = 0;
      this.#mask = 1;
    } else this.#mask <<= 1;
    if (value) this.#bytes[this.#at - 1] = (this.#bytes[this.#at - 1] ?? 0) | this.#mask;
  }

  bytes(value: Buffer): void {
    const at = this.#grow(value.length);
    value.copy(this.#bytes, at);
  }

  /** Writes over what stands at a place. */
  patchLong(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** What was written since the last call; it is not written to any more. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = this.#bytes.subarray(this.#at);
    this.#at = 0;
    return taken;
  }

  /** @returns where there is room for so many bytes now. */
  #grow(count: number): number {
    this.#mask = 0;
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(16 * FIRST_BYTES, 2 * this.#at));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
