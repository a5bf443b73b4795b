/** The tokens of a JSON text, with the place of each. */
import { type Place, quoted, WarrenError } from "../../errors.ts";
import { parseJson } from "../inspect/json.ts";
import type { TypedValue } from "../wire.ts";
import { isDigit, isNumberByte, isSpace, placeAt } from "./bytes.ts";

/** A number that would not tell its type is a `TypedValue`. */
export type JsonScalar = string | number | boolean | null | TypedValue;

const QUOTE = 0x22;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
/** Whatever is above is no space. */
const SPACE = 0x20;

const LITERALS = [
  { text: "true", value: true },
  { text: "false", value: false },
  { text: "null", value: null },
] as const;

/** Every method throws `bad-definitions`, with its place, for what is no JSON. */
export class JsonTokens {
  /** Where the next token is, or the space before it. */
  at: number;
  readonly #bytes: Buffer;
  readonly #file: string;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  /** @param file as the user named it. */
  constructor(bytes: Buffer, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.at = hasMark ? 3 : 0;
  }

  placeOf(at: number): Place {
    return placeAt(this.#file, this.#bytes, at);
  }

  /** An error at an offset; without one, at the next token. */
  refuse(message: string, at: number = this.at): WarrenError {
    return new WarrenError("bad-definitions", message, { at: this.placeOf(at) });
  }

  /** Reads a value that is neither an object nor an array. */
  scalar(): JsonScalar {
    const byte = this.next();
    if (byte === QUOTE) return this.string();
    if (byte === MINUS || isDigit(byte)) return this.#number();
    for (const { text, value } of LITERALS) {
      if (this.#bytes.toString("latin1", this.at, this.at + text.length) !== text) continue;
      this.at += text.length;
      return value;
    }
    throw this.refuse(this.#unexpected("a value"));
  }

  #number(): number | TypedValue {
    const start = this.at;
    let end = start;
    while (isNumberByte(this.#bytes[end])) end++;
    const text = this.#bytes.toString("latin1", start, end);
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(text) || text.length > 400) {
      throw this.refuse(`is no JSON: ${quoted(text)} is no number`);
    }
    this.at = end;
    const value = Number(text);
    if (!Number.isFinite(value))
      throw this.refuse(`the number ${quoted(text)} is too large`, start);
    const isPlain = Number.isSafeInteger(value) && /^-?\d+$/.test(text);
    return isPlain ? value : (parseJson(text) as number | TypedValue);
  }

  string(): string {
    const { start, end, isEscaped, isAscii } = this.passString();
    if (isAscii && !isEscaped) return this.#bytes.toString("latin1", start + 1, end - 1);
    const text = this.#decoded(start, end);
    return isEscaped ? this.#unescaped(text, start) : text.slice(1, -1);
  }

  /** From quote to quote. */
  passString() {
    if (this.next() !== QUOTE) throw this.refuse(this.#unexpected("a string"));
    const bytes = this.#bytes;
    const start = this.at;
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
    this.at = end + 1;
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

  /** Passes a mark. */
  expect(byte: number, what: string): void {
    if (this.next() !== byte) throw this.refuse(this.#unexpected(what));
    this.at++;
  }

  #unexpected(what: string): string {
    const byte = this.#bytes[this.at];
    const found = byte === undefined ? "the end of the file" : quoted(String.fromCharCode(byte));
    return `is no JSON: expected ${what}, found ${found}`;
  }

  /** The next byte that is no space; undefined at the end. */
  next(): number | undefined {
    const bytes = this.#bytes;
    let at = this.at;
    let byte = bytes[at];
    while (byte !== undefined && byte <= SPACE && isSpace(byte)) byte = bytes[++at];
    this.at = at;
    return byte;
  }
}
