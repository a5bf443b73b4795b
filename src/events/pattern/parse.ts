/** A pattern of ECMA-262 with the flag u → its parts; what no automaton can do is refused. */
import { complement, pairsOf, type Ranges, rangesOfEscape, toRanges } from "./ranges.ts";

/** `inside`: no word boundary. */
export type Assertion = "start" | "end" | "boundary" | "inside";

export type Part =
  | { readonly kind: "set"; readonly set: Ranges }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly Part[] }
  | { readonly kind: "choice"; readonly parts: readonly Part[] }
  /** Greedy or lazy: that changes what is matched, never whether something is. */
  | { readonly kind: "repeat"; readonly part: Part; readonly min: number; readonly max: number };

/** Why a pattern is not taken, in words that follow "pattern …". */
export class PatternProblem extends Error {}

/** More would be a list of words, which an enum says better. */
const MAX_LENGTH = 16_384;
const MAX_DEPTH = 50;

/** Word characters, as `\w` and `\b` know them. */
export const WORD = toRanges([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);

const CLASSES: Readonly<Record<string, () => Ranges>> = {
  d: () => [0x30, 0x39],
  D: () => complement([0x30, 0x39]),
  w: () => WORD,
  W: () => complement(WORD),
  s: () => rangesOfEscape("\\s"),
  S: () => complement(rangesOfEscape("\\s")),
};

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

const LINE_ENDS = toRanges([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);

/** @throws {PatternProblem} if it is no regular expression, or more than a regular one. */
export function parsePattern(text: string): Part {
  if (text.length > MAX_LENGTH) {
    throw new PatternProblem(`is ${text.length} characters long, at most ${MAX_LENGTH}`);
  }
  checkDepth(text);
  try {
    new RegExp(text, "u");
  } catch (error) {
    const [, reason = "it can't be read"] = /.*: (.+)$/s.exec(String(error)) ?? [];
    throw new PatternProblem(`is no regular expression: ${reason}`);
  }
  return new Parser(text).choice();
}

/** Node's own engine, too, calls itself for each level. */
function checkDepth(text: string): void {
  let depth = 0;
  for (const [found] of text.matchAll(/\\.|[()]/gsu)) {
    if (found === "(") depth += 1;
    if (found === ")") depth -= 1;
    if (depth > MAX_DEPTH) throw new PatternProblem(`is nested deeper than ${MAX_DEPTH} levels`);
  }
}

/** Of what the engine has read before: so the syntax is known to be right. */
class Parser {
  readonly #points: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#points = [...text];
  }

  choice(): Part {
    const parts = [this.#sequence()];
    while (this.#takes("|")) parts.push(this.#sequence());
    return parts.length === 1 && parts[0] ? parts[0] : { kind: "choice", parts };
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#points.length && !this.#isAt("|") && !this.#isAt(")")) {
      parts.push(this.#quantified(this.#atom()));
    }
    return { kind: "sequence", parts };
  }

  #atom(): Part {
    const point = this.#next();
    if (point === "^") return { kind: "assertion", assertion: "start" };
    if (point === "$") return { kind: "assertion", assertion: "end" };
    if (point === ".") return { kind: "set", set: complement(LINE_ENDS) };
    if (point === "(") return this.#group();
    if (point === "[") return { kind: "set", set: this.#class() };
    if (point !== "\\") return character(point.codePointAt(0) ?? 0);
    if (this.#takes("b")) return { kind: "assertion", assertion: "boundary" };
    if (this.#takes("B")) return { kind: "assertion", assertion: "inside" };
    if (/[1-9k]/.test(this.#peek())) {
      throw new PatternProblem(
        "refers back to a group, which takes exponential time on some texts",
      );
    }
    const escaped = this.#escape();
    return typeof escaped === "number" ? character(escaped) : { kind: "set", set: escaped };
  }

  #group(): Part {
    if (this.#takes("?")) {
      const kind = this.#next();
      const isNamed = kind === "<" && !this.#isAt("=") && !this.#isAt("!");
      if (kind !== ":" && !isNamed) {
        const start = kind === "<" ? `(?<${this.#peek()}` : `(?${kind}`;
        throw new PatternProblem(`looks around with ${start}, which no bounded time suffices for`);
      }
      if (isNamed) while (this.#next() !== ">");
    }
    const part = this.choice();
    this.#next();
    return part;
  }

  #quantified(part: Part): Part {
    const bounds = this.#bounds();
    if (bounds === null) return part;
    this.#takes("?");
    return { kind: "repeat", part, ...bounds };
  }

  #bounds(): { readonly min: number; readonly max: number } | null {
    const max = Number.POSITIVE_INFINITY;
    if (this.#takes("*")) return { min: 0, max };
    if (this.#takes("+")) return { min: 1, max };
    if (this.#takes("?")) return { min: 0, max: 1 };
    if (!this.#takes("{")) return null;
    const [least = "", most = least] = this.#until("}").split(",");
    return { min: Number(least), max: most === "" ? max : Number(most) };
  }

  #class(): Ranges {
    const isNegated = this.#takes("^");
    const pairs: (readonly [number, number])[] = [];
    while (!this.#takes("]")) {
      const first = this.#classAtom();
      if (typeof first !== "number") {
        pairs.push(...pairsOf(first));
        continue;
      }
      const isRange = this.#isAt("-") && this.#points[this.#at + 1] !== "]";
      if (isRange) this.#next();
      const last = isRange ? this.#classAtom() : first;
      if (typeof last === "number") pairs.push([first, last]);
    }
    const ranges = toRanges(pairs);
    return isNegated ? complement(ranges) : ranges;
  }

  #classAtom(): number | Ranges {
    const point = this.#next();
    if (point !== "\\") return point.codePointAt(0) ?? 0;
    return this.#takes("b") ? 8 : this.#escape();
  }

  /** What follows a backslash, and means the same in and outside of a class. */
  #escape(): number | Ranges {
    const letter = this.#next();
    if (Object.hasOwn(CLASSES, letter)) return CLASSES[letter]?.() ?? [];
    if (Object.hasOwn(CONTROLS, letter)) return CONTROLS[letter] ?? 0;
    if (letter === "c") return (this.#next().codePointAt(0) ?? 0) % 32;
    if (letter === "x") return Number.parseInt(this.#next() + this.#next(), 16);
    if (letter === "u") return this.#unicode();
    if (letter === "p" || letter === "P") {
      this.#next();
      return rangesOfEscape(`\\${letter}{${this.#until("}")}}`);
    }
    return letter.codePointAt(0) ?? 0;
  }

  #unicode(): number {
    if (this.#takes("{")) return Number.parseInt(this.#until("}"), 16);
    const high = this.#fourDigits();
    const rest = this.#points.slice(this.#at, this.#at + 6).join("");
    const [, low] = /^\\u(d[c-f][0-9a-f]{2})$/i.exec(rest) ?? [];
    if (high < 0xd800 || high > 0xdbff || low === undefined) return high;
    this.#at += rest.length;
    return ((high - 0xd800) << 10) + (Number.parseInt(low, 16) - 0xdc00) + 0x10000;
  }

  #fourDigits(): number {
    return Number.parseInt(this.#next() + this.#next() + this.#next() + this.#next(), 16);
  }

  #until(end: string): string {
    const start = this.#at;
    while (this.#next() !== end);
    return this.#points.slice(start, this.#at - 1).join("");
  }

  #peek(): string {
    return this.#points[this.#at] ?? "";
  }

  #isAt(point: string): boolean {
    return this.#peek() === point;
  }

  #takes(point: string): boolean {
    if (!this.#isAt(point)) return false;
    this.#at += 1;
    return true;
  }

  /** @throws {PatternProblem} at the end, so that no loop can go beyond it. */
  #next(): string {
    const point = this.#points[this.#at++];
    if (point === undefined) throw new PatternProblem("ends too early");
    return point;
  }
}

function character(point: number): Part {
  return { kind: "set", set: [point, point] };
}
