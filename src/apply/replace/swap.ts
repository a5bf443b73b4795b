/** The old queue and the new one, which have the same name. */
import { isDeepStrictEqual } from "node:util";
import { listRows } from "../inspect/row.ts";
import { queueTypeOf } from "../plan/queue-type.ts";
import { PRECONDITION_FAILED } from "../reply-codes.ts";
import { toFieldTable } from "../wire.ts";
import { onSpare } from "./clear.ts";
import { lookAt } from "./look.ts";
import type { ReplaceRun } from "./run.ts";

/**
 * How long a quorum queue has to be gone before one of its name is declared, in milliseconds: until
 * then consumers and publishers may take the new one for the old one, and are deaf (3.10) or thrown
 * out (4.x).
 */
export const GAP_MS = 500;

/** Which queue there is under the name. */
export type Found = "old" | "new" | "absent";

/** Which queue of that name there is. */
export async function find(run: ReplaceRun): Promise<Found> {
  const { queue, journal } = run;
  if (!(await lookAt(run, queue))) return "absent";
  const attempt = await onSpare(run, (channel) =>
    channel.operate(`declare queue ${queue}`, (open) =>
      open.assertQueue(queue, { durable: true, arguments: toFieldTable(journal.to) }),
    ),
  );
  if (!attempt.ok && attempt.refusal.code === PRECONDITION_FAILED) return "old";
  if (!attempt.ok) throw run.refused(`declare queue "${queue}"`, attempt.refusal);
  const { management } = run.context;
  if (!management || journal.phase === "refilling") return "new";
  // The broker has compared only the arguments that it knows.
  const rows = await listRows(management, "queues", { disable_stats: "true" });
  const row = rows.find((one) => one.text("name") === queue);
  const args = row?.arguments("arguments");
  const isSame = isDeepStrictEqual({ "x-queue-type": "classic", ...args }, { ...journal.to });
  return row && !isSame ? "old" : "new";
}

/** @returns false: somebody was faster, with other arguments. */
export async function declareNew(run: ReplaceRun, deletedMs: number | null): Promise<boolean> {
  const { queue, journal } = run;
  run.step(6);
  if (queueTypeOf({ arguments: journal.from }) === "quorum") await run.pause(GAP_MS);
  const attempt = await run.channel.operate(`declare queue ${queue}`, (channel) =>
    channel.assertQueue(queue, { durable: true, arguments: toFieldTable(journal.to) }),
  );
  if (!attempt.ok && attempt.refusal.code === PRECONDITION_FAILED) return false;
  if (!attempt.ok) throw run.refused(`declare queue "${queue}"`, attempt.refusal);
  if (deletedMs !== null) run.gapMs = performance.now() - deletedMs;
  return true;
}
