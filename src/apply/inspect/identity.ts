/** Whether the management API belongs to the broker that AMQP reaches. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "../../broker-connection.ts";
import { WarrenError } from "../../errors.ts";
import { failed, type Management } from "./management.ts";
import { Row } from "./row.ts";

/** Who a broker says that it is. */
export type Overview = {
  readonly version: string;
  readonly clusterName: string;
  readonly exchangeTypes: readonly string[];
};

/**
 * What the broker behind the management API says of itself.
 *
 * @throws {WarrenError} `management-failed`, `management-refused`.
 */
export async function readOverview({ get, shown }: Management): Promise<Overview> {
  const json = await get(["overview"]);
  if (json === undefined) throw failed(shown, "is something else: it has no /api/overview");
  const row = new Row(json, { shown, what: "/api/overview" });
  return {
    version: row.text("rabbitmq_version"),
    clusterName: row.text("cluster_name"),
    exchangeTypes: row
      .rows("exchange_types")
      .filter((type) => type.flag("enabled"))
      .map((type) => type.text("name")),
  };
}

/**
 * Two brokers may bear the same name (two containers `rabbit@rabbitmq`), so that the version has to
 * be the same as well; unless there is proof, since the nodes of a cluster that is being upgraded
 * have different versions.
 *
 * @throws {WarrenError} `management-mismatch`
 */
export function assertSameBroker(
  { address, version, clusterName }: BrokerConnection,
  there: Overview,
  { shown }: Management,
  { isProven }: { readonly isProven: boolean },
): void {
  const isSame = there.clusterName === clusterName && (isProven || there.version === version);
  if (isSame) return;
  const here = `${address.shown} is ${clusterName ?? "a broker without a name"} ${version}`;
  const text = `${here}, but behind ${shown} is ${there.clusterName} ${there.version}`;
  throw new WarrenError("management-mismatch", text);
}

/** How often the lock is looked for, since a node of a cluster may hear of it a little later. */
const LOOKS = 10;
const LOOK_MS = 100;

/**
 * The proof: the lock that a connection to the broker holds is on the broker behind the API.
 *
 * @throws {WarrenError} `management-mismatch`, `management-failed`, `management-refused`.
 */
export async function assertLockSeen(management: Management, lock: string): Promise<void> {
  const { shown, vhost } = management;
  for (let look = 0; look < LOOKS; look++) {
    if ((await management.get(["queues", vhost, lock])) !== undefined) return;
    await sleep(LOOK_MS);
  }
  const text = `the broker behind ${shown} does not have the lock "${lock}" that is held over AMQP`;
  throw new WarrenError("management-mismatch", text);
}
