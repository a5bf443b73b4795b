import { WarrenError } from "../../errors.ts";
import { readOverview } from "../inspect/identity.ts";
import { listVhost } from "../inspect/listing.ts";
import type { ApiPath, Management } from "../inspect/management.ts";
import { checkCount, type Found, Tally } from "./found.ts";

/** What warren does not manage: where it is listed, and the members that name one. */
const OTHERS: readonly {
  readonly kind: string;
  readonly path: (vhost: string) => ApiPath;
  readonly members: readonly string[];
}[] = [
  { kind: "users", path: () => ["users"], members: ["name"] },
  { kind: "permissions", path: () => ["permissions"], members: ["user", "vhost"] },
  {
    kind: "topic permissions",
    path: () => ["topic-permissions"],
    members: ["user", "exchange"],
  },
  { kind: "parameters", path: () => ["parameters"], members: ["component", "name"] },
  { kind: "global parameters", path: () => ["global-parameters"], members: ["name"] },
  { kind: "operator policies", path: (vhost) => ["operator-policies", vhost], members: ["name"] },
];

/**
 * Everything in the vhost of a management API.
 *
 * @throws {WarrenError} management-failed, management-refused; file-too-large
 */
export async function findLive(management: Management): Promise<Found> {
  const { vhost, shown } = management;
  const [{ version }, listed, others, vhosts] = await Promise.all([
    readOverview(management),
    // The consumers that are counted on the way are no matter here, whosever they are.
    listVhost(management, { project: "", isCounted: true }),
    Promise.all(OTHERS.map((it) => listNames(management, it.path(vhost), it.members))),
    listVhosts(management),
  ]);
  const { exchanges, queues, bindings, policies } = listed;
  checkCount(exchanges.length + queues.length + bindings.length);
  const tally = new Tally();
  OTHERS.forEach(({ kind }, index) => {
    for (const name of others[index] ?? []) tally.add(kind, name);
  });
  for (const name of vhosts) if (name !== vhost) tally.add("other vhosts", name);
  const hidden = OTHERS.filter((_, index) => others[index] === null).map(({ kind }) => kind);
  if (policies === null) hidden.push("policies");
  return {
    vhost,
    // The file is for everyone, whoever asked.
    origin: `RabbitMQ ${version} at ${new URL(shown).host}`,
    // Nobody can declare or bind the default exchange.
    exchanges: exchanges.filter(({ name }) => name !== ""),
    queues,
    bindings,
    policies: policies ?? [],
    unmanaged: tally.all,
    unseen:
      hidden.length === 0
        ? []
        : [`${hidden.join(", ")}: user "${management.user}" may not see them`],
    placeOf: null,
  };
}

/**
 * The names of the vhosts that the user sees.
 *
 * @throws {WarrenError} management-failed, management-refused
 */
export async function listVhosts(management: Management): Promise<readonly string[]> {
  return (await listNames(management, ["vhosts"], ["name"])) ?? [];
}

/** null: the user may not see them; none, where the broker has no such list. */
async function listNames(
  management: Management,
  path: ApiPath,
  members: readonly string[],
): Promise<readonly string[] | null> {
  try {
    const json = await management.get(path);
    if (!Array.isArray(json)) return [];
    return json.map((one: Readonly<Record<string, unknown>>) =>
      members.map((member) => String(one?.[member] ?? "")).join(" "),
    );
  } catch (error) {
    if (error instanceof WarrenError && error.code === "management-refused") return null;
    throw error;
  }
}
