/**
 * Brings a broker up to a topology. Everything that changes goes over one connection, which holds the
 * project's lock: when it ends, nothing more is changed.
 */
import { WarrenError } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import { type DesiredObjects, desiredObjects } from "../objects.ts";
import { hashOf } from "../state/record.ts";
import { withTries } from "./again.ts";
import { applyLocked } from "./locked.ts";
import type { ApplyOptions } from "./options.ts";
import type { ApplyReport } from "./results.ts";
import { underLock } from "./under-lock.ts";

/**
 * Brings the broker up to the topology, under the project's lock. It stops before its first change if
 * something is in the way; killed at any moment and run again, it ends the same.
 *
 * @throws {WarrenError} `access-refused`, `connection-failed`, `lock-held`, `interrupted`,
 *   `unknown-exchange-type`, `policies-need-management`, `management-failed`, `management-refused`,
 *   `management-mismatch`, `state-unreadable`, `broker-refused`, `blocked`.
 */
export async function applyTopology(
  topology: Topology,
  options: ApplyOptions = {},
): Promise<ApplyReport> {
  const desired = desiredObjects(topology);
  assertPoliciesPossible(topology, desired);
  const hash = hashOf(desired);
  let isAgreed = false;
  const onPlan: ApplyOptions["onPlan"] = (looked) => {
    options.onPlan?.(looked);
    isAgreed = options.onPlan !== undefined;
  };
  const once = { ...options, onPlan };
  // What is left after the first change is another plan than the one that was agreed to.
  return await withTries({ ...options, isRepeatable: () => !isAgreed }, () =>
    underLock(topology, once, (connection, onProgress) =>
      applyLocked({ connection, topology, desired, hash, options: once, onProgress }),
    ),
  );
}

/** @throws {WarrenError} `policies-need-management` */
function assertPoliciesPossible({ broker }: Topology, { policies }: DesiredObjects): void {
  const [first] = policies;
  if (!first || broker.management) return;
  const text = `policy "${first.name}" can be set by the management API alone`;
  throw new WarrenError("policies-need-management", text, { at: first.at });
}
