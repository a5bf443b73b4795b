/**
 * Brings a broker up to a topology. Everything that changes goes over one connection, which holds the
 * project's lock: when it ends, nothing more is changed.
 */
import type { BrokerConnection } from "../../broker-connection.ts";
import { connectBroker } from "../../connect.ts";
import { WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import { within } from "../../within.ts";
import { managementOf } from "../inspect/management.ts";
import { type DesiredObjects, desiredObjects } from "../objects.ts";
import { describeHolder, takeLock } from "../state/lock.ts";
import { hashOf } from "../state/record.ts";
import { unknownType } from "./declare.ts";
import { applyLocked } from "./locked.ts";
import type { ApplyOptions } from "./options.ts";
import type { ApplyReport } from "./results.ts";

/**
 * Brings the broker up to the topology, under the project's lock. It stops before its first change if
 * something is in the way; killed at any moment and run again, it ends the same.
 *
 * @throws {WarrenError} `access-refused`, `connection-failed`, `lock-held`, `interrupted`,
 *   `unknown-exchange-type`, `policies-need-management`, `management-failed`, `management-refused`,
 *   `management-mismatch`, `state-unreadable`, `blocked`.
 */
export async function applyTopology(
  topology: Topology,
  options: ApplyOptions = {},
): Promise<ApplyReport> {
  const desired = desiredObjects(topology);
  assertPoliciesPossible(topology, desired);
  const connection = await openLockConnection(topology, options.signal);
  const giveUp = () => connection.destroy("given up");
  options.signal?.addEventListener("abort", giveUp);
  const progress = { done: 0, total: 0 };
  try {
    await lock(connection, topology, options);
    return await applyLocked(connection, {
      topology,
      desired,
      hash: hashOf(desired),
      options,
      onProgress: (now) => {
        Object.assign(progress, now);
        options.onProgress?.(now);
      },
    });
  } catch (error) {
    throw await explain(error, connection, topology, progress);
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
    await connection.close();
  }
}

/** @throws {WarrenError} `policies-need-management` */
function assertPoliciesPossible({ broker }: Topology, { policies }: DesiredObjects): void {
  const [first] = policies;
  if (!first || broker.management) return;
  const text = `policy "${first.name}" can be set by the management API alone`;
  throw new WarrenError("policies-need-management", text, { at: first.at });
}

/** With a heartbeat that frees the lock of a frozen holder soon. */
function openLockConnection(
  { broker, project }: Topology,
  signal: AbortSignal | undefined,
): Promise<BrokerConnection> {
  const heartbeatMs = Math.min(broker.heartbeatMs, NUMBERS.lockHeartbeatMs);
  const name = `warren ${project} apply`;
  return connectBroker({ ...broker, heartbeatMs, name, ...(signal && { signal }) });
}

async function lock(
  connection: BrokerConnection,
  topology: Topology,
  { by = "warren", lockTimeoutMs = NUMBERS.lockTimeoutMs, signal, interrupted }: ApplyOptions,
): Promise<void> {
  const management = managementOf(topology, signal);
  await takeLock(connection, topology.project, {
    holder: by,
    timeoutMs: lockTimeoutMs,
    signal: AbortSignal.any([signal, interrupted].filter((one) => one !== undefined)),
    ...(management && { askHolder: () => describeHolder(management, topology.project) }),
  });
}

/** An error of a connection that has ended is that end; what is no such thing stays as it is. */
async function explain(
  error: unknown,
  connection: BrokerConnection,
  { exchanges }: Topology,
  { done, total }: { readonly done: number; readonly total: number },
): Promise<unknown> {
  if (error instanceof WarrenError && error.code !== "management-failed") return error;
  const reason = await within(connection.ended, ENDING_MS, null);
  if (reason === null) return error;
  // Brokers up to 3.12 close the whole connection over an exchange type that they do not know.
  const type = /unknown exchange type '(.*?)'/.exec(`${reason.message} ${error}`)?.[1];
  const exchange = Object.values(exchanges).find((one) => one.type === type);
  if (exchange) return unknownType(exchange);
  const how = total === 0 ? "before the first change" : `after ${done} of ${total} changes`;
  const text = `the connection ended ${how}: ${reason.message}`;
  return new WarrenError("connection-failed", text, { cause: error });
}

/** For the end of a connection to be known after its last operation has failed. */
const ENDING_MS = 1_000;
