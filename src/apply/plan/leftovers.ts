/** What this project made and its file no longer has: removed last of all, or kept, and why. */
import type { LiveQueue } from "../live.ts";
import { requeueExchange, retryExchange } from "../objects.ts";
import type { Blocked, PlanEntry } from "../planned.ts";
import { bindingId } from "../state/record.ts";
import { counted, entryOf, hiddenEntry, listed } from "./entry.ts";
import { policiesOf } from "./policy-match.ts";
import { queueTypeOf } from "./queue-type.ts";
import { delayQueues, isDelayQueue } from "./retries.ts";
import { liveExchange, liveQueues, type Scene } from "./scene.ts";

const ON_DEMAND: Blocked = { reason: "made by warren, not in the file", flags: ["--prune"] };

export function leftoverQueues(scene: Scene): readonly PlanEntry[] {
  return scene.state ? [...scene.ours.queues].flatMap((name) => planQueue(scene, name)) : [];
}

/** @param queues what `leftoverQueues` has found. */
export function leftoverExchanges(
  scene: Scene,
  queues: readonly PlanEntry[],
): readonly PlanEntry[] {
  const going = new Set(queues.filter(({ action }) => action === "remove").map(({ name }) => name));
  return [...scene.ours.exchanges].flatMap((name) => planExchange(scene, name, going));
}

function planQueue(scene: Scene, name: string): readonly PlanEntry[] {
  const live = scene.live.queues.get(name);
  if (!live || scene.wanted.queues.has(name)) return [];
  const facts = { kind: "queue", name } as const;
  if (live.kind === "hidden") return [hiddenEntry(facts, live.detail)];
  const { counts } = live;
  const reason = reasonToKeep(scene, live);
  if (reason !== null) {
    return [entryOf("kept", { ...facts, counts, blocked: { reason, flags: [] } })];
  }
  return [entryOf("remove", { ...facts, counts, blocked: unlessPruned(scene) })];
}

function reasonToKeep(scene: Scene, live: LiveQueue): string | null {
  const { ready, unacked, messages, consumers } = live.counts;
  const heir = scene.renamed.get(live.name);
  const held = Math.max(ready + (unacked ?? 0), messages ?? 0);
  if (held > 0 || consumers !== 0) {
    if (heir) return `renamed: consumed by ${heir.name} until it is empty`;
    if (held > 0) return `not empty: it holds ${counted(held, "message")}`;
    return consumers === null
      ? "who consumes it is not known"
      : `in use: it has ${counted(consumers, "consumer")}`;
  }
  if (messages !== null) return null;
  if (scene.live.by === "management" || queueTypeOf(live) === "stream") {
    return "how many messages it holds is not known";
  }
  return mayHoldUnseen(scene, live)
    ? "over AMQP alone the dead letters that it may hold can't be seen"
    : null;
}

/** At least once: a dead letter that finds no way is held, and counted neither as ready nor unacked. */
function mayHoldUnseen({ project }: Scene, live: LiveQueue): boolean {
  return (
    isDelayQueue(project, live.name) ||
    (queueTypeOf(live) === "quorum" && live.arguments["x-dead-letter-strategy"] === "at-least-once")
  );
}

function planExchange(
  scene: Scene,
  name: string,
  going: ReadonlySet<string>,
): readonly PlanEntry[] {
  const live = scene.live.exchanges.get(name);
  if (!live || scene.wanted.exchanges.has(name)) return [];
  const facts = { kind: "exchange", name } as const;
  if (live.kind === "hidden") return [hiddenEntry(facts, live.detail)];
  const users = usersOf(scene, name, going);
  if (users.length > 0) {
    const reason = `in use: ${listed(users)}`;
    return [entryOf("kept", { ...facts, blocked: { reason, flags: [] } })];
  }
  return [entryOf("remove", { ...facts, blocked: unlessPruned(scene) })];
}

/** Who would miss it: destinations that others gave it, and those whose dead letters come here. */
function usersOf(scene: Scene, name: string, going: ReadonlySet<string>): readonly string[] {
  const { live, ours, project } = scene;
  const bound = (live.bindings ?? [])
    .filter(({ source, destination }) => source === name && !going.has(destination))
    .filter((binding) => !ours.bindings.has(bindingId(binding)))
    .map(({ destination }) => `bound to ${destination}`);
  const senders = liveQueues(scene)
    .filter((queue) => queue.arguments["x-dead-letter-exchange"] === name && !going.has(queue.name))
    .map((queue) => `dead letters of ${queue.name}`);
  const overflowing = [...live.exchanges.keys()]
    .filter((other) => liveExchange(scene, other)?.arguments["alternate-exchange"] === name)
    .map((other) => `alternate exchange of ${other}`);
  const policies = policiesOf(scene)
    .filter(({ definition }) =>
      ["dead-letter-exchange", "alternate-exchange"].some((key) => definition[key] === name),
    )
    .map((policy) => `policy ${policy.name}`);
  const waiting = [retryExchange(project), requeueExchange(project)].includes(name)
    ? delayQueues(scene).filter((queue) => !going.has(queue.name))
    : [];
  return [
    ...new Set([
      ...bound,
      ...senders,
      ...overflowing,
      ...policies,
      ...waiting.map((queue) => `retries in ${queue.name}`),
    ]),
  ];
}

function unlessPruned({ permissions }: Scene): Blocked | null {
  return permissions.prune ? null : ON_DEMAND;
}
