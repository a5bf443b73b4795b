/** One connection that holds the project's lock, for as long as something is done over it. */
import type { BrokerConnection } from "../../broker-connection.ts";
import { connectBroker } from "../../connect.ts";
import { WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import { ConnectionEnded, endedByType, endOf } from "../connection-ended.ts";
import { managementOf } from "../inspect/management.ts";
import { describeHolder, releaseLock, takeLock } from "../state/lock.ts";
import type { Progress } from "./context.ts";
import { type ApplyOptions, givenUp } from "./options.ts";

export type LockedOptions = Pick<
  ApplyOptions,
  "signal" | "interrupted" | "lockTimeoutMs" | "by" | "onProgress"
>;

/** What is done under the lock: over the connection that holds it, which says how far it has got. */
export type Locked<T> = (
  connection: BrokerConnection,
  onProgress: (progress: Progress) => void,
) => Promise<T>;

/**
 * Connects, waits for the lock, and does something. Whatever ends the connection gives the lock back.
 *
 * @throws {WarrenError} `access-refused`, `connection-failed`, `lock-held`, `interrupted`,
 *   `unknown-exchange-type`, and whatever `run` throws.
 */
export async function underLock<T>(
  topology: Topology,
  options: LockedOptions,
  run: Locked<T>,
): Promise<T> {
  const { signal } = options;
  const connection = await openConnection(topology, signal);
  const giveUp = () => connection.destroy("given up");
  signal?.addEventListener("abort", giveUp);
  let progress: Progress | null = null;
  try {
    await waitForLock(connection, topology, options);
    const result = await run(connection, (now) => {
      progress = now;
      options.onProgress?.(now);
    });
    await releaseLock(connection, topology.project);
    return result;
  } catch (error) {
    throw await explain(error, connection, topology, progress);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await connection.close();
  }
}

/** With a heartbeat by which the lock of a frozen holder is free soon. */
function openConnection(
  { broker, project }: Topology,
  signal: AbortSignal | undefined,
): Promise<BrokerConnection> {
  const heartbeatMs = Math.min(broker.heartbeatMs, NUMBERS.lockHeartbeatMs);
  const name = `warren ${project} apply`;
  return connectBroker({ ...broker, heartbeatMs, name, ...(signal && { signal }) });
}

async function waitForLock(
  connection: BrokerConnection,
  topology: Topology,
  { by = "warren", lockTimeoutMs = NUMBERS.lockTimeoutMs, signal, interrupted }: LockedOptions,
): Promise<void> {
  const management = managementOf(topology, signal);
  try {
    await takeLock(connection, topology.project, {
      holder: by,
      timeoutMs: lockTimeoutMs,
      signal: givenUp({ signal, interrupted }),
      ...(management && { askHolder: () => describeHolder(management, topology.project) }),
    });
  } catch (error) {
    if (!interrupted?.aborted) throw error;
    throw new WarrenError("interrupted", "interrupted before the first change", { cause: error });
  }
}

/** An error of a connection that has ended is that end; what is no such thing stays as it is. */
async function explain(
  error: unknown,
  connection: BrokerConnection,
  { exchanges }: Topology,
  progress: Progress | null,
): Promise<unknown> {
  if (error instanceof WarrenError && error.code !== "management-failed") return error;
  const reason = await endOf(connection);
  if (reason === null) return error;
  const unknown = endedByType(reason, error, Object.values(exchanges));
  if (unknown) return unknown;
  const how = progress
    ? `after ${progress.done} of ${progress.total} changes`
    : "before any change";
  const text = `the connection ended ${how}: ${reason.message}`;
  return new ConnectionEnded(text, reason, error);
}
