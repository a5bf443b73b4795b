/** Keywords with one value each that say how much, how long or of what form. */
import { possibleKinds } from "./types.ts";
import { all, placeOf, type View } from "./view.ts";
import { type Pair, shown, verdicts, type Walk } from "./walk.ts";

type Limit = { readonly least: string } | { readonly most: string };

const NUMBERS = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] as const;

/** Compares least and greatest numbers, and multiples. */
export function compareNumbers(pair: Pair, walk: Walk): void {
  compareBound(pair, walk, 1);
  compareBound(pair, walk, -1);
  compareMultiples(pair, walk);
}

/** Compares `format`, which numbers have as well. */
export function compareFormats(pair: Pair, walk: Walk): void {
  compareForms(pair, walk, "format");
}

/** Compares lengths and `pattern`. */
export function compareStrings(pair: Pair, walk: Walk): void {
  compareLimit(pair, walk, { least: "minLength" });
  compareLimit(pair, walk, { most: "maxLength" });
  compareForms(pair, walk, "pattern");
}

/** Compares how many there may be at least, and at most. */
export function compareCounts(pair: Pair, walk: Walk, of: "Items" | "Properties"): void {
  compareLimit(pair, walk, { least: `min${of}` });
  compareLimit(pair, walk, { most: `max${of}` });
}

function compareLimit({ old, new: now }: Pair, { emit }: Walk, limit: Limit): void {
  const keyword = "least" in limit ? limit.least : limit.most;
  const sign = "least" in limit ? 1 : -1;
  // Nothing said: at least none of it, at most any number.
  const of = (view: View) =>
    Math.max(sign === 1 ? 0 : -Infinity, ...numbersOf(view, keyword).map((n) => sign * n));
  const was = of(old.part);
  const is = of(now.part);
  if (was === is) return;
  emit({
    rule: "limit",
    old: placeOf(old.part, keyword),
    new: placeOf(now.part, keyword),
    words: `${keyword}: ${bare(was * sign)} → ${bare(is * sign)}`,
    ...verdicts(of(old.full) >= is, of(now.full) >= was),
  });
}

/** A bound as a number and whether it is itself excluded; the sign turns greatest into least. */
type Bound = { readonly value: number; readonly isExcluded: boolean };

function compareBound({ old, new: now }: Pair, { emit }: Walk, sign: 1 | -1): void {
  const [including, excluding] = sign === 1 ? NUMBERS.slice(0, 2) : NUMBERS.slice(2);
  if (including === undefined || excluding === undefined) return;
  const of = (view: View) => boundOf(view, including, excluding, sign);
  const was = of(old.part);
  const is = of(now.part);
  if (was.value === is.value && was.isExcluded === is.isExcluded) return;
  const name = ({ value, isExcluded }: Bound) =>
    value === -Infinity ? "none" : `${isExcluded ? excluding : including} ${value * sign}`;
  emit({
    rule: "limit",
    old: placeOf(old.part, including, excluding),
    new: placeOf(now.part, including, excluding),
    words: `${sign === 1 ? "least" : "greatest"} number: ${name(was)} → ${name(is)}`,
    ...verdicts(isWithin(of(old.full), is), isWithin(of(now.full), was)),
  });
}

function boundOf(view: View, including: string, excluding: string, sign: 1 | -1): Bound {
  const bounds: readonly Bound[] = [
    ...numbersOf(view, including).map((n) => ({ value: sign * n, isExcluded: false })),
    ...numbersOf(view, excluding).map((n) => ({ value: sign * n, isExcluded: true })),
  ];
  const none: Bound = { value: -Infinity, isExcluded: false };
  const bound = bounds.reduce((one, other) => (isWithin(other, one) ? other : one), none);
  if (bound === none || possibleKinds(view).has("fraction")) return bound;
  // Of integers, more than 0 is at least 1.
  const { value, isExcluded } = bound;
  return { value: isExcluded ? Math.floor(value) + 1 : Math.ceil(value), isExcluded: false };
}

function isWithin(inner: Bound, outer: Bound): boolean {
  if (inner.value !== outer.value) return inner.value > outer.value;
  return inner.isExcluded || !outer.isExcluded;
}

function compareMultiples({ old, new: now }: Pair, { emit }: Walk): void {
  const was = numbersOf(old.part, "multipleOf");
  const is = numbersOf(now.part, "multipleOf");
  if (String(was) === String(is)) return;
  emit({
    rule: "multiple",
    old: placeOf(old.part, "multipleOf"),
    new: placeOf(now.part, "multipleOf"),
    words: `multipleOf: ${was.join() || "none"} → ${is.join() || "none"}`,
    ...verdicts(areMultiples(old.full, is), areMultiples(now.full, was)),
  });
}

/** Whether what the view allows is a multiple of each of these numbers. */
function areMultiples(view: View, wanted: readonly number[]): boolean {
  const isInteger = !possibleKinds(view).has("fraction");
  const known = [...numbersOf(view, "multipleOf"), ...(isInteger ? [1] : [])];
  return wanted.every((of) =>
    known.some((n) => n === of || (Number.isInteger(n) && Number.isInteger(of) && n % of === 0)),
  );
}

function compareForms({ old, new: now }: Pair, { emit }: Walk, keyword: string): void {
  const was = textsOf(old.part, keyword);
  const is = textsOf(now.part, keyword);
  if (String([...was].sort()) === String([...is].sort())) return;
  const isChanged = was.length > 0 && is.length > 0;
  const holds = (view: View, wanted: readonly string[]) => {
    const known = textsOf(view, keyword);
    if (wanted.every((text) => known.includes(text))) return "compatible";
    return isChanged ? "undecided" : "breaking";
  };
  emit({
    rule: "form",
    old: placeOf(old.part, keyword),
    new: placeOf(now.part, keyword),
    words: `${keyword}: ${was.map(shown).join() || "none"} → ${is.map(shown).join() || "none"}`,
    publishers: holds(old.full, is),
    consumers: holds(now.full, was),
  });
}

function numbersOf(view: View, keyword: string): readonly number[] {
  return all(view, keyword).flatMap(({ value }) => (typeof value === "number" ? [value] : []));
}

function textsOf(view: View, keyword: string): readonly string[] {
  const texts = all(view, keyword).flatMap(({ value }) =>
    typeof value === "string" ? [value] : [],
  );
  return [...new Set(texts)];
}

function bare(limit: number): string {
  return Number.isFinite(limit) ? String(limit) : "none";
}
