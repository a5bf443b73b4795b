/** Whether JSON values are the same, in time proportional to their size however they are nested. */
import { randomInt } from "node:crypto";

/** The first of the items that is the same as one before it; -1 if all differ. */
export function indexOfRepeated(items: readonly unknown[]): number {
  const seen = new ValueSet();
  return items.findIndex((item) => !seen.add(item));
}

/** A set that knows objects and arrays by what they hold. */
export class ValueSet {
  readonly #scalars = new Set<unknown>();
  readonly #others = new Map<number, object[]>();

  /** @returns false if it is there already. */
  add(value: unknown): boolean {
    if (this.has(value)) return false;
    if (!isComposite(value)) {
      this.#scalars.add(value);
      return true;
    }
    const hash = hashOf(value);
    const alike = this.#others.get(hash);
    if (alike) alike.push(value);
    else this.#others.set(hash, [value]);
    return true;
  }

  has(value: unknown): boolean {
    if (!isComposite(value)) return this.#scalars.has(value);
    if (this.#others.size === 0) return false;
    return this.#others.get(hashOf(value))?.some((one) => isSame(one, value)) ?? false;
  }
}

// What is nested is met once for each list around it: so each object is hashed once. Nothing is
// changed while it is checked.
const hashes = new WeakMap<object, number>();

// Unknown outside, so that nobody can prepare values that share a hash.
const SEED = randomInt(2 ** 31);

function hashOf(value: object): number {
  const known = hashes.get(value);
  if (known !== undefined) return known;
  let hash = SEED;
  if (Array.isArray(value)) {
    for (const item of value) hash = mix(hash, hashOfAny(item));
  } else {
    // In any order: what is added up has none.
    let sum = 0;
    for (const [key, member] of Object.entries(value)) {
      sum = (sum + mix(hashOfText(key), hashOfAny(member))) | 0;
    }
    hash = mix(~SEED, sum);
  }
  hashes.set(value, hash);
  return hash;
}

function hashOfAny(value: unknown): number {
  if (isComposite(value)) return hashOf(value);
  if (typeof value === "string") return hashOfText(value);
  return hashOfText(`${typeof value} ${value}`);
}

function hashOfText(text: string): number {
  let hash = SEED;
  for (let at = 0; at < text.length; at++) hash = mix(hash, text.charCodeAt(at));
  return hash;
}

/** @see https://github.com/aappleby/smhasher/wiki/MurmurHash3 */
function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = hash ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function isSame(one: unknown, other: unknown): boolean {
  if (!isComposite(one) || !isComposite(other)) return one === other;
  if (Array.isArray(one) !== Array.isArray(other) || hashOf(one) !== hashOf(other)) return false;
  const entries = Object.entries(one);
  if (entries.length !== Object.keys(other).length) return false;
  return entries.every(
    ([key, member]) =>
      Object.hasOwn(other, key) && isSame(member, (other as Record<string, unknown>)[key]),
  );
}

function isComposite(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
