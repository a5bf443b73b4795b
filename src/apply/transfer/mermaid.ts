/** The topology as a Mermaid flowchart: exchanges, bindings, queues, handlers and dead letters. */
import {
  type Binding,
  deadLetterRoute,
  type Exchange,
  type Queue,
  type Topology,
} from "../../topology.ts";

/** @see https://mermaid.js.org/syntax/flowchart.html */
export function exportMermaid(topology: Topology): string {
  const exchanges = Object.values(topology.exchanges);
  const queues = Object.values(topology.queues);
  const ids: Ids = {
    exchange: new Map(exchanges.map(({ name }, index) => [name, `e${index}`])),
    queue: new Map(queues.map(({ name }, index) => [name, `q${index}`])),
  };
  const lines = [
    ...exchanges.map((exchange) => exchangeNode(exchange, ids)),
    ...queues.flatMap((queue) => queueNodes(queue, ids)),
    ...topology.bindings.map((binding) => bindingEdge(binding, ids)),
    ...exchanges.flatMap((exchange) => alternateEdge(exchange, ids)),
    ...queues.flatMap((queue) => deadLetterEdge(queue, ids)),
    ...externals([...exchanges, ...queues], ids),
  ];
  return `${["flowchart LR", ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

type Ids = Readonly<Record<"exchange" | "queue", ReadonlyMap<string, string>>>;

function exchangeNode({ name, type }: Exchange, ids: Ids): string {
  return `${ids.exchange.get(name)}{{"${text(name)}<br/>${text(type)}"}}`;
}

function queueNodes({ name, type, exclusive, handler }: Queue, ids: Ids): readonly string[] {
  const id = ids.queue.get(name);
  const queue = `${id}[("${text(name)}<br/>${type}${exclusive ? ", exclusive" : ""}")]`;
  return handler === null ? [queue] : [queue, `${id} --> ${id}h(["${text(handler.name)}"])`];
}

function bindingEdge(binding: Binding, ids: Ids): string {
  const { source, destination, destinationKind, key, arguments: args } = binding;
  const by = [
    ...(key === "" ? [] : [key]),
    ...(Object.keys(args).length === 0 ? [] : [JSON.stringify(args)]),
  ].join(" ");
  const label = by === "" ? "" : `|"${text(by)}"|`;
  return `${ids.exchange.get(source)} -->${label} ${ids[destinationKind].get(destination)}`;
}

function alternateEdge({ name, alternate }: Exchange, ids: Ids): readonly string[] {
  if (alternate === null) return [];
  return [`${ids.exchange.get(name)} -.->|"what it can't route"| ${ids.exchange.get(alternate)}`];
}

/** To an exchange of the file, or by the default exchange to a queue of it. */
function deadLetterEdge(queue: Queue, ids: Ids): readonly string[] {
  const way = deadLetterRoute(queue);
  if (way === null) return [];
  const { exchange, key } = way;
  const to = exchange === "" ? ids.queue.get(key ?? "") : ids.exchange.get(exchange);
  if (to === undefined) return [];
  const words = key === null || exchange === "" ? "dead letters" : `dead letters: ${key}`;
  return [`${ids.queue.get(queue.name)} -.->|"${text(words)}"| ${to}`];
}

function externals(objects: readonly (Exchange | Queue)[], ids: Ids): readonly string[] {
  const external = objects
    .filter((object) => object.external)
    .map((object) => ids["handler" in object ? "queue" : "exchange"].get(object.name));
  if (external.length === 0) return [];
  return ["classDef external stroke-dasharray: 5 5", `class ${external.join(",")} external`];
}

/**
 * Characters that mean something to Mermaid, HTML or Markdown, and those that do so where they stand:
 * a dot or dash before a space (a list), an underscore at the edge of a word (emphasis).
 */
const SPECIAL = /[^\p{L}\p{N} ._/:,=-]|[.-](?= )|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** Text in a label, where a character may be written as its number. */
function text(name: string): string {
  return name.replaceAll(SPECIAL, (character) => `#${character.codePointAt(0)};`);
}
