/** What is done over a connection that the broker, or the way to it, has ended is done once more. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "../../broker-connection.ts";
import { isLoss, isSilence } from "../../connect.ts";
import { WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { within } from "../../within.ts";
import { INTERNAL_ERROR } from "../reply-codes.ts";
import type { ApplyOptions } from "./options.ts";

/** The connection over which something was done has ended. */
export class ConnectionEnded extends WarrenError {
  /** Another connection may do; but a silence would only be waited for once more. */
  readonly isPassing: boolean;

  constructor(message: string, reason: Error, cause: unknown) {
    super("connection-failed", message, { cause });
    const { code } = reason as Error & { readonly code?: unknown };
    this.isPassing = code === INTERNAL_ERROR || (isLoss(reason) && !isSilence(reason));
  }
}

/** For the end of a connection to be known after its last operation has failed. */
const ENDING_MS = 1_000;

/** Why it has ended, if that is why something over it has failed; null: it has not. */
export function endOf({ ended }: BrokerConnection): Promise<Error | null> {
  return within<Error | null>(ended, ENDING_MS, null);
}

/** An error of a connection that has ended is that end; what is no such thing stays as it is. */
export async function unlessEnded(error: unknown, connection: BrokerConnection): Promise<unknown> {
  const reason = error instanceof WarrenError ? null : await endOf(connection);
  if (reason === null) return error;
  return new ConnectionEnded(`the connection ended: ${reason.message}`, reason, error);
}

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
  const { onAgain, signal, interrupted, isRepeatable } = options;
  const given = AbortSignal.any([signal, interrupted].filter((one) => one !== undefined));
  for (let failures = 1; ; failures++) {
    try {
      return await run();
    } catch (error) {
      const isHopeful = isPassing(error, failures) && failures < NUMBERS.applyTries;
      if (!onAgain || !isHopeful || !isRepeatable()) throw error;
      onAgain(error.message, failures);
      const pauseMs = NUMBERS.applyPauseMs * 2 ** (failures - 1);
      await sleep(pauseMs, undefined, { signal: given }).catch(() => undefined);
      if (given.aborted) throw error;
    }
  }
}

/** After the first failure the broker may be away for a moment as well. */
function isPassing(error: unknown, failures: number): error is WarrenError {
  if (error instanceof ConnectionEnded) return error.isPassing;
  if (!(error instanceof WarrenError) || error.code !== "connection-failed") return false;
  return failures > 1 || isPassing(error.cause, failures);
}
