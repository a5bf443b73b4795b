/** Replaces queues that differ, one after another, and goes on with what was interrupted. */
import { connectBroker } from "../../connect.ts";
import { counted } from "../../counted.ts";
import { type ErrorCode, WarrenError } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import type { DesiredQueue } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import type { ReplaceContext, ReplaceProgress, ReplaceReport } from "../replace/context.ts";
import type { QueueBinding } from "../replace/journal.ts";
import { replaceQueue } from "../replace/replace.ts";
import type { Ledger } from "../state/ledger.ts";
import { type ChangeContext, interruptedResult } from "./context.ts";
import { type ApplyEntry, type Result, resultOf } from "./results.ts";

/** Every queue that differs and may be replaced. */
export async function replaceAll(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  const results: ApplyEntry[] = [];
  for (const entry of entries) {
    results.push(await replaceOne(context, entry));
    context.onDone(entry);
  }
  return results;
}

/** What a replacement needs of an apply. */
export function replacingContext({
  topology: { project, broker },
  ledger,
  connection,
  management,
  interrupted,
  onStep,
}: ReplaceParts): ReplaceContext {
  return {
    project,
    connection,
    management,
    signal: interrupted,
    openSpare: (purpose) => connectBroker({ ...broker, name: `warren ${project} ${purpose}` }),
    writeJournal: (journal) => ledger.note({ journal }),
    onProgress: (progress) => onStep(describeStep(progress)),
  };
}

type ReplaceParts = Pick<ChangeContext, "connection" | "management" | "interrupted"> & {
  readonly topology: Topology;
  readonly ledger: Ledger;
  /** Something is under way for long: what, in words. */
  readonly onStep: (what: string) => void;
};

/** `1204 messages moved, at most 100 of them twice` */
export function describeReplaced({ counts, notes }: ReplaceReport): string {
  const { moved, repeated, lost, altered, expiring } = counts;
  return [
    `${counted(moved, "message")} moved${repeated > 0 ? `, at most ${repeated} of them twice` : ""}`,
    ...(lost > 0 ? [`${counted(lost, "message")} LOST, which came by the queue's name`] : []),
    ...(expiring > 0 ? [`the time to live of ${expiring} began anew`] : []),
    ...(altered > 0 ? [`${counted(altered, "copy", "copies")} could not be made in full`] : []),
    ...notes,
  ].join("; ");
}

/** What ends one replacement and leaves its queue as it was. */
const REFUSALS: Partial<Record<ErrorCode, Result>> = {
  "replace-blocked": "kept",
  "replace-stalled": "kept",
  conflict: "kept",
  "access-refused": "refused",
  "broker-refused": "refused",
};

async function replaceOne(context: ChangeContext, entry: PlanEntry): Promise<ApplyEntry> {
  if (context.interrupted.aborted) return interruptedResult(entry);
  const { name } = entry;
  // One journal at a time.
  const { journal } = context.ledger.record ?? {};
  if (journal) return resultOf(entry, "deferred", `queue "${journal.queue}" is half replaced`);
  const live = context.live.queues.get(name);
  if (live?.kind !== "queue") return resultOf(entry, "kept", "it is not there any more");
  try {
    const report = await replaceQueue(context.replacing, {
      queue: name,
      from: live.arguments,
      to: (entry.desired as DesiredQueue).arguments,
      bindings: bindingsOf(context, name),
    });
    return resultOf(entry, "replaced", describeReplaced(report));
  } catch (error) {
    if (!(error instanceof WarrenError)) throw error;
    if (error.code === "interrupted") return resultOf(entry, "deferred", error.message);
    const result = REFUSALS[error.code];
    if (result === undefined) throw error;
    return resultOf(entry, result, error.message);
  }
}

/** Over AMQP alone, as far as the state knows them. */
function bindingsOf({ live, ledger }: ChangeContext, queue: string): readonly QueueBinding[] {
  const all = live.bindings ?? ledger.owned.bindings;
  return all
    .filter((one) => one.destinationKind === "queue" && one.destination === queue)
    .map(({ source, key, arguments: args }) => ({ source, key, arguments: args }));
}

/** `queue notify.email  [4/9] draining: 318 ready, 0 unacked` */
function describeStep({ queue, step, of, what, ready, unacked }: ReplaceProgress): string {
  const counts = [
    ...(ready === null ? [] : [`${ready} ready`]),
    ...(unacked === null ? [] : [`${unacked} unacked`]),
  ];
  const state = counts.length > 0 ? `: ${counts.join(", ")}` : "";
  return `queue ${queue}  [${step}/${of}] ${what}${state}`;
}
