import { isInTheWay } from "../plan/plan.ts";
import { change, type Job, lookAndPlan, openLedger } from "./job.ts";
import { completed, postponed, reportOf } from "./outcome.ts";
import type { ApplyReport } from "./results.ts";

/** An apply once it holds the lock. @throws {WarrenError} as `applyTopology`. */
export async function applyLocked(job: Job): Promise<ApplyReport> {
  const { topology, hash, options } = job;
  const ledger = await openLedger(job);
  options.onState?.(ledger.record);
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
  const written = await ledger.finish({ owned, hash, journal: null });
  return reportOf({ ...head, generation: written.generation }, results, options);
}
