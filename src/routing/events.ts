import { deadLetterRoute, type Topology } from "../topology.ts";
import { type DeadLetterRoutes, reach, type Start } from "./reach.ts";

/** The group of an event type: what stands before its first dot. */
export function groupOf(type: string): string {
  const dot = type.indexOf(".");
  return dot === -1 ? type : type.slice(0, dot);
}

/**
 * The event types that can reach a queue, sorted; null: any JSON may. From the file alone:
 *
 * - What an exchange declares enters there, each event with its type as the routing key. Any JSON
 *   with any key enters an open exchange, and an internal one that nothing of the file feeds.
 * - From there bindings, bindings between exchanges and alternates lead on, as `reach` says.
 * - Dead letters of a parked queue are what reaches it, and go on with their headers and the
 *   dead-letter key, or their own.
 * - Dead letters of a queue with a handler are any JSON, since what is undecodable or invalid ends
 *   there as well; so are those of an external queue, which others may fill.
 * - A queue that nothing of the file leads to gets any JSON, by its name.
 *
 * What others publish past this is found when it is consumed: the event is then unexpected.
 */
export function eventsOfQueue(topology: Topology, queue: string): readonly string[] | null {
  let arrivals = arrivalsOf.get(topology);
  if (arrivals === undefined) {
    arrivals = collectArrivals(topology);
    arrivalsOf.set(topology, arrivals);
  }
  const types = arrivals.get(queue) ?? new Set([null]);
  return types.has(null) ? null : [...types].filter((type) => type !== null).sort();
}

/**
 * What `POST /publish/{name}` may publish: each event type with the exchange that lists it. An
 * exact event name wins over a group; null if no exchange lists such an event.
 */
export function publicationTarget(
  topology: Topology,
  name: string,
): ReadonlyMap<string, string> | null {
  let targets = targetsOf.get(topology);
  if (targets === undefined) {
    targets = collectTargets(topology);
    targetsOf.set(topology, targets);
  }
  return targets.get(name) ?? null;
}

/** Queue → the event types that can reach it; null among them stands for any JSON. */
type Arrivals = Map<string, Set<string | null>>;

const arrivalsOf = new WeakMap<Topology, Arrivals>();
const targetsOf = new WeakMap<Topology, Map<string, Map<string, string>>>();

function collectTargets(topology: Topology): Map<string, Map<string, string>> {
  const events = Object.values(topology.exchanges)
    .filter(({ internal }) => !internal)
    .flatMap((exchange) => (exchange.events ?? []).map((type) => [type, exchange.name] as const));
  const targets = new Map<string, Map<string, string>>();
  for (const [type, exchange] of events) {
    const group = targets.get(groupOf(type));
    if (group === undefined) targets.set(groupOf(type), new Map([[type, exchange]]));
    else group.set(type, exchange);
  }
  for (const [type, exchange] of events) targets.set(type, new Map([[type, exchange]]));
  return targets;
}

/** What enters somewhere; `type` null: any JSON. */
type Entry = { readonly type: string | null; readonly start: Start };

function collectArrivals(topology: Topology): Arrivals {
  const routes: DeadLetterRoutes = (queue) =>
    isOpaque(topology, queue) ? null : routeFrom(topology, queue);
  const arrivals: Arrivals = new Map();
  const follow = ({ type, start }: Entry) => {
    for (const queue of reach(topology, start, routes)) arrivals.get(queue)?.add(type);
  };
  for (const name of Object.keys(topology.queues)) arrivals.set(name, new Set());
  for (const entry of [...publications(topology), ...anyDeadLetters(topology)]) follow(entry);
  const named = new Set(
    topology.bindings.filter((it) => it.destinationKind === "queue").map((it) => it.destination),
  );
  for (const name of Object.keys(topology.queues)) {
    const letter = routeFrom(topology, name);
    if (letter?.exchange === "" && letter.key !== null) named.add(letter.key);
  }
  for (const [queue, types] of arrivals) {
    if (types.size > 0 || named.has(queue)) continue;
    types.add(null);
    const letter = routes(queue);
    // What comes by the queue's name has it as its key.
    if (letter !== null) follow({ type: null, start: { ...letter, key: letter.key ?? queue } });
  }
  return arrivals;
}

function publications(topology: Topology): readonly Entry[] {
  return Object.values(topology.exchanges).flatMap(({ name, events, internal }): Entry[] => {
    if (internal && isFedHere(topology, name)) return [];
    if (events === null) return [{ type: null, start: { exchange: name, key: null } }];
    return events.map((type) => ({ type, start: { exchange: name, key: type } }));
  });
}

function anyDeadLetters(topology: Topology): readonly Entry[] {
  return Object.keys(topology.queues).flatMap((name): Entry[] => {
    const start = routeFrom(topology, name);
    return start === null || !isOpaque(topology, name) ? [] : [{ type: null, start }];
  });
}

/** Whether a queue's dead letters can be more than what the file says reaches it. */
function isOpaque({ queues }: Topology, name: string): boolean {
  const queue = queues[name];
  return queue === undefined || queue.handler !== null || queue.external;
}

function routeFrom({ queues }: Topology, name: string): Start | null {
  const queue = queues[name];
  return queue === undefined ? null : deadLetterRoute(queue);
}

/** What is fed by nothing that we know of must have a source elsewhere. */
function isFedHere({ exchanges, queues, bindings }: Topology, name: string): boolean {
  return (
    bindings.some((one) => one.destinationKind === "exchange" && one.destination === name) ||
    Object.values(exchanges).some(({ alternate }) => alternate === name) ||
    Object.values(queues).some((queue) => deadLetterRoute(queue)?.exchange === name)
  );
}
