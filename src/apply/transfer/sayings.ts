/** How topology.yaml can say what was found: declare it, name it as external, or leave it out. */
import { quoted } from "../../errors.ts";
import type { Arguments, ArgumentValue } from "../../topology.ts";
import type { LiveBinding, LiveExchange } from "../live.ts";
import { isTyped } from "../wire.ts";
import type { Found, FoundQueue } from "./found.ts";

export type Saying =
  | { readonly as: "declared" }
  /** It has to be there, and is neither created nor changed. */
  | { readonly as: "external"; readonly reason: string }
  | { readonly as: "left out"; readonly reason: string };

/** What the loader has against an object as it was said; each takes it a step down. */
export type Objections = ReadonlyMap<object, readonly string[]>;

export type Sayings = {
  readonly exchanges: ReadonlyMap<LiveExchange, Saying>;
  readonly queues: ReadonlyMap<FoundQueue, Saying>;
  /** Of those that the file can say, which way: a key or headers, or raw. */
  readonly bindings: ReadonlyMap<LiveBinding, "friendly" | "raw" | { readonly reason: string }>;
};

const DECLARED: Saying = { as: "declared" };
const OWN = "warren.";
const BROKERS = "amq.";

/** Decides for everything but policies, which are said or left out. */
export function sayingsOf(found: Found, objections: Objections): Sayings {
  const queues = new Map(
    found.queues.map((queue) => [queue, lowered(sayQueue(queue), objections.get(queue))]),
  );
  const exchanges = sayExchanges(found, objections);
  const said = {
    queue: new Set(namesOf(queues)),
    exchange: new Set(namesOf(exchanges)),
  };
  const bindings = new Map(
    found.bindings.map((binding) => [binding, sayBinding(binding, said, objections.get(binding))]),
  );
  return { exchanges, queues, bindings };
}

function namesOf(sayings: ReadonlyMap<{ readonly name: string }, Saying>): readonly string[] {
  return [...sayings].flatMap(([{ name }, { as }]) => (as === "left out" ? [] : [name]));
}

function sayExchanges(found: Found, objections: Objections): ReadonlyMap<LiveExchange, Saying> {
  const alone = found.exchanges.map(
    (exchange) => [exchange, lowered(sayExchange(exchange), objections.get(exchange))] as const,
  );
  const names = new Set(alone.flatMap(([{ name }, { as }]) => (as === "left out" ? [] : [name])));
  return new Map(
    alone.map(([exchange, saying]) => {
      const alternate = exchange.arguments["alternate-exchange"];
      const isSaid =
        alternate === undefined || (typeof alternate === "string" && names.has(alternate));
      const reason = `its alternate exchange ${shown(alternate)} is not in this file`;
      return [exchange, isSaid || saying.as !== "declared" ? saying : { as: "external", reason }];
    }),
  );
}

function sayExchange({ name, durable, autoDelete, arguments: args }: LiveExchange): Saying {
  const named = sayName(name);
  if (named !== null) return named;
  if (name.startsWith(BROKERS)) return { as: "external", reason: BROKERS_OWN };
  if (!durable && autoDelete) return leaveOut("it is not durable, and goes with its last binding");
  if (!durable) return { as: "external", reason: NOT_DURABLE };
  const strange = strangeArgument(args);
  return strange === null ? DECLARED : { as: "external", reason: strange };
}

/** For a name that no file can have; the loader finds all others. */
export function sayName(name: string): Saying | null {
  if (name.startsWith(OWN)) return leaveOut("its name belongs to warren");
  return name === "<<" ? leaveOut(MERGE) : null;
}

/** Why an exchange is external that every vhost has; nobody need be told. */
export const BROKERS_OWN = "it is the broker's own";
const MERGE = "YAML takes << for something else";
const NOT_DURABLE = "it is not durable: it is gone when the broker restarts";
const TYPES: readonly unknown[] = ["classic", "quorum", "stream"];

function sayQueue(queue: FoundQueue): Saying {
  const named = sayName(queue.name);
  if (named !== null) return named;
  if (queue.exclusive) return leaveOut("it is exclusive to a connection, and ends with it");
  const said = sayShared(queue);
  // What goes by itself can't be said to exist already.
  return queue.autoDelete && said.as !== "declared"
    ? leaveOut("it is auto-delete: it goes with its last consumer")
    : said;
}

function sayShared({ name, durable, arguments: args }: FoundQueue): Saying {
  if (!durable) return { as: "external", reason: NOT_DURABLE };
  if (name.startsWith(BROKERS)) return { as: "external", reason: "the broker gave it its name" };
  const type = args["x-queue-type"];
  if (!TYPES.includes(type)) {
    return { as: "external", reason: `warren declares no queue of type ${shown(type)}` };
  }
  const strange = strangeArgument(args);
  return strange === null ? DECLARED : { as: "external", reason: strange };
}

function sayBinding(
  binding: LiveBinding,
  said: Readonly<Record<"queue" | "exchange", ReadonlySet<string>>>,
  objections: readonly string[] = [],
): "friendly" | "raw" | { readonly reason: string } {
  const { source, destination, destinationKind, arguments: args } = binding;
  if (!said.exchange.has(source)) {
    return { reason: `exchange ${quoted(source)} is not in this file` };
  }
  if (!said[destinationKind].has(destination)) {
    return { reason: `${destinationKind} ${quoted(destination)} is not in this file` };
  }
  const strange = strangeArgument(args);
  if (strange !== null) return { reason: strange };
  const [first, second] = objections;
  if (second !== undefined) return { reason: second };
  return first === undefined ? "friendly" : "raw";
}

/** Declared things become external, external things are left out. */
function lowered(saying: Saying, objections: readonly string[] = []): Saying {
  return objections.reduce<Saying>(
    (before, reason) =>
      before.as === "declared" ? { as: "external", reason } : { as: "left out", reason },
    saying,
  );
}

function leaveOut(reason: string): Saying {
  return { as: "left out", reason };
}

/** Of an argument whose type the file could not say; null: there is none. */
function strangeArgument(args: Arguments): string | null {
  for (const [name, value] of Object.entries(args)) {
    const strange = strangeValue(value);
    if (strange !== null) return `its argument ${quoted(name)} is ${strange}`;
    if (hasMerge(name, value)) return `its argument ${quoted(name)}: ${MERGE}`;
  }
  return null;
}

function strangeValue(value: ArgumentValue | null): string | null {
  // Brokers list so what was sent without a value.
  if (value === null) return "null, which the file can't say";
  if (isTyped(value)) {
    return value["!"] === "double"
      ? `${value.value}.0, which the file can't tell from ${value.value}`
      : `${value.value}, which is too large for the file`;
  }
  if (typeof value !== "object") return null;
  for (const one of Object.values(value)) {
    const strange = strangeValue(one);
    if (strange !== null) return strange;
  }
  return null;
}

function hasMerge(name: string, value: ArgumentValue): boolean {
  if (name === "<<") return true;
  if (typeof value !== "object") return false;
  return Object.entries(value).some(([key, one]) => hasMerge(key, one as ArgumentValue));
}

function shown(value: ArgumentValue | undefined): string {
  return typeof value === "string" ? quoted(value) : JSON.stringify(value);
}
