/** What a file wants and what a broker has, in short, for the tests of plans. */
import type {
  Hidden,
  Live,
  LiveBinding,
  LiveExchange,
  LivePolicy,
  LiveQueue,
  QueueCounts,
} from "../../../src/apply/live.ts";
import type {
  DesiredBinding,
  DesiredExchange,
  DesiredObjects,
  DesiredPolicy,
  DesiredQueue,
} from "../../../src/apply/objects.ts";
import { plan } from "../../../src/apply/plan/plan.ts";
import type { Permissions, Plan, PlanEntry } from "../../../src/apply/planned.ts";
import { NOTHING_OWNED, type Owned, type StateRecord } from "../../../src/apply/state/record.ts";

export const at = { file: "topology.yaml", line: 3, column: 5 };

export const empty: QueueCounts = {
  ready: 0,
  unacked: 0,
  messages: 0,
  consumers: 0,
  foreignConsumers: 0,
};
/** What AMQP alone can tell of an empty queue. */
export const emptyOverAmqp: QueueCounts = {
  ready: 0,
  unacked: null,
  messages: null,
  consumers: 0,
  foreignConsumers: null,
};

export function exchange(name: string, given: Partial<DesiredExchange> = {}): DesiredExchange {
  const facts = { type: "topic", internal: false, autoDelete: false, arguments: {} };
  return { kind: "exchange", name, ...facts, isExternal: false, at, ...given };
}

export function queue(name: string, given: Partial<DesiredQueue> = {}): DesiredQueue {
  const args = { "x-queue-type": "quorum" };
  const facts = { autoDelete: false, arguments: args, isExternal: false, was: null };
  return { kind: "queue", name, ...facts, at, ...given };
}

export function binding(
  source: string,
  destination: string,
  key = "",
  given: Partial<DesiredBinding> = {},
): DesiredBinding {
  const ends = { source, destination, destinationKind: "queue" } as const;
  return { kind: "binding", ...ends, key, arguments: {}, at, ...given };
}

export function policy(name: string, given: Partial<DesiredPolicy> = {}): DesiredPolicy {
  const facts = { pattern: "^q$", applyTo: "queues", priority: 0 } as const;
  return { kind: "policy", name, ...facts, definition: { "max-length": 5 }, at, ...given };
}

export function liveExchange(name: string, given: Partial<LiveExchange> = {}): LiveExchange {
  const flags = { type: "topic", durable: true, autoDelete: false, internal: false };
  return { kind: "exchange", name, ...flags, arguments: {}, ...given };
}

export function liveQueue(name: string, given: Partial<LiveQueue> = {}): LiveQueue {
  const flags = { durable: true, autoDelete: false, exclusive: false };
  const args = { "x-queue-type": "quorum" };
  return { kind: "queue", name, ...flags, arguments: args, counts: empty, ...given };
}

export function liveBinding(
  source: string,
  destination: string,
  key = "",
  given: Partial<LiveBinding> = {},
): LiveBinding {
  const ends = { source, destination, destinationKind: "queue" } as const;
  return { kind: "binding", ...ends, key, arguments: {}, propertiesKey: key || "~", ...given };
}

export function livePolicy(name: string, given: Partial<LivePolicy> = {}): LivePolicy {
  const { at: _, ...facts } = policy(name);
  return { ...facts, ...given };
}

export type Given = {
  readonly desired?: Partial<DesiredObjects>;
  readonly live?: readonly (LiveExchange | LiveQueue | LiveBinding | LivePolicy)[];
  /** The user may not see these. */
  readonly hidden?: readonly string[];
  readonly by?: Live["by"];
  readonly types?: Live["exchangeTypes"];
  /** null: the user may not see them. */
  readonly policies?: null;
  readonly owned?: Partial<Owned>;
  readonly journal?: StateRecord["journal"];
  readonly permissions?: Partial<Permissions>;
};

/** The plan of the project `shop`. */
export function planOf(given: Given): Plan {
  const { desired = {}, permissions = {} } = given;
  return plan(
    { exchanges: [], queues: [], bindings: [], policies: [], ...desired },
    liveOf(given),
    stateOf(given),
    { prune: false, allowReplace: false, adopt: false, ...permissions },
    "shop",
  );
}

export function liveOf({
  live = [],
  hidden = [],
  by = "management",
  types = null,
  policies,
}: Given): Live {
  const named = <Kind extends string>(kind: Kind) =>
    live.filter((one): one is Extract<typeof one, { kind: Kind }> => one.kind === kind);
  const mapped = <Item extends { readonly name: string }>(items: readonly Item[]) =>
    new Map(items.map((item) => [item.name, item]));
  const queues = new Map<string, LiveQueue | Hidden>(mapped(named("queue")));
  for (const name of hidden) queues.set(name, { kind: "hidden", detail: `403 access to ${name}` });
  return {
    by,
    broker: "rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672",
    version: "3.10.8",
    exchanges: mapped(named("exchange")),
    queues,
    bindings: by === "management" ? named("binding") : null,
    policies: by === "amqp" || policies === null ? null : named("policy"),
    exchangeTypes: types,
    unseen: [],
  };
}

export function stateOf({ owned, journal = null }: Given): StateRecord | null {
  if (owned === undefined && journal === null) return null;
  return {
    v: 1,
    project: "shop",
    generation: 14,
    appliedAt: "2026-08-20T18:02:00.000Z",
    by: "ci@runner-3",
    hash: "0",
    owned: { ...NOTHING_OWNED, ...owned },
    journal,
  };
}

/** A whole entry, of which only that is said which is not as usual. */
export function entry(
  action: PlanEntry["action"],
  kind: PlanEntry["kind"],
  name: string,
  given: Partial<PlanEntry> = {},
): PlanEntry {
  return {
    action,
    kind,
    name,
    at: given.desired?.at ?? null,
    differences: [],
    counts: null,
    blocked: null,
    notes: [],
    desired: null,
    binding: null,
    ...given,
  };
}
