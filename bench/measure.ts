/** One line of the output. `ratio` is ours / theirs, within this run; null: there is no theirs. */
export type Measurement = {
  readonly name: string;
  readonly ratio: number | null;
  readonly ours: number;
  readonly theirs: number | null;
  readonly unit: string;
};

/**
 * Measures both in turn, `rounds` times, each going first as often as the other, after one round
 * of each that does not count, unless there is one alone. The ratio is the median of the rounds' ratios, so that a slow
 * moment of the machine meets both.
 */
export async function compare(
  name: string,
  unit: string,
  rounds: number,
  measure: { readonly ours: () => Promise<number>; readonly theirs: () => Promise<number> },
): Promise<Measurement> {
  const pairs: { readonly ours: number; readonly theirs: number }[] = [];
  if (rounds > 1) {
    await measure.ours();
    await measure.theirs();
  }
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const ours = await measure.ours();
      pairs.push({ ours, theirs: await measure.theirs() });
    } else {
      const theirs = await measure.theirs();
      pairs.push({ ours: await measure.ours(), theirs });
    }
  }
  return {
    name,
    ratio: rounded(median(pairs.map(({ ours, theirs }) => ours / theirs))),
    ours: rounded(median(pairs.map(({ ours }) => ours))),
    theirs: rounded(median(pairs.map(({ theirs }) => theirs))),
    unit,
  };
}

/** @throws {RangeError} of no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("the median of no values");
  return (upper + lower) / 2;
}

/** Four significant digits, and no fraction above 1000. */
export function rounded(value: number): number {
  return value >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
}
