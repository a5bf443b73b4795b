/** Everything that a run leaves behind, for `reconcile` and the report. */
import type { Fault } from "./fault.ts";
import type { Answer, Sent } from "./ledger.ts";
import type { HandlerRun } from "./project/src/job/run.ts";
import type { Sample } from "./samples.ts";
import type { Settlements } from "./settlements.ts";

/** One fault as it happened. */
export type Happened = Pick<Fault, "name" | "losesConnections" | "isOutage"> & {
  readonly edit: "taken" | "refused" | null;
  readonly begin: number;
  readonly end: number;
  /** What the runners did not recover from. */
  readonly error: string | null;
};

/** A message that was found in a queue after all runners had ended. */
export type Found = {
  readonly queue: string;
  readonly id: string;
  /** Headers of warren's own; null outside of the dead letters. */
  readonly reason: string | null;
  readonly attempts: number | null;
};

export type Evidence = {
  readonly seed: number;
  readonly phases: { readonly faultsBegan: number; readonly faultsEnded: number };
  readonly sent: ReadonlyMap<string, Sent>;
  readonly answers: readonly Answer[];
  readonly runs: readonly HandlerRun[];
  readonly wire: Settlements;
  readonly faults: readonly Happened[];
  readonly dead: readonly Found[];
  /** In work and delay queues. */
  readonly left: readonly Found[];
  /** Delivered and not settled, after the quiet and before the runners were ended. */
  readonly unacked: number;
  /** Calm returned by itself. */
  readonly isQuiet: boolean;
  /** What else went wrong: a runner that died, or did not end. */
  readonly troubles: readonly string[];
  /** Signal and exit status of runners → how often. */
  readonly exits: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
};
