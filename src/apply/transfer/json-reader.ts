/**
 * Reads JSON member by member, without building what nobody asks for: definitions can be hundreds
 * of megabytes, of which one vhost is wanted. Every refusal names line and column.
 */
import { type Place, quoted, WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { parseJson } from "../inspect/json.ts";
import type { TypedValue } from "../wire.ts";
import { isDigit, isNumberByte, isSpace, placeAt } from "./bytes.ts";

/** A value with the offset at which it stands. */
export type JsonNode = { readonly at: number } & (
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  /** A number that would not tell its type is a `TypedValue`. */
  | { readonly kind: "scalar"; readonly value: string | number | boolean | null | TypedValue }
);

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** Whatever is above is no space. */
const SPACE = 0x20;

const LITERALS = [
  { text: "true", value: true },
  { text: "false", value: false },
  { text: "null", value: null },
] as const;

/** Every method throws `bad-definitions`, with its place, for what is no JSON. */
export class JsonReader {
  readonly #bytes: Buffer;
  readonly #file: string;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #at: number;
  #depth = 0;
  #values = 0;

  /** @param file as the user named it. */
  constructor(bytes: Buffer, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.#at = hasMark ? 3 : 0;
  }

  /** The kind of the next value, which is not read. */
  peek(): "object" | "array" | "scalar" {
    const byte = this.#next();
    return byte === OPEN_BRACE ? "object" : byte === OPEN_BRACKET ? "array" : "scalar";
  }

  /** Where the next value is; after a `peek`. */
  get at(): number {
    return this.#at;
  }

  /** Reads an object; `read` has to read the value of each member. */
  members(read: (key: string, at: number) => void): void {
    this.#nested(OPEN_BRACE, CLOSE_BRACE, () => {
      this.#next();
      const at = this.#at;
      const key = this.#string();
      this.#expect(COLON, ":");
      read(key, at);
    });
  }

  /** Reads an array; `read` has to read each item. */
  items(read: (index: number) => void): void {
    let index = 0;
    this.#nested(OPEN_BRACKET, CLOSE_BRACKET, () => read(index++));
  }

  /** Passes a value over, whatever it is. */
  skip(): void {
    const kind = this.peek();
    if (kind === "object") this.members(() => this.skip());
    else if (kind === "array") this.items(() => this.skip());
    else if (this.#next() === QUOTE) this.#passString();
    else this.scalar();
  }

  /** Reads a value with all that is in it, and the place of each. */
  node(): JsonNode {
    const kind = this.peek();
    const at = this.#at;
    if (++this.#values > NUMBERS.maxDefinitionsValues) {
      throw this.refuse(`more than ${NUMBERS.maxDefinitionsValues} values are not read`, at);
    }
    if (kind === "scalar") return { at, kind, value: this.scalar() };
    if (kind === "array") {
      const items: JsonNode[] = [];
      this.items(() => void items.push(this.node()));
      return { at, kind, items };
    }
    const members = new Map<string, JsonNode>();
    this.members((key, keyAt) => {
      if (members.has(key)) throw this.refuse(`the key ${quoted(key)} is there twice`, keyAt);
      members.set(key, this.node());
    });
    return { at, kind, members };
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#next() !== undefined) throw this.refuse("is no JSON: it goes on after its end");
  }

  /** Reads on from an offset that `at` has given, outside of what was entered since. */
  rewind(at: number): void {
    this.#at = at;
  }

  placeOf(at: number): Place {
    return placeAt(this.#file, this.#bytes, at);
  }

  /** An error at an offset; without one, where the reader is. */
  refuse(message: string, at: number = this.#at): WarrenError {
    return new WarrenError("bad-definitions", message, { at: this.placeOf(at) });
  }

  #nested(open: number, close: number, read: () => void): void {
    this.#expect(open, String.fromCharCode(open));
    if (++this.#depth > NUMBERS.maxJsonDepth) {
      throw this.refuse(`is nested deeper than ${NUMBERS.maxJsonDepth} levels`);
    }
    if (this.#next() !== close) {
      read();
      while (this.#next() === COMMA) {
        this.#at++;
        read();
      }
    }
    this.#expect(close, `, or ${String.fromCharCode(close)}`);
    this.#depth--;
  }

  /** Reads a value that is neither an object nor an array. */
  scalar(): string | number | boolean | null | TypedValue {
    const byte = this.#next();
    if (byte === QUOTE) return this.#string();
    if (byte === MINUS || isDigit(byte)) return this.#number();
    for (const { text, value } of LITERALS) {
      if (this.#bytes.toString("latin1", this.#at, this.#at + text.length) !== text) continue;
      this.#at += text.length;
      return value;
    }
    throw this.refuse(this.#unexpected("a value"));
  }

  #number(): number | TypedValue {
    const start = this.#at;
    let end = start;
    while (isNumberByte(this.#bytes[end])) end++;
    const text = this.#bytes.toString("latin1", start, end);
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(text) || text.length > 400) {
      throw this.refuse(`is no JSON: ${quoted(text)} is no number`);
    }
    this.#at = end;
    const value = Number(text);
    if (!Number.isFinite(value))
      throw this.refuse(`the number ${quoted(text)} is too large`, start);
    const isPlain = Number.isSafeInteger(value) && /^-?\d+$/.test(text);
    return isPlain ? value : (parseJson(text) as number | TypedValue);
  }

  #string(): string {
    const { start, end, isEscaped, isAscii } = this.#passString();
    if (isAscii && !isEscaped) return this.#bytes.toString("latin1", start + 1, end - 1);
    const text = this.#decoded(start, end);
    return isEscaped ? this.#unescaped(text, start) : text.slice(1, -1);
  }

  /** From quote to quote. */
  #passString() {
    if (this.#next() !== QUOTE) throw this.refuse(this.#unexpected("a string"));
    const bytes = this.#bytes;
    const start = this.#at;
    let end = start + 1;
    let isEscaped = false;
    let isAscii = true;
    for (let byte = bytes[end]; byte !== QUOTE; byte = bytes[end]) {
      if (byte === undefined) throw this.refuse("is no JSON: a string has no end", start);
      if (byte < 0x20) throw this.refuse("is no JSON: a control character in a string", end);
      if (byte === BACKSLASH) isEscaped = true;
      if (byte > 0x7f) isAscii = false;
      end += byte === BACKSLASH ? 2 : 1;
    }
    this.#at = end + 1;
    return { start, end: end + 1, isEscaped, isAscii };
  }

  #decoded(start: number, end: number): string {
    try {
      return this.#decoder.decode(this.#bytes.subarray(start, end));
    } catch {
      throw this.refuse("is not UTF-8", start);
    }
  }

  #unescaped(text: string, at: number): string {
    try {
      return JSON.parse(text);
    } catch {
      throw this.refuse("is no JSON: a string has an escape that is none", at);
    }
  }

  #expect(byte: number, what: string): void {
    if (this.#next() !== byte) throw this.refuse(this.#unexpected(what));
    this.#at++;
  }

  #unexpected(what: string): string {
    const byte = this.#bytes[this.#at];
    const found = byte === undefined ? "the end of the file" : quoted(String.fromCharCode(byte));
    return `is no JSON: expected ${what}, found ${found}`;
  }

  /** The next byte that is no space; undefined at the end. */
  #next(): number | undefined {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at];
    while (byte !== undefined && byte <= SPACE && isSpace(byte)) byte = bytes[++at];
    this.#at = at;
    return byte;
  }
}
