import { route } from "../routing/route.ts";
import type { Network } from "../routing/walk.ts";
import type { DeadLetter, Queue } from "../topology.ts";
import type { TopologyFile } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";

type Graph = {
  readonly file: TopologyFile;
  readonly queues: Readonly<Record<string, Queue>>;
  readonly network: Network;
  readonly report: Report;
};

/**
 * Follows every dead letter. A broker accepts a dead-letter exchange that does not exist or routes
 * nowhere, and deletes what is sent there; it also drops what expires in a circle.
 */
export function checkDeadLetters(graph: Graph): void {
  const declared = Object.values(graph.queues);
  for (const queue of declared) checkExchange(graph, queue);
  // A route through a part that has findings proves nothing.
  if (!isSound(graph)) return;
  for (const queue of declared) checkRoute(graph, queue);
  checkCircles(graph, declared);
}

function isSound({ file, queues, report }: Graph): boolean {
  return (
    !report.isBroken("/exchanges") &&
    Object.keys(file.queues ?? {}).every(
      (name) => queues[name] !== undefined && !report.isBroken(join("/queues", name, "bind")),
    )
  );
}

function checkExchange(graph: Graph, queue: Queue): void {
  const { file, report } = graph;
  const raw = file.queues?.[queue.name]?.arguments?.["x-dead-letter-exchange"];
  const exchange = queue.deadLetter?.exchange ?? raw;
  const names = Object.keys(file.exchanges ?? {});
  // The empty name is the default exchange, which every broker has.
  if (typeof exchange !== "string" || exchange === "" || names.includes(exchange)) return;
  const message = `dead-letter exchange ${JSON.stringify(exchange)} is not declared`;
  const [on, pointer] = placeOf(graph, queue, "exchange");
  report[on]("dead-letter-lost", pointer, `${message}${didYouMean(exchange, names)}`);
}

function checkRoute(graph: Graph, queue: Queue): void {
  const { network, report } = graph;
  const { deadLetter } = queue;
  const exchange = deadLetter === null ? undefined : network.exchanges[deadLetter.exchange];
  if (deadLetter === null || exchange === undefined) return;
  const targets = targetsOf(graph, deadLetter);
  const [on, pointer] = placeOf(graph, queue, "key");
  if (targets.includes(queue.name)) {
    const message = `dead letters of queue ${JSON.stringify(queue.name)} come back to it; say deadLetter: none`;
    report[on]("dead-letter-cycle", pointer, message);
  }
  // An external exchange may have bindings that the file does not know.
  if (targets.length > 0 || exchange.external) return;
  const message = `exchange ${JSON.stringify(exchange.name)} routes the key ${JSON.stringify(deadLetter.key)} to no queue`;
  report[on]("dead-letter-lost", pointer, message);
}

/** A handler may break a circle by succeeding; without one, what expires is dropped or goes round. */
function checkCircles(graph: Graph, queues: readonly Queue[]): void {
  const parked = new Map(
    queues.filter((queue) => queue.handler === null).map((queue) => [queue.name, queue]),
  );
  const reported = new Set<string>();
  for (const queue of parked.values()) {
    const circle = circleFrom(graph, queue, parked);
    if (circle === null || circle.some((name) => reported.has(name))) continue;
    for (const name of circle) reported.add(name);
    const message = `dead letters go in a circle without a handler: ${[...circle, queue.name].join(" → ")}`;
    const [on, pointer] = placeOf(graph, queue, "key");
    graph.report[on]("dead-letter-cycle", pointer, message);
  }
}

/** The queues on the shortest way from a queue back to itself, over at least one other. */
function circleFrom(
  graph: Graph,
  start: Queue,
  parked: ReadonlyMap<string, Queue>,
): readonly string[] | null {
  const ways = new Map<string, readonly string[]>([[start.name, [start.name]]]);
  // A Map gives what is added while it is walked, too.
  for (const [name, way] of ways) {
    const deadLetter = parked.get(name)?.deadLetter ?? null;
    for (const target of deadLetter === null ? [] : targetsOf(graph, deadLetter)) {
      if (target === start.name && way.length > 1) return way;
      if (parked.has(target) && !ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return null;
}

function targetsOf({ network }: Graph, { exchange, key }: DeadLetter): readonly string[] {
  return route(network, exchange, key, {}).queues;
}

/** The queue's own word on dead letters if it has one; else the default, or the queue. */
function placeOf(
  { file }: Graph,
  queue: Queue,
  subject: "exchange" | "key",
): readonly ["key" | "value", string] {
  const pointer = join("/queues", queue.name);
  const block = file.queues?.[queue.name];
  if (block?.deadLetter !== undefined) {
    const at = join(pointer, "deadLetter");
    const isObject = typeof block.deadLetter === "object";
    return ["value", isObject && subject === "exchange" ? join(at, "exchange") : at];
  }
  if (queue.deadLetter === null) {
    return ["value", join(pointer, "arguments", "x-dead-letter-exchange")];
  }
  if (subject === "key") return ["key", pointer];
  const isObject = typeof file.defaults?.deadLetter === "object";
  return ["value", isObject ? "/defaults/deadLetter/exchange" : "/defaults/deadLetter"];
}
