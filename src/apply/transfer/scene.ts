import { formatPlace, quoted } from "../../errors.ts";
import type { ArgumentValue } from "../../topology.ts";
import type { LiveBinding, LiveExchange, LivePolicy } from "../live.ts";
import { isTyped } from "../wire.ts";
import type { Found } from "./found.ts";
import {
  BROKERS_OWN,
  type Objections,
  type Saying,
  type Sayings,
  sayingsOf,
  sayName,
} from "./sayings.ts";

/** What is to be written, and how each part is said. */
export type Scene = {
  readonly found: Found;
  readonly sayings: Sayings;
  readonly policies: ReadonlyMap<LivePolicy, Saying>;
  readonly exchanges: ReadonlyMap<string, LiveExchange>;
  /** By `queue` or `exchange`, a space, and its name. */
  readonly bindingsTo: ReadonlyMap<string, readonly LiveBinding[]>;
  /** What is there and not in the file, as the keys of `bindingsTo`. */
  readonly leftOut: ReadonlySet<string>;
  /** Exchanges of the broker itself that something said leads to or from; every vhost has them all. */
  readonly used: ReadonlySet<string>;
};

/** @param objections to objects of `found`. */
export function sceneOf(found: Found, objections: Objections): Scene {
  const sayings = sayingsOf(found, objections);
  const bindingsTo = new Map<string, LiveBinding[]>();
  for (const binding of found.bindings) {
    const to = destinationOf(binding);
    const known = bindingsTo.get(to);
    if (known === undefined) bindingsTo.set(to, [binding]);
    else known.push(binding);
  }
  return {
    found,
    sayings,
    policies: new Map(
      found.policies.map((policy) => [policy, sayPolicy(policy, objections.get(policy))]),
    ),
    exchanges: new Map(found.exchanges.map((exchange) => [exchange.name, exchange])),
    bindingsTo,
    leftOut: new Set([
      ...leftOutOf("queue", sayings.queues),
      ...leftOutOf("exchange", sayings.exchanges),
    ]),
    used: usedExchanges(found, sayings),
  };
}

/** The key of `bindingsTo`. */
export function destinationOf(
  binding: Pick<LiveBinding, "destination" | "destinationKind">,
): string {
  return `${binding.destinationKind} ${binding.destination}`;
}

function leftOutOf(
  kind: LiveBinding["destinationKind"],
  sayings: ReadonlyMap<{ readonly name: string }, Saying>,
): readonly string[] {
  return [...sayings].flatMap(([{ name: destination }, { as }]) =>
    as === "left out" ? [destinationOf({ destination, destinationKind: kind })] : [],
  );
}

function sayPolicy({ name }: LivePolicy, [reason]: readonly string[] = []): Saying {
  return sayName(name) ?? (reason === undefined ? { as: "declared" } : { as: "left out", reason });
}

function usedExchanges({ bindings }: Found, sayings: Sayings): ReadonlySet<string> {
  const used = new Set<unknown>();
  for (const binding of bindings) {
    if (typeof sayings.bindings.get(binding) !== "string") continue;
    used.add(binding.source);
    if (binding.destinationKind === "exchange") used.add(binding.destination);
  }
  for (const [{ arguments: args }, { as }] of sayings.exchanges) {
    if (as !== "left out") used.add(args["alternate-exchange"]);
  }
  for (const [{ arguments: args }, { as }] of sayings.queues) {
    if (as === "declared") used.add(args["x-dead-letter-exchange"]);
  }
  return new Set([...used].filter((name) => typeof name === "string"));
}

/** Whether the exchange is one that nobody need hear of. */
export function isNoNews({ name }: LiveExchange, { used }: Scene): boolean {
  return name.startsWith("amq.") && !used.has(name);
}

/** What is not declared, a sentence each. */
export type Exceptions = {
  readonly external: readonly string[];
  readonly leftOut: readonly string[];
};

/** What the file could not declare, and why. */
export function exceptionsOf(scene: Scene): Exceptions {
  const { sayings, policies, found } = scene;
  const sayingsByKind: readonly (readonly [string, string, Saying])[] = [
    ...[...sayings.exchanges].flatMap(([exchange, saying]) =>
      isNoNews(exchange, scene) ? [] : [["exchange", exchange.name, saying] as const],
    ),
    ...[...sayings.queues].map(([{ name }, saying]) => ["queue", name, saying] as const),
    ...[...policies].map(([{ name }, saying]) => ["policy", name, saying] as const),
  ];
  const external: string[] = [];
  const leftOut: string[] = [];
  for (const [kind, name, saying] of sayingsByKind) {
    if (saying.as === "declared" || saying.reason === BROKERS_OWN) continue;
    const sentence = `${kind} ${quoted(name)}: ${saying.reason}`;
    (saying.as === "external" ? external : leftOut).push(sentence);
  }
  for (const [binding, how] of sayings.bindings) {
    // Said with the object that it ends at.
    if (typeof how === "string" || scene.leftOut.has(destinationOf(binding))) continue;
    const place = found.placeOf === null ? "" : ` (${formatPlace(found.placeOf(binding))})`;
    leftOut.push(`${shownBinding(binding)}: ${how.reason}${place}`);
  }
  return { external, leftOut };
}

/** `binding orders → billing "order.placed"` */
export function shownBinding({ source, destination, key, arguments: args }: LiveBinding): string {
  const by = Object.keys(args).length === 0 ? "" : ` ${JSON.stringify(args, untyped)}`;
  return `binding ${quoted(source)} → ${quoted(destination)} ${quoted(key)}${by}`;
}

/** A number that is more than its value as a person reads it: `5.0`. */
function untyped(_key: string, value: ArgumentValue | null): unknown {
  if (value === null || !isTyped(value)) return value;
  return value["!"] === "double" ? `${value.value}.0` : String(value.value);
}
