/**
 * Replaces a queue under its name, without losing a message: they wait in a second queue while the
 * first one is deleted and declared anew. Every step can be done again, so whatever interrupts it, it
 * can be gone on with; the journal in the project's state says that it has to be.
 */

import { counted } from "../../counted.ts";
import { WarrenError } from "../../errors.ts";
import type { Arguments } from "../../topology.ts";
import { queueTypeOf } from "../plan/queue-type.ts";
import { listBindings, rebind } from "./bindings.ts";
import { clear } from "./clear.ts";
import type { Change, ReplaceContext, ReplaceReport } from "./context.ts";
import type { Copy } from "./copy.ts";
import { IN_HAND, type Journal, NOTHING_MOVED } from "./journal.ts";
import { lookAt } from "./look.ts";
import { mayHoldDeadLetters } from "./policies.ts";
import { preflight } from "./preflight.ts";
import { roomOf } from "./room.ts";
import { ReplaceRun } from "./run.ts";
import { declareNew, find, GAP_MS } from "./swap.ts";
import { declareTemporary, deleteExchange, lead } from "./temporary.ts";

/** Somebody may declare it as it was, each time that it is gone. */
const MAX_ROUNDS = 3;

/**
 * Replaces it. What stands in its way before anything was deleted leaves it as it was.
 *
 * @throws {WarrenError} `replace-blocked`, `replace-stalled`, `access-refused`, `broker-refused`: it is
 *   as before, unless the text says otherwise; `interrupted`, `connection-failed`: to be resumed.
 */
export async function replaceQueue(
  context: ReplaceContext,
  change: Change,
): Promise<ReplaceReport> {
  const { queue, from, to, bindings } = change;
  const run = new ReplaceRun(context, {
    queue,
    phase: "draining",
    from,
    to,
    bindings,
    startedAt: new Date().toISOString(),
    counts: NOTHING_MOVED,
  });
  return await ending(run, async () => {
    run.step(0);
    await preflight(run);
    const listed = await listBindings(run, queue);
    run.step(1);
    await run.note({ bindings: (listed ?? bindings).map(bare) });
    try {
      await drainAndDelete(run);
    } catch (error) {
      throw await givenUp(run, error);
    }
    await refill(run, to);
  });
}

/**
 * Goes on with one that was interrupted, wherever that was, and whichever queues there are.
 *
 * @throws {WarrenError} as `replaceQueue`; it stays to be resumed.
 */
export async function resumeReplace(
  context: ReplaceContext,
  journal: Journal,
): Promise<ReplaceReport> {
  const run = new ReplaceRun(context, journal);
  return await ending(run, async () => {
    run.step(0);
    // While the queue was deleted and declared, nothing was being moved.
    run.count({ resumed: 1, repeated: journal.phase === "replacing" ? 0 : IN_HAND });
    await run.noteCounts();
    await drainAndDelete(run);
    await refill(run, journal.to);
  });
}

async function ending(run: ReplaceRun, work: () => Promise<void>): Promise<ReplaceReport> {
  try {
    await work();
  } catch (error) {
    run.assertGoing();
    throw error;
  } finally {
    await run.channel.close().catch(() => undefined);
  }
  const { queue, overlapMs, gapMs, notes, startedMs } = run;
  const { counts } = run.journal;
  if (counts.byName > 0) notes.push(byNameNote(counts.byName, gapMs));
  return { queue, counts, overlapMs, gapMs, notes, tookMs: performance.now() - startedMs };
}

/**
 * A broker confirms what reaches a queue in the instant in which it is deleted, and it is gone: 1
 * message at 200 a second, on 3.10 and 4.3, whatever the type. Nobody can count them.
 */
function byNameNote(count: number, gapMs: number | null): string {
  const time = gapMs === null ? "the time" : `the ${Math.ceil(gapMs)} ms`;
  const came = `${counted(count, "message")} had come by the queue's name`;
  return `${came}: one published so in ${time} between the two was returned, or lost though confirmed`;
}

