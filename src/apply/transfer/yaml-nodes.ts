/** Nodes of a YAML document, made so that a short file is easy to read. */
import {
  Document,
  isCollection,
  isMap,
  isScalar,
  type Node,
  Pair,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import type { Arguments, ArgumentValue } from "../../topology.ts";

/** A block on one line is no longer than this. */
const WIDTH = 100;

/** A member of a map; without a value it is left out. */
export type Entry = readonly [key: string, value: Node | null];

/** A map of those entries that have a value. */
export function mapOf(entries: readonly Entry[]): YAMLMap {
  const map = new YAMLMap();
  for (const [key, value] of entries) {
    // A pair, since `add` would look for the key in all that are there already.
    if (value !== null) map.items.push(new Pair(new Scalar(key), value));
  }
  return map;
}

/** A list of these. */
export function listOf(items: readonly Node[]): YAMLSeq {
  const list = new YAMLSeq();
  list.items.push(...items);
  return list;
}

/** Text is quoted where YAML would take it for something else. */
export function scalar(value: string | number | boolean): Scalar {
  return new Scalar(value);
}

/** AMQP arguments; null if there are none. */
export function argumentsNode(args: Arguments): YAMLMap | null {
  const entries = Object.entries(args);
  return entries.length === 0
    ? null
    : mapOf(entries.map(([key, value]) => [key, valueNode(value)]));
}

function valueNode(value: ArgumentValue): Node {
  if (typeof value !== "object") return scalar(value);
  if (Array.isArray(value)) return listOf(value.map(valueNode));
  return mapOf(Object.entries(value).map(([key, one]) => [key, valueNode(one as ArgumentValue)]));
}

/** Lets what fits on a line stand there: the whole, or else its parts. */
export function folded<T extends Node>(node: T, indent: number): T {
  if (!isCollection(node)) return node;
  node.flow = true;
  if (isEmpty(node) || oneLine(node).length + indent <= WIDTH) return node;
  node.flow = false;
  for (const item of node.items) {
    if (isMap(node) && item instanceof Pair) {
      const key = isScalar(item.key) ? String(item.key.value).length : 0;
      folded(item.value as Node, indent + 2 + key + 2);
    } else folded(item as Node, indent + 2);
  }
  return node;
}

function isEmpty({ items }: { readonly items: readonly unknown[] }): boolean {
  return items.length === 0;
}

function oneLine(node: Node): string {
  return new Document(node).toString({ lineWidth: 0 }).trimEnd();
}
