/** What an apply comes to, object by object. */
import type { Place } from "../../errors.ts";
import type { Difference, Plan, PlanEntry } from "../planned.ts";

/**
 * | result    | the object |
 * |-----------|------------|
 * | created   | was missing, and is there now |
 * | unchanged | was there and is equal |
 * | ensured   | a binding that AMQP can't see: it is there now, and may have been before |
 * | updated   | a policy that differed, and is as wanted now |
 * | unbound   | a binding that is not in the file, and is gone now |
 * | replaced  | a queue that differed, and is as wanted now, with its messages |
 * | removed   | is not in the file, and is gone now |
 * | kept      | was to be removed or replaced, and stays as it is: `detail` says why |
 * | deferred  | not done now, and nothing is in the way: `detail` says what it waits for |
 * | conflict  | is there and differs, in `differences` |
 * | missing   | external, and not there |
 * | refused   | the broker's refusal, in `detail` |
 */
export type Result =
  | "created"
  | "unchanged"
  | "ensured"
  | "updated"
  | "unbound"
  | "replaced"
  | "removed"
  | "kept"
  | "deferred"
  | "conflict"
  | "missing"
  | "refused";

export type ApplyEntry = {
  readonly kind: PlanEntry["kind"];
  readonly name: string;
  readonly result: Result;
  readonly differences?: readonly Difference[];
  readonly detail?: string;
  /** null: not in the file. */
  readonly at: Place | null;
};

export type ApplyReport = {
  /** `rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672` */
  readonly broker: string;
  /** Of the topology, for what is in no file. */
  readonly file: string;
  /** Of the state, after it. */
  readonly generation: number;
  /** Of what the file wants. */
  readonly hash: string;
  /** What was between the file and the broker before. */
  readonly plan: Plan;
  /** In the plan's order; without what is somebody else's. */
  readonly entries: readonly ApplyEntry[];
  /** Nothing is in conflict, missing or refused. */
  readonly isDone: boolean;
  /** Something was to be done and is not, and that is safe: what is `deferred`, or kept from a prune. */
  readonly isPartial: boolean;
};

/** Whether the object is as the file wants it. */
export function isRight({ result }: Pick<ApplyEntry, "result">): boolean {
  return !IN_THE_WAY.has(result);
}

/** Of an object of the plan. */
export function resultOf(
  { kind, name, at }: Pick<PlanEntry, "kind" | "name" | "at">,
  result: Result,
  detail?: string,
): ApplyEntry {
  return { kind, name, result, at, ...(detail !== undefined && { detail }) };
}

const IN_THE_WAY: ReadonlySet<Result> = new Set(["conflict", "missing", "refused"]);