/** Steps 2 to 6, unless the new queue is there: all messages are in the other queue then. */
async function drainAndDelete(run: ReplaceRun): Promise<void> {
  for (let round = 1; ; round++) {
    const found = await find(run);
    if (found === "new") return;
    const deletedMs = found === "old" ? await drain(run) : null;
    if (await declareNew(run, deletedMs)) return;
    if (round === MAX_ROUNDS) {
      const text = `somebody declares queue "${run.queue}" with other arguments, each time that it is gone`;
      throw new WarrenError("conflict", text);
    }
  }
}

/** @returns when the old queue was deleted (`performance.now()`); null: it was gone. */
async function drain(run: ReplaceRun): Promise<number | null> {
  const { queue, temporary } = run;
  run.step(2);
  await declareTemporary(run);
  await lead(run, { to: temporary, notTo: queue });
  run.step(3);
  await rebind(run, { bindings: run.journal.bindings, from: queue, to: temporary });
  run.step(4);
  return await clear(run, {
    queue,
    isQuorum: queueTypeOf({ arguments: run.journal.from }) === "quorum",
    way: { exchange: temporary, isLast: false },
    holdsDeadLetters: await mayHoldDeadLetters(run),
    room: null,
    emptyingStep: 4,
    steps: { checking: 5, deleting: 6 },
    onMoved: ({ counts }: Copy) => run.count({ ...counts, moved: 1 }),
    beforeDelete: async () => {
      if (!(await moveNewBindings(run))) return false;
      run.step(6);
      await run.note({ phase: "replacing" });
      return true;
    },
  });
}

/** Those that somebody has made meanwhile. @returns whether there were none. */
async function moveNewBindings(run: ReplaceRun): Promise<boolean> {
  const { queue, temporary } = run;
  const added = (await listBindings(run, queue))?.map(bare) ?? [];
  if (added.length === 0) return true;
  await run.note({ bindings: [...run.journal.bindings, ...added] });
  await rebind(run, { bindings: added, from: queue, to: temporary });
  return false;
}

function bare({ source, key, arguments: args }: Journal["bindings"][number]) {
  return { source, key, arguments: args };
}

/** Steps 7 to 9: bindings and messages come back, into a queue of these arguments. */
async function refill(run: ReplaceRun, args: Arguments): Promise<void> {
  const { queue, temporary, journal } = run;
  run.step(7);
  await run.note({ phase: "refilling" });
  await rebind(run, { bindings: journal.bindings, from: temporary, to: queue });
  run.step(8);
  if (await lookAt(run, temporary)) await empty(run, args);
  run.step(9);
  await deleteExchange(run);
  await run.forget();
}

async function empty(run: ReplaceRun, args: Arguments): Promise<void> {
  const { queue, temporary, journal } = run;
  await declareTemporary(run);
  await lead(run, { to: queue, notTo: temporary });
  const isQuorum = queueTypeOf({ arguments: journal.to }) === "quorum";
  await clear(run, {
    queue: temporary,
    isQuorum,
    way: { exchange: temporary, isLast: true },
    holdsDeadLetters: false,
    room: roomOf(run, args),
    emptyingStep: 8,
    steps: { checking: 8, deleting: 8 },
    onMoved: ({ counts }: Copy) => run.count({ ...counts, refilled: 1 }),
    beforeDelete: async () => true,
  });
  // The next replacement may declare a queue of this name.
  if (isQuorum) await run.pause(GAP_MS);
}

/** What ended it before the old queue was deleted: everything goes back there. */
async function givenUp(run: ReplaceRun, error: unknown): Promise<unknown> {
  run.assertGoing();
  if (!(error instanceof WarrenError) || (await find(run)) !== "old") return error;
  const { message } = error;
  try {
    await refill(run, run.journal.from);
  } catch (second) {
    run.assertGoing();
    const text = `${message}; and it could not be undone: ${second}`;
    return new WarrenError(error.code, text, { cause: new AggregateError([error, second]) });
  }
  return new WarrenError(error.code, `${message}; it is as it was before`, { cause: error });
}
