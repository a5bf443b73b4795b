import { deadLetterRoute, type Topology } from "../topology.ts";
import { routingType, takes } from "./binding.ts";
import { bindingsFrom, type Network } from "./walk.ts";

/** The group of an event type: what stands before its first dot. */
export function groupOf(type: string): string {
  const dot = type.indexOf(".");
  return dot === -1 ? type : type.slice(0, dot);
}

/**
 * The event types that can reach a queue, sorted: of every exchange that leads to it, those that
 * the bindings on the way take. null means open, any JSON may arrive: an open exchange or another
 * queue's dead letters lead to it, or it has no binding at all.
 */
export function eventsOfQueue(topology: Topology, queue: string): readonly string[] | null {
  let arrivals = arrivalsOf.get(topology);
  if (arrivals === undefined) {
    arrivals = collectArrivals(topology);
    arrivalsOf.set(topology, arrivals);
  }
  const types = [...(arrivals.get(queue) ?? [])];
  const isBound = topology.bindings.some(
    ({ destination, destinationKind }) => destinationKind === "queue" && destination === queue,
  );
  const events = types.filter((type) => type !== null);
  return isBound && events.length === types.length ? events.sort() : null;
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

/** Every way in: what is published to an exchange, and the dead letters of a queue. */
function collectArrivals(topology: Topology): Arrivals {
  const arrivals: Arrivals = new Map();
  const arrive = (queues: Iterable<string>, type: string | null) => {
    for (const queue of queues) {
      const types = arrivals.get(queue);
      if (types === undefined) arrivals.set(queue, new Set([type]));
      else types.add(type);
    }
  };
  for (const { name, events, internal } of Object.values(topology.exchanges)) {
    if (internal && isFedHere(topology, name)) continue;
    if (events === null) arrive(reachable(topology, name, null), null);
    // The routing key is the event type wherever events are declared.
    for (const type of events ?? []) arrive(reachable(topology, name, type), type);
  }
  for (const queue of Object.values(topology.queues)) {
    const deadLetter = deadLetterRoute(queue);
    if (deadLetter === null) continue;
    const { exchange, key } = deadLetter;
    if (exchange !== "") arrive(reachable(topology, exchange, key), null);
    else if (key !== null) arrive([key], null);
  }
  return arrivals;
}

/** What is fed by nothing that we know of must have a source elsewhere. */
function isFedHere({ exchanges, bindings }: Topology, name: string): boolean {
  return (
    bindings.some((one) => one.destinationKind === "exchange" && one.destination === name) ||
    Object.values(exchanges).some(({ alternate }) => alternate === name)
  );
}

/** The queues that some message with this key (null: any key) and any headers can reach. */
export function reachable(
  network: Network,
  exchange: string,
  key: string | null,
): ReadonlySet<string> {
  const queues = new Set<string>();
  const entered = new Set([exchange]);
  for (const name of entered) {
    const source = network.exchanges[name];
    if (source === undefined) continue;
    const type = routingType(source);
    const bindings = bindingsFrom(network, name).filter(
      (binding) => isAnyKeyTaken(type, key) || takes(type, binding, key ?? "", {}),
    );
    for (const { destination, destinationKind } of bindings) {
      (destinationKind === "queue" ? queues : entered).add(destination);
    }
    // Where it is not the key alone that decides, a message may be taken or not.
    const isCertain = bindings.length > 0 && isCertainlyTaken(type, key);
    if (source.alternate !== null && !isCertain) entered.add(source.alternate);
  }
  return queues;
}

function isAnyKeyTaken(type: string, key: string | null): boolean {
  return type === "headers" || (key === null && type !== "fanout");
}

function isCertainlyTaken(type: string, key: string | null): boolean {
  return type === "fanout" || (key !== null && (type === "direct" || type === "topic"));
}
