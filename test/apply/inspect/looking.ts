/** Looks at a test's vhost, in both ways. */
import { type Ask, inspect } from "../../../src/apply/inspect/inspect.ts";
import type { Live } from "../../../src/apply/live.ts";
import { desiredObjects } from "../../../src/apply/objects.ts";
import { NOTHING_OWNED } from "../../../src/apply/state/record.ts";
import { formatProblem } from "../../../src/errors.ts";
import { load } from "../../../src/loader/load.ts";
import type { BrokerAddress, Topology } from "../../../src/topology.ts";
import { writeProject } from "../../support/project.ts";
import type { Vhost } from "../../support/vhost.ts";

export type Look = {
  readonly vhost: Vhost;
  /** topology.yaml without version, project, broker and http. */
  readonly topology?: string;
  /** AMQP url; the vhost's own, unless given. */
  readonly url?: string;
  /** Of the management API; the vhost's own, unless given. null: AMQP alone. */
  readonly management?: string | null;
  readonly ask?: Partial<Ask>;
  readonly signal?: AbortSignal;
};

/** A file that declares nothing that a test looks at. */
const NOTHING = "queues: { nothing: { type: classic, handler: none, deadLetter: none } }";

export async function look({ ask, signal, ...look }: Look): Promise<Live> {
  const topology = await topologyFor(look);
  return await inspect(
    topology,
    { desired: desiredObjects(topology), owned: NOTHING_OWNED, ...ask },
    signal,
  );
}

export async function topologyFor({
  vhost,
  topology = NOTHING,
  url = vhost.url,
  management = vhost.managementUrl,
}: Look): Promise<Topology> {
  const head = `version: 1\nproject: test\nbroker: { url: "${url}" }\n`;
  const project = await writeProject({ topology: head + topology });
  const loaded = load({ file: project.path("topology.yaml"), env: {} });
  await project.remove();
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const { broker } = loaded.topology;
  const address = management === null ? null : addressOf(management);
  return { ...loaded.topology, broker: { ...broker, management: address } };
}

export function addressOf(url: string): BrokerAddress {
  const shown = new URL(url);
  if (shown.password !== "") shown.password = "***";
  return { url, shown: shown.href };
}
