/** What keeps a runner that is back from declaring anything. */
import type { ApplyReport } from "../../apply/change/results.ts";
import type { StateRecord } from "../../apply/state/record.ts";
import { type ErrorCode, WarrenError } from "../../errors.ts";

/** What this runner applied itself. */
export type Applied = Pick<ApplyReport, "generation" | "hash">;

export type Restraint = {
  /** In words; null: it is not meant to. */
  readonly reason: string | null;
  /** It may last for as long as the runner. */
  readonly isLong: boolean;
};

/** Of a runner that declares nothing, ever. */
export const UNMEANT: Restraint = { reason: null, isLong: false };

/** Thrown before anything is changed. */
class Restrained extends WarrenError {
  readonly restraint: Restraint;

  constructor(restraint: Restraint) {
    super("lock-held", restraint.reason ?? "");
    this.restraint = restraint;
  }
}

/** @throws {Restrained} when a queue is being replaced, or another topology was applied since. */
export function assertNewest(state: StateRecord | null, applied: Applied | null): void {
  if (state === null) return;
  const { by, generation, hash, journal } = state;
  if (journal !== null) {
    const reason = `the topology is being changed by ${by}: queue "${journal.queue}" is being replaced`;
    throw new Restrained({ reason, isLong: false });
  }
  if (applied === null || generation <= applied.generation || hash === applied.hash) return;
  const newer = `a newer topology (generation ${generation}, by ${by}) is in force`;
  throw new Restrained({ reason: `${newer}: nothing is declared`, isLong: true });
}

/** What an apply was refused with, if that is no reason to give up what is there; else null. */
export function restraintOf(error: unknown): Restraint | null {
  if (error instanceof Restrained) return error.restraint;
  if (!(error instanceof WarrenError)) return null;
  const { code, message } = error;
  if (code === "lock-held") return restraintBy(message);
  return SURVIVED.has(code) ? { reason: `nothing is declared: ${message}`, isLong: false } : null;
}

/** By somebody else's change. */
export function restraintBy(detail: string): Restraint {
  return { reason: `the topology is being changed: ${detail}`, isLong: false };
}

/** The broker takes deliveries and publishes; what these are about is needed for declaring alone. */
const SURVIVED: ReadonlySet<ErrorCode> = new Set([
  "management-failed",
  "management-refused",
  "management-mismatch",
  "state-unreadable",
  "blocked",
]);
