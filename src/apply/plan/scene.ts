/** What a plan is made of, with what each of its parts asks of it again and again. */
import type { Live, LiveBinding, LiveExchange, LiveQueue } from "../live.ts";
import type { DesiredExchange, DesiredObjects, DesiredQueue } from "../objects.ts";
import type { Permissions } from "../planned.ts";
import { migratingQueue } from "../replace/journal.ts";
import { bindingId, lockQueue, type StateRecord, stateQueue } from "../state/record.ts";

export type Scene = {
  readonly project: string;
  readonly desired: DesiredObjects;
  /** Without what belongs to other projects, or to warren's own keeping of books. */
  readonly live: Live;
  readonly state: StateRecord | null;
  readonly permissions: Permissions;
  /** Those that the file has, by name, and by `bindingId`. */
  readonly wanted: {
    readonly exchanges: ReadonlyMap<string, DesiredExchange>;
    readonly queues: ReadonlyMap<string, DesiredQueue>;
    readonly bindings: ReadonlySet<string>;
  };
  /** Those that the state says are this project's, by name, and by `bindingId`. */
  readonly ours: {
    readonly exchanges: ReadonlySet<string>;
    readonly queues: ReadonlySet<string>;
    readonly bindings: ReadonlySet<string>;
    readonly policies: ReadonlySet<string>;
  };
  /** The name of a queue before → the queue that takes it over. */
  readonly renamed: ReadonlyMap<string, DesiredQueue>;
};

export function sceneOf(
  desired: DesiredObjects,
  live: Live,
  state: StateRecord | null,
  permissions: Permissions,
  project: string,
): Scene {
  const owned = state?.owned;
  return {
    project,
    desired,
    live: withoutOthers(live, project, state, desired),
    state,
    permissions,
    wanted: {
      exchanges: byName(desired.exchanges),
      queues: byName(desired.queues),
      bindings: new Set(desired.bindings.map(bindingId)),
    },
    ours: {
      exchanges: new Set(owned?.exchanges),
      queues: new Set(owned?.queues),
      bindings: new Set(owned?.bindings.map(bindingId)),
      policies: new Set(owned?.policies),
    },
    renamed: new Map(
      desired.queues.flatMap((queue) => (queue.was === null ? [] : [[queue.was, queue]])),
    ),
  };
}

/** The live exchange; undefined: it is not there, or hidden. */
export function liveExchange({ live }: Scene, name: string): LiveExchange | undefined {
  const found = live.exchanges.get(name);
  return found?.kind === "exchange" ? found : undefined;
}

/** The live queue; undefined: it is not there, or hidden. */
export function liveQueue({ live }: Scene, name: string): LiveQueue | undefined {
  const found = live.queues.get(name);
  return found?.kind === "queue" ? found : undefined;
}

export function liveQueues({ live }: Scene): readonly LiveQueue[] {
  return [...live.queues.values()].filter((queue) => queue.kind === "queue");
}

/** Whether both ends of a binding are there; the broker's own exchanges always are. */
export function hasEnds(
  { live }: Scene,
  { source, destination, destinationKind }: Omit<LiveBinding, "kind" | "propertiesKey">,
): boolean {
  const isExchange = (name: string) => name.startsWith("amq.") || live.exchanges.has(name);
  const isThere =
    destinationKind === "queue" ? live.queues.has(destination) : isExchange(destination);
  return isThere && isExchange(source);
}

function withoutOthers(
  live: Live,
  project: string,
  state: StateRecord | null,
  desired: DesiredObjects,
): Live {
  const books = [lockQueue(project), stateQueue(project)];
  const replaced = state?.journal?.queue;
  const moved = replaced === undefined ? null : migratingQueue(replaced);
  const declared = new Set([...desired.exchanges, ...desired.queues].map(({ name }) => name));
  const isOfOthers = (name: string) =>
    name.startsWith("warren.") && !name.startsWith(`warren.${project}.`);
  const counts = (name: string) =>
    declared.has(name) || (!isOfOthers(name) && !books.includes(name) && name !== moved);
  const keep = <Value>(all: ReadonlyMap<string, Value>) =>
    new Map([...all].filter(([name]) => counts(name)));
  return {
    ...live,
    exchanges: keep(live.exchanges),
    queues: keep(live.queues),
    bindings:
      live.bindings
        // While a queue is replaced its bindings are on one of the two.
        ?.map((binding) =>
          replaced !== undefined && binding.destination === moved
            ? { ...binding, destination: replaced }
            : binding,
        )
        .filter(({ source, destination }) => counts(source) && counts(destination)) ?? null,
  };
}

function byName<Item extends { readonly name: string }>(
  items: readonly Item[],
): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => [item.name, item]));
}
