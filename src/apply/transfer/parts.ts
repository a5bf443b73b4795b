import type { Node } from "yaml";
import type { LiveBinding, LiveExchange, LivePolicy } from "../live.ts";
import { type Bind, bindNode } from "./bind-node.ts";
import { type Defaults, externalQueueNode, queueNode } from "./queue-node.ts";
import { BROKERS_OWN, type Saying } from "./sayings.ts";
import { destinationOf, isNoNews, type Scene, shownBinding } from "./scene.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { argumentsNode, mapOf, scalar } from "./yaml-nodes.ts";

/** A block of the file: a queue, an exchange or a policy. */
export type Part = {
  readonly name: string;
  readonly node: Node;
  /** Lines that stand above it. */
  readonly comments: readonly string[];
  /** Of its bindings, below `bind`. */
  readonly paths: Bind["paths"];
};

/** The exchanges that are in the file. */
export function exchangeParts(scene: Scene): readonly Part[] {
  return [...scene.sayings.exchanges].flatMap(([exchange, saying]) => {
    const { name } = exchange;
    if (saying.as === "left out" || isNoNews(exchange, scene)) return [];
    const { bind, comments } = bindOf(scene, { destination: name, destinationKind: "exchange" });
    const node = exchangeNode(exchange, saying, bind?.node ?? null, scene);
    return [part(name, node, saying, comments, bind)];
  });
}

/** The queues that are in the file. */
export function queueParts(scene: Scene, defaults: Defaults, words: Vocabulary): readonly Part[] {
  return [...scene.sayings.queues].flatMap(([queue, saying]) => {
    const { name } = queue;
    if (saying.as === "left out") return [];
    const { bind, comments } = bindOf(scene, { destination: name, destinationKind: "queue" });
    const under = bind?.node ?? null;
    const node =
      saying.as === "declared"
        ? queueNode(queue, under, defaults, words)
        : externalQueueNode(queue, under, defaults);
    return [part(name, node, saying, comments, bind)];
  });
}

/** The policies that are in the file. */
export function policyParts({ policies }: Scene): readonly Part[] {
  return [...policies].flatMap(([policy, saying]) =>
    saying.as === "left out" ? [] : [part(policy.name, policyNode(policy), saying, [], null)],
  );
}

function part(
  name: string,
  node: Node,
  saying: Saying,
  comments: readonly string[],
  bind: Bind | null,
): Part {
  const isPlain = saying.as === "declared" || saying.reason === BROKERS_OWN;
  const reasons = isPlain ? [] : [`external: ${saying.reason}`];
  return { name, node, comments: [...reasons, ...comments], paths: bind?.paths ?? [] };
}

function bindOf(
  { sayings, bindingsTo, exchanges }: Scene,
  destination: Pick<LiveBinding, "destination" | "destinationKind">,
): { readonly bind: Bind | null; readonly comments: readonly string[] } {
  const own = bindingsTo.get(destinationOf(destination)) ?? [];
  const comments: string[] = [];
  const said = own.flatMap((binding) => {
    const how = sayings.bindings.get(binding);
    const source = exchanges.get(binding.source);
    if (how !== undefined && typeof how !== "string") {
      comments.push(`left out: ${shownBinding(binding)}: ${how.reason}`);
    }
    return source === undefined || typeof how !== "string"
      ? []
      : [{ binding, source, isRaw: how === "raw" }];
  });
  return { bind: bindNode(said), comments };
}

const CORE_TYPES = ["direct", "fanout", "topic", "headers"];

function exchangeNode(
  { type, internal, autoDelete, arguments: args }: LiveExchange,
  { as }: Saying,
  bind: Node | null,
  { exchanges, leftOut }: Scene,
): Node {
  const { "alternate-exchange": alternate, ...rest } = args;
  const isDeclared = as === "declared";
  const isSaid =
    typeof alternate === "string" &&
    exchanges.has(alternate) &&
    !leftOut.has(destinationOf({ destination: alternate, destinationKind: "exchange" }));
  const shown = isDeclared ? argumentsNode(rest) : null;
  return mapOf([
    ["type", scalar(type)],
    ["external", isDeclared ? null : scalar(true)],
    ["alternate", isSaid ? scalar(alternate) : null],
    ["internal", internal ? scalar(true) : null],
    ["autoDelete", autoDelete && isDeclared ? scalar(true) : null],
    ["bind", bind],
    ["arguments", shown],
    ["allowUnknown", shown !== null && CORE_TYPES.includes(type) ? scalar(true) : null],
  ]);
}

function policyNode({ pattern, applyTo, priority, definition }: LivePolicy): Node {
  return mapOf([
    ["pattern", scalar(pattern)],
    ["applyTo", applyTo === "all" ? null : scalar(applyTo)],
    ["priority", priority === 0 ? null : scalar(priority)],
    ["definition", argumentsNode(definition) ?? mapOf([])],
  ]);
}
