/** Removes what a project owns, and nothing else. */
import { WarrenError } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import type { DesiredObjects } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { hashOf, type Owned } from "../state/record.ts";
import { eraseState } from "../state/state.ts";
import { change, type Job, lookAndPlan, openLedger, resume } from "./job.ts";
import type { ApplyEntry } from "./results.ts";
import { type LockedOptions, underLock } from "./under-lock.ts";

export type DestroyOptions = LockedOptions & {
  /** Queues that go even with messages in them and consumers on them; these are lost. */
  readonly queues?: readonly string[];
};

export type DestroyReport = {
  /** `rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672` */
  readonly broker: string;
  readonly entries: readonly ApplyEntry[];
  /** Nothing of the project is left, its state neither. */
  readonly isDone: boolean;
};

/**
 * Removes what the project's state says is its own: bindings, queues, exchanges, policies, and at
 * last the state. A queue with messages or consumers is kept unless it is named.
 *
 * @throws {WarrenError} as `applyTopology`; `not-ours`.
 */
export async function destroyTopology(
  topology: Topology,
  options: DestroyOptions = {},
): Promise<DestroyReport> {
  const permissions = { prune: true, allowReplace: false, adopt: false };
  const condemned = new Set(options.queues);
  return await underLock(topology, options, (connection, onProgress) =>
    destroyLocked({
      connection,
      topology,
      desired: NOTHING,
      hash: hashOf(NOTHING),
      options: { ...options, permissions },
      onProgress,
      condemned,
    }),
  );
}

const NOTHING: DesiredObjects = { exchanges: [], queues: [], bindings: [], policies: [] };

async function destroyLocked(job: Job): Promise<DestroyReport> {
  const ledger = await openLedger(job);
  assertOurs(job, ledger.owned);
  await resume(job, ledger);
  const entries = new Map<string, ApplyEntry>();
  for (;;) {
    const looked = await lookAndPlan(job, ledger);
    const going = looked.plan.entries.map((entry) => condemn(entry, job));
    const { results, owned } = await change(job, ledger, looked, going);
    for (const one of results.values()) entries.set(`${one.kind} ${one.name}`, one);
    const isDone = isEmpty(owned);
    if (isDone) await eraseState(job.connection, job.topology.project);
    else await ledger.finish({ owned, hash: job.hash, journal: null });
    // What was kept for something that has gone can go as well.
    const hasGone = [...results.values()].some(({ result }) => GONE.includes(result));
    const isOver = isDone || !hasGone || job.options.interrupted?.aborted;
    if (isOver) return { broker: looked.live.broker, entries: [...entries.values()], isDone };
  }
}

const GONE: readonly ApplyEntry["result"][] = ["removed", "unbound"];

/** @throws {WarrenError} `not-ours` */
function assertOurs({ condemned = new Set(), topology }: Job, { queues }: Owned): void {
  const stranger = [...condemned].find((name) => !queues.includes(name));
  if (stranger === undefined) return;
  const text = `queue "${stranger}" is none that project "${topology.project}" has made`;
  throw new WarrenError("not-ours", text);
}

function condemn(entry: PlanEntry, { condemned }: Job): PlanEntry {
  const isCondemned = entry.kind === "queue" && condemned?.has(entry.name) === true;
  return isCondemned ? { ...entry, action: "remove", blocked: null } : entry;
}

function isEmpty({ exchanges, queues, bindings, policies }: Owned): boolean {
  return [exchanges, queues, bindings, policies].every((all) => all.length === 0);
}
