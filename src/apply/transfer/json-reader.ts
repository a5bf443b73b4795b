/**
 * Reads JSON member by member, without building what nobody asks for: definitions can be hundreds
 * of megabytes, of which one vhost is wanted. Every refusal names line and column.
 */
import { type Place, quoted, type WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { type JsonScalar, JsonTokens } from "./json-tokens.ts";

/** A value with the offset at which it stands. */
export type JsonNode = { readonly at: number } & (
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "scalar"; readonly value: JsonScalar }
);

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Every method throws `bad-definitions`, with its place, for what is no JSON. */
export class JsonReader {
  readonly #tokens: JsonTokens;
  #depth = 0;
  #values = 0;

  /** @param file as the user named it. */
  constructor(bytes: Buffer, file: string) {
    this.#tokens = new JsonTokens(bytes, file);
  }

  /** The kind of the next value, which is not read. */
  peek(): "object" | "array" | "scalar" {
    const byte = this.#tokens.next();
    return byte === OPEN_BRACE ? "object" : byte === OPEN_BRACKET ? "array" : "scalar";
  }

  /** Where the next value is; after a `peek`. */
  get at(): number {
    return this.#tokens.at;
  }

  /** Reads an object; `read` has to read the value of each member. */
  members(read: (key: string, at: number) => void): void {
    this.#nested(OPEN_BRACE, CLOSE_BRACE, () => {
      this.#tokens.next();
      const { at } = this.#tokens;
      const key = this.#tokens.string();
      this.#tokens.expect(COLON, ":");
      read(key, at);
    });
  }

  /** Reads an array; `read` has to read each item. */
  items(read: (index: number) => void): void {
    let index = 0;
    this.#nested(OPEN_BRACKET, CLOSE_BRACKET, () => read(index++));
  }

  /** Reads a value that is neither an object nor an array. */
  scalar(): JsonScalar {
    return this.#tokens.scalar();
  }

  /** Passes a value over, whatever it is. */
  skip(): void {
    const kind = this.peek();
    if (kind === "object") this.members(() => this.skip());
    else if (kind === "array") this.items(() => this.skip());
    else if (this.#tokens.next() === QUOTE) this.#tokens.passString();
    else this.scalar();
  }

  /** Reads a value with all that is in it, and the place of each. */
  node(): JsonNode {
    const kind = this.peek();
    const { at } = this;
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
    if (this.#tokens.next() === undefined) return;
    throw this.refuse("is no JSON: it goes on after its end");
  }

  /** Reads on from an offset that `at` has given, outside of what was entered since. */
  rewind(at: number): void {
    this.#tokens.at = at;
  }

  placeOf(at: number): Place {
    return this.#tokens.placeOf(at);
  }

  /** An error at an offset; without one, where the reader is. */
  refuse(message: string, at?: number): WarrenError {
    return this.#tokens.refuse(message, at);
  }

  #nested(open: number, close: number, read: () => void): void {
    this.#tokens.expect(open, String.fromCharCode(open));
    if (++this.#depth > NUMBERS.maxJsonDepth) {
      throw this.refuse(`is nested deeper than ${NUMBERS.maxJsonDepth} levels`);
    }
    if (this.#tokens.next() !== close) {
      read();
      while (this.#tokens.next() === COMMA) {
        this.#tokens.at++;
        read();
      }
    }
    this.#tokens.expect(close, `, or ${String.fromCharCode(close)}`);
    this.#depth--;
  }
}
