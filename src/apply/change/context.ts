/** What every change is made with: all of it over the connection that holds the lock. */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Management } from "../inspect/management.ts";
import type { Live } from "../live.ts";
import type { PlanEntry } from "../planned.ts";
import type { ReplaceContext } from "../replace/context.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Owned } from "../state/record.ts";
import type { Channels, Operate } from "./channels.ts";
import { type ApplyEntry, resultOf } from "./results.ts";

/** How far an apply has got; `what` is the object that it has just been through. */
export type Progress = { readonly done: number; readonly total: number; readonly what: string };

export type ChangeContext = {
  /** Holds the lock: when it ends, nothing more is changed. */
  readonly connection: BrokerConnection;
  /** Of it. */
  readonly channels: Channels;
  /** null: AMQP alone. */
  readonly management: Management | null;
  readonly ledger: Ledger;
  /** Queues that go whatever is in them. */
  readonly condemned: ReadonlySet<string>;
  /** What was this project's before. */
  readonly owned: Owned;
  /** What was there before, and when it was looked at (`performance.now()`). */
  readonly live: Live;
  readonly lookedAtMs: number;
  /** What is there now. */
  readonly look: () => Promise<Live>;
  readonly replacing: ReplaceContext;
  /** No operation is begun any more once it is aborted. */
  readonly interrupted: AbortSignal;
  readonly onDone: (entry: PlanEntry) => void;
};

/**
 * Calls `visit` for every entry, some at a time, until the apply is interrupted; the results are in
 * the entries' order.
 */
export async function visitEntries(
  context: ChangeContext,
  entries: readonly PlanEntry[],
  visit: (entry: PlanEntry, operate: Operate) => Promise<ApplyEntry>,
): Promise<readonly ApplyEntry[]> {
  return await context.channels.each(entries, async (entry, operate) => {
    if (context.interrupted.aborted) return interruptedResult(entry);
    const result = await visit(entry, operate);
    context.onDone(entry);
    return result;
  });
}

export function interruptedResult(entry: PlanEntry): ApplyEntry {
  return resultOf(entry, "deferred", "interrupted before it");
}
