import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type Document as Yaml,
} from "yaml";
import type { ErrorCode, Place, Problem } from "../errors.ts";
import { NUMBERS } from "../numbers.ts";
import { tooDeep } from "./nesting.ts";
import { join } from "./pointer.ts";
import { syntaxProblems } from "./syntax.ts";

/** Where a value stands, as offsets, and how it was written. */
export type Position = {
  readonly key: number;
  readonly value: number;
  /** The text of a scalar; null for maps and lists. */
  readonly source: string | null;
  /** Written without quotes. */
  readonly plain: boolean;
  /** Nothing but a comment stands where the value should be. */
  readonly commented: boolean;
};

export type KeyProblem = { readonly problem: Problem; readonly within: string };

/** A parsed file: plain values without prototypes, and the place of each by JSON Pointer. */
export type Document = {
  readonly file: string;
  readonly value: unknown;
  readonly positions: ReadonlyMap<string, Position>;
  /** Findings about keys; `within` is the map or value that is not whole because of it. */
  readonly problems: readonly KeyProblem[];
  readonly place: (offset: number) => Place;
};

export type Parse =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const DEEP = `nested deeper than ${NUMBERS.maxJsonDepth} levels`;

/** Parses YAML 1.2 (core schema, no merge keys, one document). */
export function parse(file: string, text: string): Parse {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const fail = (code: ErrorCode, message: string, offset: number): Parse => ({
    ok: false,
    problems: [{ code, message, at: place(offset) }],
  });
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = tooDeep(tokens);
  if (deep !== null) return fail("yaml-syntax", DEEP, deep);
  const documents = [
    // Duplicate keys are found by the converter, which knows the place of the first.
    ...new Composer({ version: "1.2", schema: "core", merge: false, uniqueKeys: false }).compose(
      tokens,
    ),
  ] as readonly Yaml.Parsed[];
  const problems = documents.flatMap((yaml) => syntaxProblems(yaml, text, place));
  if (problems.length > 0) return { ok: false, problems };
  const [first, second] = documents;
  if (second !== undefined) {
    const offset = second.contents?.range?.[0] ?? second.range[0];
    return fail("several-documents", "a second YAML document begins here", offset);
  }
  const root = first?.contents;
  if (first === undefined || !root || (isScalar(root) && root.value === null)) {
    return fail("empty-file", `${file} is empty`, 0);
  }
  return convert(file, first, root, text, place);
}

function convert(
  file: string,
  yaml: Yaml.Parsed,
  root: Node,
  text: string,
  place: (offset: number) => Place,
): Parse {
  const converter = new Converter(yaml, text, place);
  try {
    const value = converter.value(root, "", root.range?.[0] ?? 0, 0);
    const { positions, problems } = converter;
    return { ok: true, document: { file, value, positions, problems, place } };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { code, message, offset } = error;
    return { ok: false, problems: [{ code, message, at: place(offset) }] };
  }
}

/** Ends a conversion that would not end by itself, or not soon. */
class Unreadable extends Error {
  readonly code: ErrorCode;
  readonly offset: number;

  constructor(code: ErrorCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

class Converter {
  readonly positions = new Map<string, Position>();
  readonly problems: KeyProblem[] = [];
  #aliases = 0;
  readonly #yaml: Yaml.Parsed;
  readonly #text: string;
  readonly #place: (offset: number) => Place;

  constructor(yaml: Yaml.Parsed, text: string, place: (offset: number) => Place) {
    this.#yaml = yaml;
    this.#text = text;
    this.#place = place;
  }

  value(node: unknown, pointer: string, key: number, depth: number): unknown {
    const offset = offsetOf(node) ?? key;
    if (depth > NUMBERS.maxJsonDepth) {
      throw new Unreadable("yaml-syntax", DEEP, offset);
    }
    if (isAlias(node)) {
      if (++this.#aliases > NUMBERS.maxAliases) {
        const message = `more than ${NUMBERS.maxAliases} aliases, counted where they expand`;
        throw new Unreadable("too-many-aliases", message, offset);
      }
      return this.value(node.resolve(this.#yaml), pointer, key, depth + 1);
    }
    this.positions.set(pointer, {
      key,
      value: offset,
      source: isScalar(node) ? (node.source ?? "") : null,
      plain: isScalar(node) && node.type === "PLAIN",
      commented: /^[ \t]*#/.test(this.#text.slice(offset, offset + 80)),
    });
    if (isMap(node)) return this.#map(node.items, pointer, depth);
    if (isSeq(node)) {
      return node.items.map((item, index) =>
        this.value(item, `${pointer}/${index}`, offsetOf(item) ?? offset, depth + 1),
      );
    }
    return isScalar(node) ? node.value : null;
  }

  #map(items: readonly Pair[], pointer: string, depth: number): unknown {
    const map: Record<string, unknown> = Object.create(null);
    const first = new Map<string, number>();
    for (const item of items) {
      const offset = offsetOf(item.key) ?? 0;
      const key = isScalar(item.key) ? item.key.value : undefined;
      if (typeof key !== "string") {
        const shown = isScalar(item.key) ? (item.key.source ?? "") : "a map or a list";
        this.#report(
          "wrong-type",
          `a key must be text, found ${shown || "nothing"}`,
          offset,
          pointer,
        );
        continue;
      }
      const at = join(pointer, key);
      const earlier = first.get(key);
      if (key === "<<") {
        this.#report("unknown-key", 'unknown key "<<": maps are not merged', offset, pointer);
      } else if (earlier !== undefined) {
        const message = `key ${JSON.stringify(key)} is there twice, first in line ${this.#place(earlier).line}`;
        this.#report("duplicate-key", message, offset, at);
      } else {
        first.set(key, offset);
        map[key] = this.value(item.value, at, offset, depth + 1);
      }
    }
    return map;
  }

  #report(code: ErrorCode, message: string, offset: number, within: string): void {
    this.problems.push({ problem: { code, message, at: this.#place(offset) }, within });
  }
}

function offsetOf(node: unknown): number | undefined {
  const ranged = node as { readonly range?: readonly number[] | null } | null | undefined;
  return ranged?.range?.[0];
}
