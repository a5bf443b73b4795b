/** Who ended a thread, of what it had in flight. */
import type { Delivery } from "./host.ts";
import type { Runs } from "./runs.ts";
import { OUT_OF_MEMORY } from "./spawn.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** What is neither culprit nor suspect had no part in it. */
export type Death = {
  /** With the place at which the thread was busy, if it could say so. */
  readonly reason: string;
  /** It did, for sure. */
  readonly culprit: Delivery | null;
  /** It was one of these. */
  readonly suspects: readonly Delivery[];
};

/** @param running the run in whose first synchronous part the thread ended; 0: in none. */
export function deathByItself(reason: string, runs: Runs, running: number): Death {
  const delivery = runs.get(running);
  if (!delivery) return { reason, culprit: null, suspects: runs.inFlight };
  if (reason === OUT_OF_MEMORY) return { reason, culprit: null, suspects: [delivery] };
  return { reason, culprit: delivery, suspects: [] };
}

/** Of a thread that was blocked or took too much memory, and had to be ended. */
export function deathByForce(
  reason: string,
  runs: Runs,
  { running, where }: { readonly running: number; readonly where: Whereabouts | null },
): Death {
  const isInRun = where !== null && where.delivery !== null;
  // None of those in flight, if it goes on after its result.
  const found = isInRun ? runs.inFlight.find(({ id }) => id === where.delivery) : runs.get(running);
  const isFull = reason.startsWith(OUT_OF_MEMORY);
  // It may only have taken the last bit of a memory that others had filled, or the module itself.
  if (isFull) return { reason, culprit: null, suspects: found ? [found] : [] };
  if (found) return { reason, culprit: found, suspects: [] };
  return { reason, culprit: null, suspects: isInRun ? [] : runs.inFlight };
}
