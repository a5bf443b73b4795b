/** What the comparisons of keywords are given, and what they find. */
import type { Rule } from "./rules.ts";
import type { View } from "./view.ts";

/** `undecided` counts as breaking: nobody could prove that it is not. */
export type Verdict = "compatible" | "breaking" | "undecided";

export type Verdicts = {
  /** Whether all that is valid by the old schema is valid by the new. */
  readonly publishers: Verdict;
  /** Whether all that is valid by the new schema is valid by the old, with the fields it had. */
  readonly consumers: Verdict;
};

export type Change = Verdicts & {
  readonly rule: Rule;
  /** Where it stands, `$ref`s included, in the old schema; null if nothing of it does. */
  readonly old: string | null;
  readonly new: string | null;
  /** What it was, and what it is. */
  readonly words: string;
};

/** `part` is compared; `full` is all that is known there besides, of which it is a part. */
export type Side = { readonly part: View; readonly full: View };
export type Pair = { readonly old: Side; readonly new: Side };

export type Walk = {
  readonly emit: (change: Change) => void;
  /** Compares what stands deeper. */
  readonly into: (pair: Pair) => void;
  /** What comparing would say, all in all; nothing is emitted. */
  readonly weigh: (pair: Pair) => Verdicts;
};

/** Of two views with nothing known besides. */
export function pairOf(old: View, now: View): Pair {
  return { old: { part: old, full: old }, new: { part: now, full: now } };
}

export const UNDECIDED: Verdicts = { publishers: "undecided", consumers: "undecided" };

/** @param publishers whether what they send stays valid. @param consumers likewise. */
export function verdicts(publishers: boolean, consumers: boolean): Verdicts {
  return {
    publishers: publishers ? "compatible" : "breaking",
    consumers: consumers ? "compatible" : "breaking",
  };
}

/** A value in a line of text. */
export function shown(value: unknown): string {
  if (value === undefined) return "none";
  const text = JSON.stringify(value) ?? "none";
  return text.length > 60 ? `${text.slice(0, 59).toWellFormed()}…` : text;
}
