/** What is done over a connection that the broker, or the way to it, has ended is done once more. */
import { setTimeout as sleep } from "node:timers/promises";
import { WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { ConnectionEnded } from "../connection-ended.ts";
import { type ApplyOptions, givenUp } from "./options.ts";

export type AgainOptions = Pick<ApplyOptions, "onAgain" | "signal" | "interrupted"> & {
  /** Whether it can still be done from its beginning. */
  readonly isRepeatable: () => boolean;
};

/**
 * Does something up to `applyTries` times, with whoever asked for it being told: RabbitMQ 3.10 ends
 * connections that declare when its machine is busy (541).
 *
 * @param run takes the lock, and looks at everything anew.
 * @throws what the last try has thrown.
 */
export async function withTries<T>(options: AgainOptions, run: () => Promise<T>): Promise<T> {
  const { onAgain, isRepeatable } = options;
  const signal = givenUp(options);
  for (let failures = 1; ; failures++) {
    try {
      return await run();
    } catch (error) {
      const isHopeful = isPassing(error, failures) && failures < NUMBERS.applyTries;
      if (!onAgain || !isHopeful || !isRepeatable()) throw error;
      onAgain(error.message, failures);
      const pauseMs = NUMBERS.applyPauseMs * 2 ** (failures - 1);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}

/** After the first failure the broker may be away for a moment as well. */
function isPassing(error: unknown, failures: number): error is WarrenError {
  if (error instanceof ConnectionEnded) return error.isPassing;
  if (!(error instanceof WarrenError) || error.code !== "connection-failed") return false;
  return failures > 1 || isPassing(error.cause, failures);
}
