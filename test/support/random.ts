/** Random choices that a seed repeats. */
export type Random = {
  /** 0 to below `limit`. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
  /** `length` of what `make` makes. */
  list<T>(length: number, make: () => T): T[];
};

/** @see https://en.wikipedia.org/wiki/Linear_congruential_generator (Numerical Recipes' numbers) */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return {
    below,
    pick: <T>(values: readonly T[]) => {
      if (values.length === 0) throw new RangeError("nothing to pick from");
      return values[below(values.length)] as T;
    },
    list: (length, make) => Array.from({ length }, make),
  };
}
