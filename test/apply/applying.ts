import { applyTopology } from "../../src/apply/change/apply.ts";
import { type ApplyOptions, NO_PERMISSIONS } from "../../src/apply/change/options.ts";
import type { ApplyReport, Result } from "../../src/apply/change/results.ts";
import type { Permissions } from "../../src/apply/planned.ts";
import type { StateRecord } from "../../src/apply/state/record.ts";
import { readState } from "../../src/apply/state/state.ts";
import { loadTopology, type RunnerFiles } from "../support/runner.ts";
import type { Vhost } from "../support/vhost.ts";
import { openConnection } from "./state/connection.ts";

/** How a vhost is looked at. */
export const WAYS = ["management", "amqp"] as const;
export type Way = (typeof WAYS)[number];

export type Given = ApplyOptions &
  Pick<RunnerFiles, "project" | "handlers"> & {
    /** `management` unless given. */
    readonly way?: Way;
    /** The vhost's own unless given. */
    readonly url?: string;
  };

export const PRUNE: Permissions = { ...NO_PERMISSIONS, prune: true };

/** Applies the text of a topology.yaml, without its head, to a vhost. */
export async function apply(
  vhost: Vhost,
  topology: string,
  { way = "management", url = vhost.url, project = "test", handlers = {}, ...options }: Given = {},
): Promise<ApplyReport> {
  const listing = way === "management" ? { management: vhost.managementUrl } : {};
  const loaded = await loadTopology({ topology, url, project, handlers, ...listing });
  return await applyTopology(loaded, options);
}

/** `created queue q`, in the report's order; without what was right already. */
export function changesOf({ entries }: ApplyReport): readonly string[] {
  const same: readonly Result[] = ["unchanged", "ensured"];
  return entries
    .filter(({ result }) => !same.includes(result))
    .map(({ kind, name, result, detail }) =>
      [`${result} ${kind} ${name}`, ...(detail === undefined ? [] : [detail])].join(": "),
    );
}

export async function stateOf(vhost: Vhost, project = "test"): Promise<StateRecord | null> {
  const connection = await openConnection(vhost.url);
  try {
    return await readState(connection, project);
  } finally {
    await connection.close();
  }
}

type Named = { readonly name: string };
type Bound = Readonly<Record<"source" | "destination" | "routing_key", string>>;

/**
 * Everything in the vhost but the broker's own, and locks: those of a connection that has ended are
 * listed by 4.3 for an instant more. Sorted.
 */
export async function objectsIn(vhost: Vhost): Promise<readonly string[]> {
  const list = async <T>(kind: string) =>
    (await vhost.management<readonly T[]>(`${kind}/{vhost}`)) ?? [];
  const [exchanges, queues, bindings] = await Promise.all([
    list<Named>("exchanges"),
    list<Named>("queues"),
    list<Bound>("bindings"),
  ]);
  return [
    ...exchanges.filter(({ name }) => !/^(amq\..*|)$/.test(name)).map(({ name }) => `x ${name}`),
    ...queues.filter(({ name }) => !/^warren\..*\.lock$/.test(name)).map(({ name }) => `q ${name}`),
    ...bindings
      .filter(({ source }) => source !== "")
      .map(({ source, destination, routing_key: key }) => `${source} -> ${destination} ${key}`),
  ].sort();
}
