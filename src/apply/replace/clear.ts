/** Empties a queue and deletes it, so that no message is lost with it. */
import { messageOf, WarrenError } from "../../errors.ts";
import { OwnChannel } from "../change/channels.ts";
import { NOT_FOUND, PRECONDITION_FAILED } from "../change/refusal.ts";
import type { Copy, Way } from "./copy.ts";
import {
  consumersInTheWay,
  counted,
  listTotals,
  lookAt,
  type QueueLook,
  type Totals,
} from "./look.ts";
import { Moving } from "./moving.ts";
import type { ReplaceRun } from "./run.ts";
import type { SenderOptions } from "./sender.ts";

export type ClearOptions = Pick<SenderOptions, "room"> & {
  readonly queue: string;
  readonly isQuorum: boolean;
  readonly way: Way;
  /** While it is emptied, and while it is seen empty. */
  readonly steps: { readonly emptying: number; readonly checking: number };
  readonly onMoved: (copy: Copy) => void;
  /** When it is empty: what has to be done before it is deleted. @returns whether it is still empty. */
  readonly beforeDelete: () => Promise<boolean>;
};

/** Between two looks, in milliseconds. */
const LOOK_MS = { classic: 250, quorum: 500 };
/**
 * How long it has to be seen empty. What was on its way to it when it lost its bindings has arrived by
 * then; and the totals that are listed of a quorum queue are not older (measured: 5 s).
 */
const EMPTY_MS = { classic: 500, quorum: 6_500 };

/**
 * Moves what is in it, beside its own consumers, until it is seen empty, and deletes it. While it is
 * deleted the mover stays, so that what comes by its name to the last is in its hands.
 *
 * @returns when it was deleted (`performance.now()`); null: somebody else had done it.
 * @throws {WarrenError} `replace-stalled`, `interrupted`, `connection-failed`, `access-refused`.
 */
export async function clear(run: ReplaceRun, options: ClearOptions): Promise<number | null> {
  const { queue, isQuorum, way, room, onMoved, beforeDelete } = options;
  const moving = new Moving(run, { from: queue, isQuorum, way, room, onMoved });
  let failures = 0;
  try {
    for (;;) {
      const isThere = await untilEmpty(run, options, moving);
      if (!isThere) return null;
      if (!(await beforeDelete())) continue;
      const lost = await deleteQueue(run, options).catch((error: unknown) => {
        failures += 1;
        // It may be gone all the same: the next look tells.
        if (isFinal(error) || failures >= MAX_FAILURES) throw error;
        return null;
      });
      if (lost === null) continue;
      const deletedMs = performance.now();
      run.count({ lost });
      await moving.finish();
      return deletedMs;
    }
  } finally {
    await moving.stop();
  }
}

const MAX_FAILURES = 5;

function isFinal(error: unknown): boolean {
  return error instanceof WarrenError && error.code !== "connection-failed";
}

/** @returns false: it is gone. */
async function untilEmpty(
  run: ReplaceRun,
  { queue, isQuorum, steps }: ClearOptions,
  moving: Moving,
): Promise<boolean> {
  const type = isQuorum ? "quorum" : "classic";
  const stall = new Stall(run, queue);
  let emptySinceMs: number | null = null;
  for (;;) {
    moving.assertGoing();
    const lookedMs = performance.now();
    const look = await lookAt(run, queue);
    if (!look) return false;
    const { obstacle, totals } = await obstacleIn(run, { queue, look, moving });
    emptySinceMs = obstacle === null ? (emptySinceMs ?? lookedMs) : null;
    await run.noteCounts();
    run.step(emptySinceMs === null ? steps.emptying : steps.checking, {
      ready: look.ready,
      unacked: totals?.unacked ?? null,
    });
    const isLong = emptySinceMs !== null && lookedMs - emptySinceMs >= EMPTY_MS[type];
    const consumed = isLong ? await consumersOf(run, { queue, look, moving }) : null;
    if (isLong && consumed === null) return true;
    stall.see(obstacle ?? consumed, [look.ready, totals, moving.moved]);
    await run.pause(LOOK_MS[type]);
  }
}

