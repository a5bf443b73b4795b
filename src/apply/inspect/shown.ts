/** Which of a vhost's objects concern a project at all. */
import type { LiveExchange, LiveQueue } from "../live.ts";
import type { DesiredObjects } from "../objects.ts";
import { lockQueue, type Owned, stateQueue } from "../state/record.ts";

type Objects = {
  readonly exchanges: readonly LiveExchange[];
  readonly queues: readonly LiveQueue[];
};

type Whose = {
  readonly project: string;
  readonly desired: DesiredObjects;
  readonly owned: Owned;
};

/**
 * All but the broker's own objects, those of other projects of warren, the project's lock and state,
 * and queues that belong to somebody's connection; unless the file or the state names them.
 */
export function shownObjects(
  { exchanges, queues }: Objects,
  { project, desired, owned }: Whose,
): {
  readonly exchanges: ReadonlyMap<string, LiveExchange>;
  readonly queues: ReadonlyMap<string, LiveQueue>;
} {
  const named = {
    exchanges: namesOf(desired.exchanges, owned.exchanges),
    queues: namesOf(desired.queues, owned.queues),
  };
  return {
    exchanges: byName(
      exchanges.filter(({ name }) => named.exchanges.has(name) || isFree(name, project)),
    ),
    queues: byName(
      queues.filter(
        ({ name, exclusive }) => named.queues.has(name) || (!exclusive && isFree(name, project)),
      ),
    ),
  };
}

/** Whether the name is one that a person, or this project, may have given. */
function isFree(name: string, project: string): boolean {
  if (name === "" || name.startsWith("amq.")) return false;
  if (!name.startsWith("warren.")) return true;
  const isOurs = name.startsWith(`warren.${project}.`);
  return isOurs && name !== lockQueue(project) && name !== stateQueue(project);
}

function namesOf(
  desired: readonly { readonly name: string }[],
  owned: readonly string[],
): ReadonlySet<string> {
  return new Set([...desired.map(({ name }) => name), ...owned]);
}

function byName<T extends { readonly name: string }>(objects: readonly T[]) {
  return new Map(objects.map((object) => [object.name, object]));
}
