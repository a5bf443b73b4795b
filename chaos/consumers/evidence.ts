/** Everything that a run leaves behind, for `reconcile` and the report. */
import type { Found } from "../evidence.ts";
import type { Sample } from "../samples.ts";
import type { Sent } from "./plan.ts";
import type { JobRun } from "./project/src/job.ts";

export type Evidence = {
  readonly seed: number;
  /** Of RabbitMQ. */
  readonly version: string;
  readonly sent: readonly Sent[];
  readonly runs: readonly JobRun[];
  readonly dead: readonly Found[];
  /** In work and delay queues, once the runner had ended. */
  readonly left: readonly Found[];
  /** While the broker took no messages; null: it always did. */
  readonly block: Block | null;
  /** Every message was handled or dead before anybody lost patience. */
  readonly isDone: boolean;
  /** What else went wrong: the runner died, or did not end. */
  readonly troubles: readonly string[];
  /** Lines of the runner's log → how often. */
  readonly log: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
};

/** In the runner's log, of a message whose copy the broker does not take. */
export const HELD = "message held: the broker does not take what it leads to";

export type Block = { readonly begin: number; readonly end: number };
