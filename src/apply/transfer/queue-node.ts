import type { Node } from "yaml";
import type { Arguments } from "../../topology.ts";
import type { FoundQueue } from "./found.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { argumentsNode, type Entry, mapOf, scalar } from "./yaml-nodes.ts";

/** What `defaults:` says, chosen so that most queues need not say it. */
export type Defaults = {
  readonly type: "classic" | "quorum";
  /** Exchange of dead letters, with the queue's name as key. */
  readonly deadLetter: string | null;
  readonly isExact: boolean;
};

/** Chooses what most of the declared queues have. */
export function chooseDefaults(queues: readonly FoundQueue[]): Defaults {
  const count = (type: string) =>
    queues.filter(({ arguments: args }) => args["x-queue-type"] === type).length;
  const letters = new Map<string | null, number>();
  for (const queue of queues) {
    if (queue.arguments["x-queue-type"] === "stream") continue;
    const letter = letterOf(queue);
    if (letter?.key === queue.name) add(letters, letter.exchange);
    else if (queue.arguments["x-dead-letter-exchange"] === undefined) add(letters, null);
  }
  const none = letters.get(null) ?? 0;
  const [most = null] =
    [...letters].filter(([, it]) => it > none).sort(([, a], [, b]) => b - a)[0] ?? [];
  return {
    type: count("classic") > count("quorum") ? "classic" : "quorum",
    deadLetter: most,
    isExact: queues.filter(needsExact).length > 1,
  };
}

function add(counts: Map<string | null, number>, key: string | null): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The dead-letter exchange, where a key of the file can say it. */
function letterOf({ arguments: args }: FoundQueue) {
  const { "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": key } = args;
  return typeof exchange === "string" &&
    exchange !== "" &&
    exchange !== "none" &&
    typeof key === "string"
    ? { exchange, key }
    : null;
}

/** Whether warren would add an argument that the queue has not. */
function needsExact(queue: FoundQueue): boolean {
  const {
    "x-queue-type": type,
    "x-delivery-limit": limit,
    "x-dead-letter-strategy": strategy,
    "x-overflow": overflow,
  } = queue.arguments;
  if (type !== "quorum") return false;
  const isAtLeastOnce =
    strategy === "at-least-once" || (strategy === undefined && letterOf(queue) !== null);
  const isAdded = strategy === undefined || overflow !== "reject-publish";
  return limit === undefined || (isAtLeastOnce && overflow !== "drop-head" && isAdded);
}

/** The block of a queue that is declared. */
export function queueNode(
  queue: FoundQueue,
  bind: Node | null,
  defaults: Defaults,
  words: Vocabulary,
): Node {
  const { "x-queue-type": type = "classic", ...rest } = queue.arguments;
  const said = new Said(rest);
  const entries: Entry[] = [
    ["type", type === defaults.type ? null : scalar(String(type))],
    ["bind", bind],
    ["handler", scalar("none")],
    ["deadLetter", deadLetterNode(queue, said, defaults)],
    ["ttl", said.integer("x-message-ttl", 0, words.duration)],
    ["expires", said.integer("x-expires", 1, words.duration)],
    ["maxAge", said.text("x-max-age", words.maxAge)],
    ["limits", limitsNode(said, words)],
    ["maxPriority", said.integer("x-max-priority", 1)],
    ["singleActiveConsumer", said.truth("x-single-active-consumer")],
    ["autoDelete", queue.autoDelete ? scalar(true) : null],
    ["deliveryLimit", said.integer("x-delivery-limit", 1)],
    ["arguments", argumentsNode(said.rest)],
    ["allowUnknown", Object.keys(said.rest).every(words.knows) ? null : scalar(true)],
    ["exact", !defaults.isExact && needsExact(queue) ? scalar(true) : null],
  ];
  return mapOf(entries);
}

/** The block of a queue that is external. */
export function externalQueueNode(queue: FoundQueue, bind: Node | null, defaults: Defaults): Node {
  const type = queue.arguments["x-queue-type"] ?? "classic";
  const isKnown = ["classic", "quorum", "stream"].some((it) => it === type);
  return mapOf([
    ["type", !isKnown || type === defaults.type ? null : scalar(String(type))],
    ["external", scalar(true)],
    ["bind", bind],
    ["handler", scalar("none")],
  ]);
}

function deadLetterNode(queue: FoundQueue, said: Said, defaults: Defaults): Node | null {
  const letter = letterOf(queue);
  if (letter === null) {
    const isInherited =
      defaults.deadLetter !== null &&
      queue.arguments["x-queue-type"] !== "stream" &&
      queue.arguments["x-dead-letter-exchange"] === undefined;
    return isInherited ? scalar("none") : null;
  }
  said.take("x-dead-letter-exchange", "x-dead-letter-routing-key");
  const { exchange, key } = letter;
  if (key !== queue.name) {
    return mapOf([
      ["exchange", scalar(exchange)],
      ["key", scalar(key)],
    ]);
  }
  return exchange === defaults.deadLetter ? null : scalar(exchange);
}

function limitsNode(said: Said, words: Vocabulary): Node | null {
  const map = mapOf([
    ["messages", said.integer("x-max-length", 0)],
    ["bytes", said.integer("x-max-length-bytes", 0, words.size)],
    ["overflow", said.text("x-overflow", words.overflow)],
  ]);
  return map.items.length === 0 ? null : map;
}

/** Arguments, of which keys of the file take theirs; what no key can say is left. */
class Said {
  readonly #rest: Record<string, Arguments[string]>;

  constructor(args: Arguments) {
    this.#rest = Object.assign(Object.create(null), args);
  }

  get rest(): Arguments {
    return this.#rest;
  }

  take(...names: readonly string[]): void {
    for (const name of names) delete this.#rest[name];
  }

  integer(name: string, minimum: number, format?: (value: number) => string): Node | null {
    const value = this.#rest[name];
    if (typeof value !== "number" || !Number.isInteger(value) || value < minimum) return null;
    this.take(name);
    return scalar(format === undefined ? value : format(value));
  }

  /** @param format null: the key can't say this. */
  text(name: string, format: (value: string) => string | null): Node | null {
    const value = this.#rest[name];
    const word = typeof value === "string" ? format(value) : null;
    if (word === null) return null;
    this.take(name);
    return scalar(word);
  }

  /** False is an argument as well, which the key does not declare. */
  truth(name: string): Node | null {
    if (this.#rest[name] !== true) return null;
    this.take(name);
    return scalar(true);
  }
}
