/** Code points that no set of a pattern tells apart are one letter to it. */
import type { Ranges } from "./ranges.ts";

export class Alphabet {
  /** The letters' number. */
  readonly size: number;
  /** A code point of each letter. */
  readonly samples: readonly number[];
  readonly #starts: Uint32Array;
  readonly #letters: Uint16Array;
  readonly #latin: Uint16Array;

  constructor(sets: Iterable<Ranges>) {
    const distinct = [...sets];
    const starts = new Set([0]);
    for (const set of distinct) {
      set.forEach((edge, index) => {
        starts.add(index % 2 === 0 ? edge : edge + 1);
      });
    }
    this.#starts = Uint32Array.from(starts).sort();
    const letters = new Map<string, number>();
    const samples: number[] = [];
    this.#letters = Uint16Array.from(this.#starts, (point) => {
      const name = distinct.map((set) => (includes(set, point) ? "1" : "0")).join("");
      const known = letters.get(name);
      if (known !== undefined) return known;
      letters.set(name, samples.length);
      return samples.push(point) - 1;
    });
    this.size = samples.length;
    this.samples = samples;
    this.#latin = Uint16Array.from({ length: 256 }, (_, point) => this.#search(point));
  }

  letterOf(point: number): number {
    return point < 256 ? (this.#latin[point] ?? 0) : this.#search(point);
  }

  #search(point: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= point) low = middle;
      else high = middle;
    }
    return this.#letters[low] ?? 0;
  }
}

/** Whether a code point is in the set. */
export function includes(set: Ranges, point: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (point < (set[2 * middle] ?? 0)) high = middle;
    else if (point > (set[2 * middle + 1] ?? 0)) low = middle + 1;
    else return true;
  }
  return false;
}
