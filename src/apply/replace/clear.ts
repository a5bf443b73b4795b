/** Empties a queue and deletes it, so that no message is lost with it. */
import { WarrenError } from "../../errors.ts";
import { OwnChannel } from "../change/channels.ts";
import { unlessEnded } from "../connection-ended.ts";
import { NOT_FOUND, PRECONDITION_FAILED } from "../reply-codes.ts";
import type { Copy, Way } from "./copy.ts";
import { type EmptyOptions, EmptyWatch } from "./empty.ts";
import { Moving } from "./moving.ts";
import type { ReplaceRun } from "./run.ts";
import type { SenderOptions } from "./sender.ts";

/** Which queue is emptied, and into what. */
export type ClearOptions = EmptyOptions &
  Pick<SenderOptions, "room"> & {
    readonly way: Way;
    readonly onMoved: (copy: Copy) => void;
    /** While it is seen empty, and while it is deleted. */
    readonly steps: { readonly checking: number; readonly deleting: number };
    /** What has to be done when it is empty. @returns false: it has to be emptied once more. */
    readonly beforeDelete: () => Promise<boolean>;
  };

/**
 * Moves what is in it, beside its own consumers, until it is seen empty, and deletes it. While it is
 * deleted the mover stays, so that what comes by its name to the last is in its hands.
 *
 * @returns when it was deleted (`performance.now()`); null: somebody else had done it.
 * @throws {WarrenError} `replace-stalled`, `interrupted`, `connection-failed`, `access-refused`.
 */
export async function clear(run: ReplaceRun, options: ClearOptions): Promise<number | null> {
  const { queue, isQuorum, way, room, onMoved, steps, beforeDelete } = options;
  const moving = new Moving(run, { from: queue, isQuorum, way, room, onMoved });
  const watch = new EmptyWatch(run, options, moving);
  let failures = 0;
  try {
    for (let isPrepared = false; ; ) {
      const isThere = await watch.untilEmpty(isPrepared ? steps.deleting : steps.checking);
      if (!isThere) return null;
      if (!isPrepared) {
        // It takes a while, so it is looked at once more.
        isPrepared = await beforeDelete();
        continue;
      }
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

/** Over a connection of its own, which the broker may close. @throws {WarrenError} `connection-failed`. */
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
  } catch (error) {
    throw await unlessEnded(error, connection);
  } finally {
    await connection.close();
  }
}
