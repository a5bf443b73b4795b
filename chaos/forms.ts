/** The two forms of the test. */
import type { ChaosOptions } from "./chaos.ts";
import { longSchedule, shortSchedule } from "./schedule.ts";

type Form = Omit<ChaosOptions, "note">;

const SHORT_SECONDS = 30;

/** For every commit: about a minute with all that belongs to it. */
export function shortForm(seed: number): Form {
  return {
    seed,
    seconds: SHORT_SECONDS,
    rate: 120,
    schedule: shortSchedule(seed, SHORT_SECONDS),
    warmUpMs: 2_000,
    quietMs: 3_000,
  };
}

/** For every night: every fault at least twice. */
export function longForm(
  seed: number,
  { seconds, rate }: { readonly seconds: number; readonly rate: number },
): Form {
  const schedule = longSchedule(seed, seconds);
  return { seed, seconds, rate, schedule, warmUpMs: 5_000, quietMs: 5_000 };
}
