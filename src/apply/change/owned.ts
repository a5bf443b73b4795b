/** What is this project's after an apply, and what may have become so if that never ends. */
import type { Live } from "../live.ts";
import type { PlanEntry } from "../planned.ts";
import {
  bindingId,
  NOTHING_OWNED,
  type Owned,
  type OwnedBinding,
  sortOwned,
} from "../state/record.ts";
import { isPending, type Results } from "./phases.ts";
import type { Result } from "./results.ts";

const GAINED: ReadonlySet<Result | undefined> = new Set<Result>([
  "created",
  "unchanged",
  "ensured",
  "updated",
  "replaced",
]);
const LOST: ReadonlySet<Result | undefined> = new Set<Result>(["removed", "unbound"]);

/**
 * What the file has and the broker too, and what was ours and is still there. An identical object
 * that somebody else made is adopted; an external one never is.
 */
export function ownedAfter(
  before: Owned,
  entries: readonly PlanEntry[],
  results: Results,
  { policies }: Pick<Live, "policies">,
): Owned {
  const owns = ownerOf(before);
  const kept = entries.filter((entry) => {
    const result = results.get(entry)?.result;
    if (isExternal(entry) || LOST.has(result)) return false;
    return owns(entry) || (entry.desired !== null && GAINED.has(result));
  });
  const after = collect(kept);
  // Whoever can't see them can't say that they are gone.
  return sortOwned(
    policies ? after : { ...after, policies: [...after.policies, ...before.policies] },
  );
}

/**
 * With what is about to be made: written before it is, so that an apply that is killed leaves nothing
 * behind that nobody knows whose it is.
 */
export function ownedMeanwhile(before: Owned, entries: readonly PlanEntry[]): Owned {
  const coming = entries.filter(
    (entry) => entry.desired !== null && isPending(entry) && !isExternal(entry),
  );
  const added = collect(coming);
  return sortOwned({
    exchanges: [...before.exchanges, ...added.exchanges],
    queues: [...before.queues, ...added.queues],
    bindings: [...before.bindings, ...added.bindings],
    policies: [...before.policies, ...added.policies],
  });
}

function ownerOf(before: Owned): (entry: PlanEntry) => boolean {
  const names = {
    exchange: new Set(before.exchanges),
    queue: new Set(before.queues),
    policy: new Set(before.policies),
    binding: new Set(before.bindings.map(bindingId)),
  };
  return (entry) => {
    const binding = bindingOf(entry);
    return names[entry.kind].has(binding ? bindingId(binding) : entry.name);
  };
}

function collect(entries: readonly PlanEntry[]): Owned {
  const named = (kind: PlanEntry["kind"]) =>
    entries.filter((entry) => entry.kind === kind).map(({ name }) => name);
  return {
    ...NOTHING_OWNED,
    exchanges: named("exchange"),
    queues: named("queue"),
    policies: named("policy"),
    bindings: entries.flatMap((entry) => bindingOf(entry) ?? []),
  };
}

function bindingOf({ desired, binding }: PlanEntry): OwnedBinding | null {
  return desired?.kind === "binding" ? desired : binding;
}

function isExternal({ desired }: PlanEntry): boolean {
  return (desired?.kind === "exchange" || desired?.kind === "queue") && desired.isExternal;
}
