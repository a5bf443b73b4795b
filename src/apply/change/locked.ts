import { isInTheWay } from "../plan/plan.ts";
import type { ReplaceReport } from "../replace/context.ts";
import { change, type Job, lookAndPlan, openLedger, resume } from "./job.ts";
import { completed, postponed, reportOf } from "./outcome.ts";
import type { Results } from "./phases.ts";
import { describeReplaced } from "./replacements.ts";
import { type ApplyReport, resultOf } from "./results.ts";

/** An apply once it holds the lock. @throws {WarrenError} as `applyTopology`. */
export async function applyLocked(job: Job): Promise<ApplyReport> {
  const { topology, hash, options } = job;
  const ledger = await openLedger(job);
  options.onState?.(ledger.record);
  const resumed = options.resume ? await resume(job, ledger) : null;
  const looked = await lookAndPlan(job, ledger);
  const { plan, live } = looked;
  options.onPlan?.({ plan, live, state: ledger.record, hash });
  const { generation = 0, journal = null } = ledger.record ?? {};
  const head = { broker: live.broker, file: topology.file, hash, plan };
  if (plan.entries.some(isInTheWay)) {
    return reportOf({ ...head, generation }, completed(plan.entries, new Map()), options);
  }
  if (journal) {
    const reason = `waits for the replacement of queue "${journal.queue}", which was interrupted`;
    return reportOf({ ...head, generation }, postponed(plan.entries, reason), options);
  }
  const { results, owned } = await change(job, ledger, looked);
  // A replacement that was interrupted is gone on with by the next apply.
  const left = ledger.record?.journal ?? null;
  const written = await ledger.finish({ owned, hash, journal: left });
  return reportOf(
    { ...head, generation: written.generation },
    withResumed(results, resumed),
    options,
  );
}

/** The plan was made after it, so that it finds its queue as it should be. */
function withResumed(results: Results, resumed: ReplaceReport | null): Results {
  if (!resumed) return results;
  return new Map(
    [...results].map(([entry, result]) => {
      const isIt = entry.kind === "queue" && entry.name === resumed.queue;
      const detail = `gone on with: ${describeReplaced(resumed)}`;
      return isIt && result.result === "unchanged"
        ? [entry, resultOf(entry, "replaced", detail)]
        : [entry, result];
    }),
  );
}
