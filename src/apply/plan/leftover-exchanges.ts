/** Exchanges that this project made and its file no longer has: removed, or kept, and why. */
import { requeueExchange, retryExchange } from "../objects.ts";
import type { PlanEntry } from "../planned.ts";
import { bindingId } from "../state/record.ts";
import { entryOf, hiddenEntry, keptEntry, listed, unlessPruned } from "./entry.ts";
import { foreignSources } from "./foreign.ts";
import { policiesOf } from "./policy-match.ts";
import { delayQueues } from "./retries.ts";
import { liveExchange, liveQueues, type Scene } from "./scene.ts";

/** @param queues what `leftoverQueues` has found. */
export function leftoverExchanges(
  scene: Scene,
  queues: readonly PlanEntry[],
): readonly PlanEntry[] {
  const names = [...scene.ours.exchanges].filter(
    (name) => scene.live.exchanges.has(name) && !scene.wanted.exchanges.has(name),
  );
  const goingQueues = queues.filter(({ action }) => action === "remove").map(({ name }) => name);
  const users = usersOfEach(scene, names, new Set(goingQueues));
  return names.map((name) => {
    const live = scene.live.exchanges.get(name);
    const facts = { kind: "exchange", name } as const;
    if (live?.kind === "hidden") return hiddenEntry(facts, live.detail);
    const found = users.get(name) ?? [];
    if (found.length > 0) return keptEntry(facts, `in use: ${listed(found)}`);
    return entryOf("remove", { ...facts, blocked: unlessPruned(scene.permissions) });
  });
}

/** One that is kept may be a user of another: so it is asked until nothing changes any more. */
function usersOfEach(
  scene: Scene,
  names: readonly string[],
  queues: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  let exchanges: ReadonlySet<string> = new Set(names.filter((name) => liveExchange(scene, name)));
  for (;;) {
    const going = { queues, exchanges };
    const users = new Map(names.map((name) => [name, usersOf(scene, name, going)]));
    const left = new Set([...exchanges].filter((name) => users.get(name)?.length === 0));
    if (left.size === exchanges.size) return users;
    exchanges = left;
  }
}

type Going = { readonly queues: ReadonlySet<string>; readonly exchanges: ReadonlySet<string> };

/** Who would miss it. */
function usersOf(scene: Scene, name: string, going: Going): readonly string[] {
  const { live, ours, project } = scene;
  const stays = (kind: "queue" | "exchange", other: string) => !going[`${kind}s`].has(other);
  const bound = (live.bindings ?? []).filter(
    (binding) =>
      binding.source === name &&
      stays(binding.destinationKind, binding.destination) &&
      !ours.bindings.has(bindingId(binding)),
  );
  const sources = foreignSources(scene, "exchange", name).filter((one) => stays("exchange", one));
  const senders = liveQueues(scene).filter(
    (queue) => queue.arguments["x-dead-letter-exchange"] === name && stays("queue", queue.name),
  );
  const overflowing = [...live.exchanges.keys()].filter(
    (other) =>
      stays("exchange", other) &&
      liveExchange(scene, other)?.arguments["alternate-exchange"] === name,
  );
  const policies = policiesOf(scene).filter(({ definition }) =>
    ["dead-letter-exchange", "alternate-exchange"].some((key) => definition[key] === name),
  );
  const waiting = [retryExchange(project), requeueExchange(project)].includes(name)
    ? delayQueues(scene).filter((queue) => stays("queue", queue.name))
    : [];
  const users = [
    ...bound.map(({ destination }) => `others have bound ${destination} to it`),
    ...sources.map((source) => `others have bound it to ${source}`),
    ...senders.map((queue) => `dead letters of ${queue.name}`),
    ...overflowing.map((other) => `alternate exchange of ${other}`),
    ...policies.map((policy) => `policy ${policy.name}`),
    ...waiting.map((queue) => `retries in ${queue.name}`),
  ];
  return [...new Set(users)];
}