type Seen = { readonly queue: string; readonly look: QueueLook; readonly moving: Moving };

/** Why it can't be deleted yet, in words; null: nothing that a look can tell. */
async function obstacleIn(
  { context: { management } }: ReplaceRun,
  { queue, look, moving }: Seen,
): Promise<{ readonly obstacle: string | null; readonly totals: Totals | null }> {
  let totals: Totals | null = null;
  try {
    totals = management && (await listTotals(management, queue));
  } catch (error) {
    return { obstacle: messageOf(error), totals };
  }
  return { obstacle: moving.trouble ?? describeMessages(look, totals, moving), totals };
}

function describeMessages(look: QueueLook, totals: Totals | null, moving: Moving): string | null {
  if (look.ready > 0) return `${counted(look.ready, "message")} ready`;
  if (!moving.isIdle) return "messages on their way";
  if (totals === null || totals.messages === 0) return null;
  const { messages, unacked } = totals;
  if (unacked > 0) return `${counted(unacked, "message")} unacknowledged`;
  return `${counted(messages, "message")} that nobody gets: dead letters without a way`;
}

async function consumersOf(run: ReplaceRun, { queue, look, moving }: Seen): Promise<string | null> {
  try {
    const others = look.consumers - 1;
    const found = await consumersInTheWay(run, { queue, others, mover: moving.consumerTag });
    return found?.reason ?? null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Gives up when nothing changes for too long. */
class Stall {
  readonly #run: ReplaceRun;
  readonly #queue: string;
  #state = "";
  #sinceMs = performance.now();

  constructor(run: ReplaceRun, queue: string) {
    this.#run = run;
    this.#queue = queue;
  }

  /** @throws {WarrenError} `replace-stalled` */
  see(obstacle: string | null, state: readonly unknown[]): void {
    // While it is seen empty nothing has to change.
    if (obstacle === null) return;
    const now = performance.now();
    const seen = JSON.stringify([obstacle, ...state]);
    if (seen !== this.#state) {
      this.#state = seen;
      this.#sinceMs = now;
    }
    if (now - this.#sinceMs < this.#run.stallMs) return;
    const seconds = Math.round((now - this.#sinceMs) / 1_000);
    const text = `queue "${this.#queue}" is not emptied: ${obstacle}, and nothing has changed for ${seconds} s`;
    throw new WarrenError("replace-stalled", text);
  }
}

/** @returns how many messages the broker says were in it; null: it has kept it. */
async function deleteQueue(
  run: ReplaceRun,
  { queue, isQuorum }: ClearOptions,
): Promise<number | null> {
  // A quorum queue does not know the flag, and what it may answer ends the connection.
  const attempt = isQuorum
    ? await onSpare(run, (channel) =>
        channel.operate(`delete ${queue}`, (open) => open.deleteQueue(queue)),
      )
    : await run.channel.operate(`delete ${queue}`, (open) =>
        open.deleteQueue(queue, { ifEmpty: true }),
      );
  if (attempt.ok) return attempt.value.messageCount;
  const { refusal } = attempt;
  if (refusal.code === NOT_FOUND) return 0;
  if (refusal.code === PRECONDITION_FAILED) return null;
  throw run.refused(`delete queue "${queue}"`, refusal);
}

/** Over a connection of its own, which the broker may close. */
export async function onSpare<T>(
  run: ReplaceRun,
  operate: (channel: OwnChannel) => Promise<T>,
): Promise<T> {
  const connection = await run.context.openSpare("replace");
  try {
    const channel = new OwnChannel(connection);
    const result = await operate(channel);
    await channel.close();
    return result;
  } finally {
    await connection.close();
  }
}
