/** Sets of code points, as sorted ranges that don't touch: [first, last, first, last, …]. */
export type Ranges = readonly number[];

const LAST = 0x10ffff;

/** Of pairs in any order, which may overlap. */
export function toRanges(pairs: readonly (readonly [number, number])[]): Ranges {
  const ranges: number[] = [];
  for (const [first, last] of pairs.toSorted(([a], [b]) => a - b)) {
    const end = ranges.at(-1);
    if (end !== undefined && first <= end + 1) ranges[ranges.length - 1] = Math.max(end, last);
    else ranges.push(first, last);
  }
  return ranges;
}

/** The pairs that `toRanges` takes. */
export function pairsOf(ranges: Ranges): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  for (let at = 0; at < ranges.length; at += 2) pairs.push([ranges[at] ?? 0, ranges[at + 1] ?? 0]);
  return pairs;
}

/** Every other code point. */
export function complement(ranges: Ranges): Ranges {
  const pairs: [number, number][] = [];
  let next = 0;
  for (const [first, last] of pairsOf(ranges)) {
    if (first > next) pairs.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) pairs.push([next, LAST]);
  return toRanges(pairs);
}

const known = new Map<string, Ranges>();

/**
 * What one escape of a regular expression stands for (`\s`, `\p{L}`), by asking the engine of this
 * Node about every code point: so both know the same Unicode.
 */
export function rangesOfEscape(text: string): Ranges {
  const found = known.get(text);
  if (found) return found;
  const expression = new RegExp(`^${text}$`, "u");
  const pairs: [number, number][] = [];
  for (let point = 0; point <= LAST; point++) {
    if (!expression.test(String.fromCodePoint(point))) continue;
    const last = pairs.at(-1);
    if (last !== undefined && last[1] === point - 1) last[1] = point;
    else pairs.push([point, point]);
  }
  const ranges = toRanges(pairs);
  known.set(text, ranges);
  return ranges;
}
