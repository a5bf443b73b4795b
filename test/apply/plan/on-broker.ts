/** Topologies of a test that meet a broker. */
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { planTopology } from "../../../src/apply/plan/look.ts";
import type { PlanEntry } from "../../../src/apply/planned.ts";
import type { Topology } from "../../../src/topology.ts";
import type { Broker } from "../../support/broker.ts";
import { type ShortTopology, topologyOf } from "../../support/topology.ts";
import type { Vhost } from "../../support/vhost.ts";

/** Both ways of looking at a vhost: with the management API, and without. */
export function topologiesFor(
  { url, managementUrl }: Pick<Vhost, "url" | "managementUrl">,
  short: ShortTopology,
  more: Partial<Topology> = {},
): { readonly managed: Topology; readonly overAmqp: Topology } {
  const topology = { ...topologyOf(short), ...more };
  const address = (target: string) => ({ url: target, shown: target });
  const broker = { ...topology.broker, addresses: [address(url)] };
  return {
    managed: { ...topology, broker: { ...broker, management: address(managementUrl) } },
    overAmqp: { ...topology, broker },
  };
}

/** A node's default vhost. */
export function vhostOf({ amqpUrl, managementUrl }: Pick<Broker, "amqpUrl" | "managementUrl">) {
  return { url: amqpUrl, managementUrl };
}

/** What the plans say of everything that is not right already. */
export async function differences(
  ...topologies: readonly Topology[]
): Promise<readonly PlanEntry[]> {
  const plans = await Promise.all(topologies.map((one) => planTopology(one, NO_PERMISSIONS)));
  return plans.flatMap(({ plan }) =>
    plan.entries.filter(({ action }) => action !== "unchanged" && action !== "ensure"),
  );
}
