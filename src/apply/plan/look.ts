/** Makes a plan of what the broker has at this moment, and changes nothing. */
import { connectBroker } from "../../connect.ts";
import { exclusiveQueues, type Queue, type Topology } from "../../topology.ts";
import { inspect } from "../inspect/inspect.ts";
import type { Live } from "../live.ts";
import { desiredObjects } from "../objects.ts";
import type { Permissions, Plan } from "../planned.ts";
import { hashOf, NOTHING_OWNED, type StateRecord } from "../state/record.ts";
import { readState } from "../state/state.ts";
import { plan } from "./plan.ts";

/** A plan, and what it was concluded from. */
export type Concluded = {
  readonly plan: Plan;
  readonly live: Live;
  readonly state: StateRecord | null;
  /** Of what is wanted. */
  readonly hash: string;
};

export type LookedAt = Concluded & {
  /** Queues of the file that are no part of it: whoever consumes one declares and binds it. */
  readonly exclusive: readonly Pick<Queue, "name" | "at">[];
  /** How long it took to read the state and the objects. */
  readonly tookMs: number;
};

/**
 * Reads the project's state, without its lock, and the live objects, and plans.
 *
 * @throws {WarrenError} `access-refused`, `connection-failed`, `state-unreadable`, `lock-held` when
 *   another reader keeps the state, `unknown-exchange-type`, `management-failed`,
 *   `management-refused`, `management-mismatch`.
 */
export async function planTopology(
  topology: Topology,
  permissions: Permissions,
  signal?: AbortSignal,
): Promise<LookedAt> {
  const { project } = topology;
  const begin = performance.now();
  const state = await lookUpState(topology, signal);
  const desired = desiredObjects(topology);
  const live = await inspect(topology, { desired, owned: state?.owned ?? NOTHING_OWNED }, signal);
  const tookMs = performance.now() - begin;
  const made = plan(desired, live, state, permissions, project);
  const exclusive = exclusiveQueues(topology);
  return { plan: made, live, state, hash: hashOf(desired), exclusive, tookMs };
}

async function lookUpState(
  { broker, project }: Topology,
  signal: AbortSignal | undefined,
): Promise<StateRecord | null> {
  const options = { ...(signal && { signal }) };
  const name = `warren ${project} plan`;
  const connection = await connectBroker({ ...broker, name, ...options });
  const giveUp = () => connection.destroy("given up");
  signal?.addEventListener("abort", giveUp);
  try {
    return await readState(connection, project, options);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await connection.close();
  }
}
