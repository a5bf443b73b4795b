/** What an apply does while it holds the lock: read, compare, change, look again, write down. */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Topology } from "../../topology.ts";
import { inspect } from "../inspect/inspect.ts";
import { managementOf } from "../inspect/management.ts";
import type { Live } from "../live.ts";
import type { DesiredObjects } from "../objects.ts";
import { isInTheWay, plan } from "../plan/plan.ts";
import type { Plan } from "../planned.ts";
import { Ledger } from "../state/ledger.ts";
import { NOTHING_OWNED, type Owned, type StateRecord } from "../state/record.ts";
import type { ChangeContext, Progress } from "./context.ts";
import { assertTypesKnown } from "./declare.ts";
import { type ApplyOptions, NO_PERMISSIONS } from "./options.ts";
import { completed, postponed, reportOf } from "./outcome.ts";
import { ownedAfter, ownedMeanwhile } from "./owned.ts";
import { isPending, makeChanges, type Results } from "./phases.ts";
import type { ApplyReport } from "./results.ts";
import { hasChanged, verified } from "./verify.ts";

export type Job = {
  readonly topology: Topology;
  readonly desired: DesiredObjects;
  /** Of it. */
  readonly hash: string;
  readonly options: ApplyOptions;
  readonly onProgress: (progress: Progress) => void;
};

/** @param connection holds the project's lock. @throws {WarrenError} as `applyTopology`. */
export async function applyLocked(connection: BrokerConnection, job: Job): Promise<ApplyReport> {
  const { topology, hash, options } = job;
  const { by = "warren", signal } = options;
  const { project } = topology;
  const ledger = await Ledger.open(connection, { project, by, ...(signal && { signal }) });
  options.onState?.(ledger.record);
  const planned = await makePlan(job, ledger);
  const { generation = 0 } = ledger.record ?? {};
  const head = { broker: planned.live.broker, file: topology.file, hash, plan: planned.plan };
  const { entries } = planned.plan;
  if (entries.some(isInTheWay)) {
    return reportOf({ ...head, generation }, completed(entries, new Map()), options);
  }
  const journal = ledger.record?.journal;
  if (journal) {
    const reason = `waits for the replacement of queue "${journal.queue}", which was interrupted`;
    return reportOf({ ...head, generation }, postponed(entries, reason), options);
  }
  const { results, owned } = await change(connection, job, ledger, planned);
  const written = await ledger.finish({ owned, hash, journal: null });
  return reportOf({ ...head, generation: written.generation }, results, options);
}

type Planned = { readonly plan: Plan; readonly live: Live; readonly lookedAtMs: number };

async function makePlan(job: Job, { record }: Ledger): Promise<Planned> {
  const { desired, hash, options } = job;
  const lookedAtMs = performance.now();
  const live = await look(job, record?.owned);
  assertTypesKnown(desired.exchanges, live);
  const made = planOf(job, live, record);
  options.onPlan?.({ plan: made, live, state: record, hash });
  return { plan: made, live, lookedAtMs };
}

type Changed = { readonly results: Results; readonly owned: Owned };

/** Changes what the plan says, looks whether it is so, and says what is this project's now. */
async function change(
  connection: BrokerConnection,
  job: Job,
  ledger: Ledger,
  planned: Planned,
): Promise<Changed> {
  const { entries } = planned.plan;
  const before = ledger.owned;
  const meanwhile = ownedMeanwhile(before, entries);
  const isIdle = !entries.some(isPending);
  if (!isIdle) await ledger.note({ owned: meanwhile });
  const context = contextOf(connection, job, { ledger, planned, owned: before });
  const results = completed(entries, await makeChanges(context, entries));
  const owned = ownedAfter(before, entries, results, planned.live);
  if (!hasChanged(results)) return { results, owned };
  const checked = await verified(results, async () => {
    const live = await look(job, meanwhile);
    return planOf(job, live, ledger.draft({ owned }));
  });
  return { results: checked, owned: ownedAfter(before, entries, checked, planned.live) };
}

function contextOf(
  connection: BrokerConnection,
  job: Job,
  { ledger, planned, owned }: { ledger: Ledger; planned: Planned; owned: Owned },
): ChangeContext {
  const { topology, options, onProgress } = job;
  const lost = new AbortController();
  void connection.ended.then(() => lost.abort());
  const total = planned.plan.entries.filter(isPending).length;
  let done = 0;
  return {
    connection,
    // Fenced like the rest: without the lock's connection no call goes out any more.
    management: managementOf(topology, lost.signal),
    owned,
    ledger,
    live: planned.live,
    lookedAtMs: planned.lookedAtMs,
    look: () => look(job, owned),
    interrupted: options.interrupted ?? NEVER,
    onDone: ({ kind, name }) => {
      done += 1;
      onProgress({ done, total, what: `${kind} ${name}` });
    },
  };
}

const NEVER = new AbortController().signal;

function look({ topology, desired, options }: Job, owned: Owned = NOTHING_OWNED): Promise<Live> {
  return inspect(topology, { desired, owned, holdsLock: true }, options.signal);
}

function planOf(job: Job, live: Live, state: StateRecord | null): Plan {
  const { desired, topology, options } = job;
  return plan(desired, live, state, options.permissions ?? NO_PERMISSIONS, topology.project);
}
