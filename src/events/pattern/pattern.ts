/**
 * Patterns of JSON Schema, as automata that were worked out whole beforehand: a text is read once,
 * one table look-up a character, whatever the pattern and whatever the text. What can't become such
 * a table of a bounded size is refused when the schema is loaded.
 */
import { Alphabet, includes } from "./alphabet.ts";
import { type Part, PatternProblem, parsePattern, WORD } from "./parse.ts";
import type { Ranges } from "./ranges.ts";
import { type Step, toSteps } from "./steps.ts";

export type Pattern = { test(text: string): boolean };

/** Steps of working a pattern out: some 100 ms, and at most 2 MiB of table. */
const MAX_WORK = 500_000;

const patterns = new Map<string, Pattern>();
const MAX_KEPT = 1_000;

/**
 * A pattern that is found in a text exactly where `new RegExp(pattern, "u")` is.
 *
 * @throws {PatternProblem} if there is none of bounded time.
 */
export function compilePattern(text: string): Pattern {
  const known = patterns.get(text);
  if (known) return known;
  const pattern = new Automaton(text, parsePattern(text));
  if (patterns.size >= MAX_KEPT) patterns.clear();
  patterns.set(text, pattern);
  return pattern;
}

/** Why a pattern is not taken, in words that follow it; null: it is. */
export function checkPattern(text: string): string | null {
  try {
    compilePattern(text);
    return null;
  } catch (error) {
    if (error instanceof PatternProblem) return error.message;
    throw error;
  }
}

/** What stands before a place, and what comes next: an assertion is about these. */
type Around = {
  readonly isStart: boolean;
  readonly isEnd: boolean;
  readonly afterWord: boolean;
  readonly beforeWord: boolean;
};

/** Before a character is read: the steps that it may be read by, and what assertions have to know. */
type State = {
  readonly steps: readonly number[];
  readonly isStart: boolean;
  readonly afterWord: boolean;
};

const FOUND = -1;
/** Whatever comes, the pattern is not found any more. */
const LOST = -2;

class Automaton implements Pattern {
  readonly #name: string;
  readonly #alphabet: Alphabet;
  /** By state and letter: the next state, `FOUND` or `LOST`. */
  readonly #table: Int32Array;
  /** By state: whether it is found when the text ends there. */
  readonly #atEnd: readonly boolean[];

  constructor(text: string, part: Part) {
    this.#name = text;
    const built = new Builder(part);
    this.#alphabet = built.alphabet;
    const { size } = built.alphabet;
    this.#table = Int32Array.from(built.table, (next) => (built.isLost(next, size) ? LOST : next));
    this.#atEnd = built.atEnd;
  }

  test(text: string): boolean {
    const alphabet = this.#alphabet;
    const table = this.#table;
    const { size } = alphabet;
    let state = 0;
    for (let at = 0; at < text.length; at++) {
      const point = text.codePointAt(at) ?? 0;
      if (point > 0xffff) at += 1;
      state = table[state * size + alphabet.letterOf(point)] ?? FOUND;
      if (state < 0) return state === FOUND;
    }
    return this.#atEnd[state] ?? false;
  }

  /** ajv knows patterns by it. */
  toString(): string {
    return `/${this.#name}/u`;
  }
}

/** Every state that a text can lead to, and where each letter leads from there. */
class Builder {
  readonly alphabet: Alphabet;
  readonly table: number[] = [];
  readonly atEnd: boolean[] = [];
  readonly #steps: readonly Step[];
  readonly #start: number;
  readonly #knowsWords: boolean;
  readonly #states: State[] = [];
  readonly #numbers = new Map<string, number>();
  #work = 0;

  constructor(part: Part) {
    const { steps, start } = toSteps(part, (count) => this.#spend(count));
    this.#steps = steps;
    this.#start = start;
    this.#knowsWords = steps.some(
      (step) => step.kind === "assertion" && /boundary|inside/.test(step.assertion),
    );
    this.alphabet = new Alphabet(this.#sets());
    this.#number({ steps: [start], isStart: true, afterWord: false });
    // The list grows while it is gone through.
    for (const state of this.#states) this.#workOut(state);
  }

  /** No end of the text suits the state, and no letter leads away from it. */
  isLost(state: number, letters: number): boolean {
    if (state < 0 || this.atEnd[state]) return false;
    for (let letter = 0; letter < letters; letter++) {
      if (this.table[state * letters + letter] !== state) return false;
    }
    return true;
  }

  #sets(): ReadonlySet<Ranges> {
    const sets = new Map<string, Ranges>(this.#knowsWords ? [[WORD.join(), WORD]] : []);
    for (const step of this.#steps) {
      if (step.kind !== "set") continue;
      this.#spend(step.set.length);
      sets.set(step.set.join(), step.set);
    }
    return new Set(sets.values());
  }

  #workOut(state: State): void {
    const end = { isEnd: true, beforeWord: false };
    this.atEnd.push(this.#reach(state, end) === null);
    for (const sample of this.alphabet.samples) {
      const beforeWord = this.#knowsWords && includes(WORD, sample);
      const reached = this.#reach(state, { isEnd: false, beforeWord });
      if (reached === null) {
        this.table.push(FOUND);
        continue;
      }
      const next = new Set([this.#start]);
      for (const step of reached) {
        if (step.kind === "set" && includes(step.set, sample)) next.add(step.next);
      }
      const steps = [...next].sort((a, b) => a - b);
      this.#spend(steps.length);
      this.table.push(this.#number({ steps, isStart: false, afterWord: beforeWord }));
    }
  }

  /** The steps that read a character, reached without one; null: the end of the pattern is. */
  #reach(state: State, ahead: Pick<Around, "isEnd" | "beforeWord">): readonly Step[] | null {
    const around = { ...state, ...ahead };
    const seen = new Set(state.steps);
    const reached: Step[] = [];
    for (const index of seen) {
      this.#spend(1);
      const step = this.#steps[index];
      if (step?.kind === "match") return null;
      if (step?.kind === "set") reached.push(step);
      if (step?.kind === "assertion" && holds(step.assertion, around)) seen.add(step.next);
      if (step?.kind === "split") for (const next of step.next) seen.add(next);
    }
    return reached;
  }

  #number(state: State): number {
    const name = `${state.isStart} ${state.afterWord} ${state.steps.join()}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#states.length);
    return this.#states.push(state) - 1;
  }

  #spend(count: number): void {
    this.#work += count;
    if (this.#work <= MAX_WORK) return;
    throw new PatternProblem(
      "has too many states to be worked out beforehand: ^ at its start, or smaller counts, make it fewer",
    );
  }
}

function holds(
  assertion: Extract<Step, { kind: "assertion" }>["assertion"],
  { isStart, isEnd, afterWord, beforeWord }: Around,
): boolean {
  if (assertion === "start") return isStart;
  if (assertion === "end") return isEnd;
  return (afterWord !== beforeWord) === (assertion === "boundary");
}
