/** Looks at the live objects of a topology's vhost, and changes nothing. */
import type { BrokerConnection } from "../../broker-connection.ts";
import { connectBroker } from "../../connect.ts";
import { WarrenError } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import { ConnectionEnded, endedByType } from "../connection-ended.ts";
import type { Live } from "../live.ts";
import type { DesiredObjects } from "../objects.ts";
import { lockQueue, type Owned } from "../state/record.ts";
import { assertLockSeen, assertSameBroker, readOverview } from "./identity.ts";
import { listVhost } from "./listing.ts";
import { type Management, managementOf } from "./management.ts";
import { probe } from "./probing.ts";
import { shownObjects } from "./shown.ts";

/** What the caller is about to compare. */
export type Ask = {
  readonly desired: DesiredObjects;
  /** What the project's state says is ours: over AMQP alone nothing else can be looked for. */
  readonly owned: Owned;
  /** The project's lock is held, so the management API has to show it. */
  readonly holdsLock?: boolean;
};

/**
 * Lists everything over the management API, where the topology names one; over AMQP alone it looks
 * for what was asked for. In both cases over a connection of its own: some refusals end it.
 *
 * @param signal ends it at once.
 * @throws {WarrenError} `access-refused`, `connection-failed`, `unknown-exchange-type`,
 *   `management-failed`, `management-refused`, `management-mismatch`.
 */
export async function inspect(topology: Topology, ask: Ask, signal?: AbortSignal): Promise<Live> {
  const name = `warren ${topology.project} inspect`;
  const connection = await connectBroker({ ...topology.broker, name, ...(signal && { signal }) });
  const giveUp = () => connection.destroy("given up");
  signal?.addEventListener("abort", giveUp);
  const management = managementOf(topology, signal);
  try {
    return management
      ? await overManagement(connection, management, topology.project, ask)
      : await overAmqp(connection, ask);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await connection.close();
  }
}

/**
 * Looks again, for nothing but what is there: over the management API it counts nothing, and does not
 * ask once more which broker it belongs to.
 *
 * @param before what `inspect` has found, under the same lock.
 * @throws {WarrenError} as `inspect`.
 */
export async function inspectAgain(
  topology: Topology,
  before: Live,
  ask: Ask,
  signal?: AbortSignal,
): Promise<Live> {
  const management = managementOf(topology, signal);
  if (!management) return await inspect(topology, ask, signal);
  const { project } = topology;
  const { desired, owned } = ask;
  const listed = await listVhost(management, { project, isCounted: false });
  const { exchanges, queues, bindings, policies } = listed;
  const shown = shownObjects({ exchanges, queues }, { project, desired, owned });
  return { ...before, ...shown, bindings, policies };
}

async function overManagement(
  connection: BrokerConnection,
  management: Management,
  project: string,
  { desired, owned, holdsLock = false }: Ask,
): Promise<Live> {
  const overview = await readOverview(management);
  assertSameBroker(connection, overview, management, { isProven: holdsLock });
  if (holdsLock) await assertLockSeen(management, lockQueue(project));
  const listed = await listVhost(management, { project, isCounted: true });
  const { exchanges, queues, bindings, policies, unseen } = listed;
  return {
    by: "management",
    ...describe(connection),
    ...shownObjects({ exchanges, queues }, { project, desired, owned }),
    bindings,
    policies,
    exchangeTypes: overview.exchangeTypes,
    unseen,
  };
}

async function overAmqp(connection: BrokerConnection, { desired, owned }: Ask): Promise<Live> {
  try {
    return {
      by: "amqp",
      ...describe(connection),
      ...(await probe(connection, desired, owned)),
      bindings: null,
      policies: null,
      exchangeTypes: null,
    };
  } catch (error) {
    throw error instanceof WarrenError ? error : await explainEnd(connection, desired, error);
  }
}

function describe({ product, version, address }: BrokerConnection) {
  return { broker: `${product} ${version} at ${address.shown}`, version };
}

/** A type whose plugin was disabled after it was used may be why. */
async function explainEnd(
  connection: BrokerConnection,
  { exchanges }: DesiredObjects,
  error: unknown,
): Promise<WarrenError> {
  connection.destroy("inspect failed");
  const reason = await connection.ended;
  const text = `the connection ended: ${reason.message}`;
  return endedByType(reason, error, exchanges) ?? new ConnectionEnded(text, reason, error);
}
