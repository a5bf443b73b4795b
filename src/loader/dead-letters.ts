import { reachable } from "../routing/reach.ts";
import type { Network } from "../routing/walk.ts";
import { deadLetterRoute, type Queue } from "../topology.ts";
import { certainTargets } from "./dead-letter-targets.ts";
import type { TopologyFile } from "./file.ts";
import type { Warnings } from "./lint/warnings.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";

type Graph = {
  readonly file: TopologyFile;
  readonly queues: Readonly<Record<string, Queue>>;
  readonly network: Network;
  readonly report: Report;
  readonly warnings: Warnings;
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
  const { file, queues } = graph;
  const letter = deadLetterRoute(queue);
  if (letter === null) return;
  const { exchange, key } = letter;
  // The default exchange, which every broker has, gives to the queue whose name is the key.
  if (exchange === "") {
    if (key === null || Object.hasOwn(file.queues ?? {}, key)) return;
    const hint = didYouMean(key, Object.keys(queues));
    const message = `dead letters go to queue ${JSON.stringify(key)}, which is not declared${hint}`;
    report(graph, queue, { code: "dead-letter-lost", subject: "key", message });
    return;
  }
  const names = Object.keys(file.exchanges ?? {});
  if (names.includes(exchange)) return;
  const hint = didYouMean(exchange, names);
  const message = `dead-letter exchange ${JSON.stringify(exchange)} is not declared${hint}`;
  report(graph, queue, { code: "dead-letter-lost", subject: "exchange", message });
}

function checkRoute(graph: Graph, queue: Queue): void {
  const { network } = graph;
  const letter = deadLetterRoute(queue);
  if (letter === null) return;
  if (certainTargets(network, letter).includes(queue.name)) {
    const message = `dead letters of queue ${JSON.stringify(queue.name)} come back to it; say deadLetter: none`;
    report(graph, queue, { code: "dead-letter-cycle", subject: "key", message });
  }
  const exchange = network.exchanges[letter.exchange];
  // An external exchange may have bindings that the file does not know.
  if (exchange === undefined || exchange.external) return;
  if (reachable(network, letter.exchange, letter.key).size > 0) return;
  const what =
    letter.key === null ? "any key to a queue" : `the key ${JSON.stringify(letter.key)} to a queue`;
  const message = `exchange ${JSON.stringify(exchange.name)} does not route ${what}`;
  report(graph, queue, { code: "dead-letter-lost", subject: "key", message });
}

/** A handler may break a circle by succeeding; without one, what expires is dropped or goes round. */
function checkCircles(graph: Graph, queues: readonly Queue[]): void {
  const parked = new Map(
    queues.filter((queue) => queue.handler === null).map((queue) => [queue.name, queue]),
  );
  const seen = new Set<string>();
  for (const queue of parked.values()) {
    const circle = circleFrom(graph, queue, parked);
    if (circle === null || circle.some((name) => seen.has(name))) continue;
    for (const name of circle) seen.add(name);
    // All of them are asked: what each allows is then not needless.
    if (circle.filter((name) => isLossAllowed(graph, name)).length > 0) continue;
    const message = `dead letters go in a circle without a handler: ${[...circle, queue.name].join(" → ")}`;
    report(graph, queue, { code: "dead-letter-cycle", subject: "key", message });
  }
}

type Finding = {
  readonly code: "dead-letter-lost" | "dead-letter-cycle";
  readonly subject: "exchange" | "key";
  readonly message: string;
};

/** With a handler, warren sends the dead letters: one that goes nowhere holds up its queue. */
function report(graph: Graph, queue: Queue, { code, subject, message }: Finding): void {
  if (queue.handler === null && isLossAllowed(graph, queue.name)) return;
  const [on, pointer] = placeOf(graph, queue, subject);
  graph.report[on](code, pointer, message);
}

function isLossAllowed({ warnings }: Graph, name: string): boolean {
  return warnings.isAllowed("message-loss", { kind: "queues", name });
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
    const queue = parked.get(name);
    const letter = queue === undefined ? null : deadLetterRoute(queue);
    for (const target of letter === null ? [] : certainTargets(graph.network, letter)) {
      if (target === start.name && way.length > 1) return way;
      if (parked.has(target) && !ways.has(target)) ways.set(target, [...way, target]);
    }
  }
  return null;
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
    const key = subject === "key" ? queue.arguments["x-dead-letter-routing-key"] : undefined;
    const argument = key === undefined ? "x-dead-letter-exchange" : "x-dead-letter-routing-key";
    return ["value", join(pointer, "arguments", argument)];
  }
  if (subject === "key") return ["key", pointer];
  const isObject = typeof file.defaults?.deadLetter === "object";
  return ["value", isObject ? "/defaults/deadLetter/exchange" : "/defaults/deadLetter"];
}
