/** What a project knows of its last apply: what is its own, and a replacement that was interrupted. */
import { digestOf } from "../../digest.ts";
import type { Arguments } from "../../topology.ts";
import type { LiveBinding } from "../live.ts";
import type { DesiredObjects } from "../objects.ts";
import type { Journal } from "../replace/journal.ts";

/** Kept in the broker, in the queue that `stateQueue` names; the next apply of the project reads it. */
export type StateRecord = {
  /** Of this format. */
  readonly v: 1;
  readonly project: string;
  /** Counts the applies that changed something here; 0: the first one has not ended. */
  readonly generation: number;
  /** ISO 8601, UTC. */
  readonly appliedAt: string;
  /** `ci@runner-3` */
  readonly by: string;
  /** Of what that apply wanted: `hashOf`. */
  readonly hash: string;
  readonly owned: Owned;
  /** null: no replacement is under way. */
  readonly journal: Journal | null;
};

/** What is this project's: it alone may unbind and remove it. Sorted, so that equal is identical. */
export type Owned = {
  readonly exchanges: readonly string[];
  readonly queues: readonly string[];
  readonly bindings: readonly OwnedBinding[];
  readonly policies: readonly string[];
};

export type OwnedBinding = Pick<
  LiveBinding,
  "source" | "destination" | "destinationKind" | "key" | "arguments"
>;

export const NOTHING_OWNED: Owned = { exchanges: [], queues: [], bindings: [], policies: [] };

/** The queue that is the project's lock; it exists while somebody holds it. */
export const lockQueue = (project: string) => `warren.${project}.lock`;
/** The queue of length 1 that holds the project's `StateRecord`. */
export const stateQueue = (project: string) => `warren.${project}.state`;

/** What makes a binding the same binding: the same text, whatever the order of its arguments. */
export function bindingId(binding: OwnedBinding): string {
  const { source, destination, destinationKind, key } = binding;
  return JSON.stringify([source, destinationKind, destination, key, sorted(binding.arguments)]);
}

/** Of everything that is wanted of a broker, wherever the file says it and in whatever order. */
export function hashOf({ exchanges, queues, bindings, policies }: DesiredObjects): string {
  const lines = [...exchanges, ...queues, ...bindings, ...policies].map(({ at, ...object }) =>
    JSON.stringify(sorted(object)),
  );
  return digestOf(Buffer.from(lines.sort().join("\n")));
}

/** The same, in the one order in which it is kept. */
export function sortOwned({ exchanges, queues, bindings, policies }: Owned): Owned {
  const byId = new Map(bindings.map((binding) => [bindingId(binding), binding]));
  return {
    exchanges: [...new Set(exchanges)].sort(),
    queues: [...new Set(queues)].sort(),
    bindings: [...byId.keys()].sort().map((id) => bare(byId.get(id) as OwnedBinding)),
    policies: [...new Set(policies)].sort(),
  };
}

function bare({ source, destination, destinationKind, key, arguments: args }: OwnedBinding) {
  return { source, destination, destinationKind, key, arguments: sorted(args) as Arguments };
}

/** With the keys of every object in order. */
export function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
