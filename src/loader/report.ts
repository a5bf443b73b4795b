import type { ErrorCode, Place, Problem } from "../errors.ts";
import type { Document } from "./document.ts";

/** What a finding is about: the value at a pointer, or the key that it hangs on. */
export type Spot = { readonly pointer: string; readonly on: "key" | "value" };

/** Collects findings by JSON Pointer, and knows which parts of the file are not to be built upon. */
export class Report {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #document: Document;
  readonly #found = new Set<string>();
  readonly #broken = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(document: Document) {
    this.#document = document;
    for (const { problem, within } of document.problems) {
      this.problems.push(problem);
      this.#markBroken(within);
    }
  }

  /** A finding about a value; a value that is not in the file stands for the key that lacks it. */
  value(code: ErrorCode, pointer: string, message: string): void {
    this.#add(code, pointer, message, this.placeOf(pointer, "value"));
  }

  /** A finding about a key, or about the block that the key opens. */
  key(code: ErrorCode, pointer: string, message: string): void {
    this.#add(code, pointer, message, this.placeOf(pointer, "key"));
  }

  /** A finding that breaks nothing; of several with the same code and place, the first is kept. */
  warn(code: ErrorCode, at: Place, message: string): void {
    const id = `${code} ${at.line}:${at.column}`;
    if (!this.#seen.has(id)) this.warnings.push({ code, message, at, severity: "warning" });
    this.#seen.add(id);
  }

  /** Whether a finding is about exactly this value. */
  has(pointer: string): boolean {
    return this.#found.has(pointer);
  }

  /** Whether a finding is about this value or something in it. */
  isBroken(pointer: string): boolean {
    return this.#broken.has(pointer);
  }

  placeOf(pointer: string, which: "key" | "value"): Place {
    const position = this.#document.positions.get(pointer);
    if (position !== undefined) return this.#document.place(position[which]);
    return pointer === ""
      ? this.#document.place(0)
      : this.placeOf(pointer.slice(0, pointer.lastIndexOf("/")), "key");
  }

  #add(code: ErrorCode, pointer: string, message: string, at: Place): void {
    const id = `${code} ${at.line}:${at.column} ${message}`;
    if (!this.#seen.has(id)) this.problems.push({ code, message, at });
    this.#seen.add(id);
    this.#found.add(pointer);
    this.#markBroken(pointer);
  }

  #markBroken(pointer: string): void {
    for (let part = pointer; ; part = part.slice(0, part.lastIndexOf("/"))) {
      this.#broken.add(part);
      if (part === "") break;
    }
  }
}
