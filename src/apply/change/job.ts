/** What is done under the project's lock: look, plan, change, look again. */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Topology } from "../../topology.ts";
import { inspect, inspectAgain } from "../inspect/inspect.ts";
import { managementOf } from "../inspect/management.ts";
import type { Live } from "../live.ts";
import type { DesiredObjects } from "../objects.ts";
import { plan } from "../plan/plan.ts";
import type { Plan, PlanEntry } from "../planned.ts";
import type { ReplaceReport } from "../replace/context.ts";
import { resumeReplace } from "../replace/replace.ts";
import { Ledger } from "../state/ledger.ts";
import { NOTHING_OWNED, type Owned, type StateRecord } from "../state/record.ts";
import { Channels } from "./channels.ts";
import type { ChangeContext, Progress } from "./context.ts";
import { assertTypesKnown } from "./declare.ts";
import { type ApplyOptions, NO_PERMISSIONS } from "./options.ts";
import { completed } from "./outcome.ts";
import { ownedAfter, ownedMeanwhile } from "./owned.ts";
import { isPending, makeChanges, type Results } from "./phases.ts";
import { replacingContext } from "./replacements.ts";
import { hasChanged, verified } from "./verify.ts";

export type Job = {
  /** Holds the lock. */
  readonly connection: BrokerConnection;
  readonly topology: Topology;
  readonly desired: DesiredObjects;
  /** Of it. */
  readonly hash: string;
  readonly options: ApplyOptions;
  readonly onProgress: (progress: Progress) => void;
  /** Queues that go whatever is in them; none unless given. */
  readonly condemned?: ReadonlySet<string>;
};

export type Looked = { readonly plan: Plan; readonly live: Live; readonly lookedAtMs: number };

export type Changed = {
  readonly results: Results;
  /** What is this project's now. */
  readonly owned: Owned;
};

/** @throws {WarrenError} as `readState`. */
export function openLedger({ connection, topology, options }: Job): Promise<Ledger> {
  const { by = "warren", signal } = options;
  return Ledger.open(connection, { project: topology.project, by, ...(signal && { signal }) });
}

/**
 * Goes on with a replacement that was interrupted.
 *
 * @returns what became of it; null: there is none.
 * @throws {WarrenError} as `resumeReplace`.
 */
export async function resume(job: Job, ledger: Ledger): Promise<ReplaceReport | null> {
  const journal = ledger.record?.journal ?? null;
  if (!journal) return null;
  const { topology, onProgress } = job;
  const onStep = (what: string) => onProgress({ done: 0, total: 1, what });
  const context = replacingContext({ ...toolsOf(job), topology, ledger, onStep });
  return await resumeReplace(context, journal);
}

/** @throws {WarrenError} as `inspect`; `unknown-exchange-type`. */
export async function lookAndPlan(job: Job, { record }: Ledger): Promise<Looked> {
  const lookedAtMs = performance.now();
  const live = await look(job, record?.owned);
  assertTypesKnown(job.desired.exchanges, live);
  return { plan: planOf(job, live, record), live, lookedAtMs };
}

/** Changes what is pending, and looks whether it is so then. */
export async function change(
  job: Job,
  ledger: Ledger,
  looked: Looked,
  entries: readonly PlanEntry[] = looked.plan.entries,
): Promise<Changed> {
  const before = ledger.owned;
  const meanwhile = ownedMeanwhile(before, entries);
  if (entries.some(isPending)) await ledger.note({ owned: meanwhile });
  const context = contextOf(job, { ledger, looked, entries, owned: before });
  const results = completed(entries, await makeChanges(context, entries));
  const owned = ownedAfter(before, entries, results, looked.live);
  if (!hasChanged(results)) return { results, owned };
  const checked = await verified(results, async () => {
    const ask = { desired: job.desired, owned: meanwhile, holdsLock: true };
    const live = await inspectAgain(job.topology, looked.live, ask, job.options.signal);
    return planOf(job, live, ledger.draft({ owned }));
  });
  return { results: checked, owned: ownedAfter(before, entries, checked, looked.live) };
}

type ContextParts = {
  readonly ledger: Ledger;
  readonly looked: Looked;
  readonly entries: readonly PlanEntry[];
  readonly owned: Owned;
};

function contextOf(job: Job, { ledger, looked, entries, owned }: ContextParts): ChangeContext {
  const { onProgress, condemned = new Set() } = job;
  const total = entries.filter(isPending).length;
  let done = 0;
  const tools = toolsOf(job);
  const onStep = (what: string) => onProgress({ done, total, what });
  return {
    ...tools,
    ledger,
    owned,
    condemned,
    live: looked.live,
    lookedAtMs: looked.lookedAtMs,
    look: () => look(job, owned),
    replacing: replacingContext({ ...tools, topology: job.topology, ledger, onStep }),
    onDone: ({ kind, name }) => {
      done += 1;
      onProgress({ done, total, what: `${kind} ${name}` });
    },
  };
}

/** Fenced: without the lock's connection no call to the management API goes out any more either. */
function toolsOf({ connection, topology, options }: Job) {
  const lost = new AbortController();
  void connection.ended.then(() => lost.abort());
  const management = managementOf(topology, lost.signal);
  const channels = new Channels(connection);
  return { connection, channels, management, interrupted: options.interrupted ?? NEVER };
}

const NEVER = new AbortController().signal;

function look({ topology, desired, options }: Job, owned: Owned = NOTHING_OWNED): Promise<Live> {
  return inspect(topology, { desired, owned, holdsLock: true }, options.signal);
}

function planOf({ desired, topology, options }: Job, live: Live, state: StateRecord | null): Plan {
  return plan(desired, live, state, options.permissions ?? NO_PERMISSIONS, topology.project);
}
