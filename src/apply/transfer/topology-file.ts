/** topology.yaml of what was found: as short as it says all, with a comment for what it can't say. */
import { Document, type Node, type Pair, type Scalar } from "yaml";
import { quoted } from "../../errors.ts";
import type { LiveBinding } from "../live.ts";
import { type Found, formatUnmanaged } from "./found.ts";
import { exchangeParts, type Part, policyParts, queueParts } from "./parts.ts";
import { chooseDefaults, type Defaults } from "./queue-node.ts";
import type { Objections } from "./sayings.ts";
import { type Exceptions, exceptionsOf, sceneOf } from "./scene.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { type Entry, folded, mapOf, scalar } from "./yaml-nodes.ts";

export type Head = {
  readonly project: string;
  /** As it is to stand in the file, variables and all. */
  readonly broker: object;
};

export type TopologyText = {
  readonly text: string;
  readonly exceptions: Exceptions;
  /** The binding at each path of keys (`queues`, the queue, `bind`, …), as JSON. */
  readonly bindings: ReadonlyMap<string, LiveBinding>;
};

/** Sections after an empty line. */
const SPACED = ["broker", "defaults", "exchanges", "queues", "policies"];
/** So many sentences are written above the file; the rest is counted. */
const MAX_LINES = 50;

/**
 * Writes the file.
 *
 * @param objections what the loader had against objects of `found` when they were said otherwise.
 */
export function writeTopology(
  found: Found,
  { project, broker }: Head,
  words: Vocabulary,
  objections: Objections = new Map(),
): TopologyText {
  const scene = sceneOf(found, objections);
  const declared = [...scene.sayings.queues].filter(([, { as }]) => as === "declared");
  const defaults = chooseDefaults(declared.map(([queue]) => queue));
  const exceptions = exceptionsOf(scene);
  const exchanges = exchangeParts(scene);
  const queues = queueParts(scene, defaults, words);
  const document = new Document();
  const sections: readonly Entry[] = [
    ["version", scalar(1)],
    ["project", scalar(project)],
    ["broker", folded(document.createNode(broker) as Node, "broker: ".length)],
    ["defaults", defaultsNode(defaults)],
    ["exchanges", sectionNode(exchanges)],
    ["queues", sectionNode(queues)],
    ["policies", sectionNode(policyParts(scene))],
  ];
  const root = mapOf(sections);
  for (const { key } of root.items as readonly Pair<Scalar, Node>[]) {
    key.spaceBefore = SPACED.includes(String(key.value));
  }
  document.contents = root as typeof document.contents;
  document.commentBefore = commentOf(headLines(found, exceptions));
  return {
    text: document.toString({ lineWidth: 0 }),
    exceptions,
    bindings: new Map([...pathsOf("exchanges", exchanges), ...pathsOf("queues", queues)]),
  };
}

function pathsOf(section: string, parts: readonly Part[]) {
  return parts.flatMap(({ name, paths }) =>
    paths.map(
      ({ binding, path }) => [JSON.stringify([section, name, "bind", ...path]), binding] as const,
    ),
  );
}

function defaultsNode({ type, deadLetter, isExact }: Defaults): Node | null {
  const map = mapOf([
    ["type", type === "quorum" ? null : scalar(type)],
    ["deadLetter", deadLetter === null ? null : scalar(deadLetter)],
    ["exact", isExact ? scalar(true) : null],
  ]);
  return map.items.length === 0 ? null : folded(map, "defaults: ".length);
}

function sectionNode(parts: readonly Part[]): Node | null {
  if (parts.length === 0) return null;
  const map = mapOf(parts.map(({ name, node }): Entry => [name, folded(node, name.length + 4)]));
  (map.items as readonly Pair<Scalar, Node>[]).forEach(({ key }, index) => {
    const { comments = [] } = parts[index] ?? {};
    if (comments.length > 0) key.commentBefore = commentOf(comments);
  });
  return map;
}

function headLines(found: Found, { leftOut }: Exceptions): readonly string[] {
  const { origin, vhost, unmanaged, unseen } = found;
  return [
    `Imported from ${origin}${vhost === null ? "" : `, vhost ${quoted(vhost)}`}.`,
    "Every queue is parked: name a handler in place of none to have its messages handled.",
    ...(unmanaged.length === 0
      ? []
      : [
          `Not managed by warren, and left as it is: ${unmanaged.map(formatUnmanaged).join("; ")}.`,
        ]),
    ...unseen.map((what) => `Not seen: ${what}.`),
    ...(leftOut.length === 0 ? [] : ["Left out, since the file can't say it:"]),
    ...leftOut.slice(0, MAX_LINES).map((sentence) => `  ${sentence}`),
    ...(leftOut.length > MAX_LINES ? [`  and ${leftOut.length - MAX_LINES} more`] : []),
  ];
}

/** A name may hold what would end a comment. */
function commentOf(lines: readonly string[]): string {
  return lines.map((line) => ` ${line.replaceAll(/[\p{Cc}\u2028\u2029]/gu, "?")}`).join("\n");
}
