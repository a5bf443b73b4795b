import { matchesTopic } from "../routing/topic.ts";
import type { ArgumentValue, Binding, Exchange } from "../topology.ts";
import { resolveBind, type Sources } from "./bindings.ts";
import type { ExchangeBlock, TopologyFile } from "./file.ts";
import { checkName, checkShortString } from "./names.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";

const CORE_TYPES: readonly string[] = ["direct", "fanout", "topic", "headers"];

/** The exchanges whose type is sound; what is wrong with the rest of a block is reported. */
export function resolveExchanges(
  file: TopologyFile,
  eventTypes: readonly string[],
  report: Report,
): Readonly<Record<string, Exchange>> {
  const blocks = file.exchanges ?? {};
  const owners = new Map<string, string>();
  const exchanges: Record<string, Exchange> = Object.create(null);
  for (const [name, block] of Object.entries(blocks)) {
    const pointer = join("/exchanges", name);
    checkName(name, block?.external === true, { pointer, on: "key" }, report);
    if (block?.type === undefined) continue;
    const args = checkArguments(block, pointer, report);
    const alternate = alternateOf(block, pointer, Object.keys(blocks), report);
    exchanges[name] = {
      name,
      type: block.type,
      internal: block.internal ?? false,
      autoDelete: block.autoDelete ?? false,
      arguments: args,
      alternate,
      events: eventsOf(name, block, pointer, eventTypes, owners, report),
      external: block.external ?? false,
      at: report.placeOf(pointer, "key"),
    };
  }
  return exchanges;
}

/** The bindings between exchanges, without circles. */
export function resolveExchangeBindings(file: TopologyFile, sources: Sources): readonly Binding[] {
  const sound: Binding[] = [];
  for (const [name, block] of Object.entries(file.exchanges ?? {})) {
    const pointer = join("/exchanges", name, "bind");
    const destination = { destination: name, destinationKind: "exchange" } as const;
    for (const binding of resolveBind(block?.bind, pointer, destination, sources)) {
      const way = wayBetween(name, binding.source, sound);
      if (way === null) sound.push(binding);
      else
        sources.report.key(
          "binding-cycle",
          pointer,
          `a circle of bindings: ${way.join(" → ")} → ${name}`,
        );
    }
  }
  return sound;
}

/** The exchanges from one to another along bindings, both included; null if no way leads there. */
function wayBetween(
  from: string,
  to: string,
  bindings: readonly Binding[],
  seen: Set<string> = new Set(),
): readonly string[] | null {
  if (from === to) return [from];
  if (seen.has(from)) return null;
  seen.add(from);
  for (const { source, destination } of bindings) {
    if (source !== from) continue;
    const rest = wayBetween(destination, to, bindings, seen);
    if (rest !== null) return [from, ...rest];
  }
  return null;
}

function alternateOf(
  block: ExchangeBlock,
  pointer: string,
  names: readonly string[],
  report: Report,
): string | null {
  const raw = block.arguments?.["alternate-exchange"];
  const at =
    raw === undefined
      ? join(pointer, "alternate")
      : join(pointer, "arguments", "alternate-exchange");
  if (raw !== undefined && block.alternate !== undefined) {
    report.key("argument-twice", at, "alternate-exchange is said by alternate: as well");
    return block.alternate;
  }
  const alternate = raw ?? block.alternate;
  if (alternate === undefined) return null;
  if (typeof alternate !== "string") {
    report.value("wrong-type", at, "alternate-exchange must be text");
    return null;
  }
  if (names.includes(alternate)) return alternate;
  const hint = didYouMean(alternate, names);
  report.value(
    "unknown-exchange",
    at,
    `alternate names exchange ${JSON.stringify(alternate)}${hint}`,
  );
  return null;
}

/** Core types ignore an argument that they do not know, silently; plugins have their own. */
function checkArguments(
  block: ExchangeBlock,
  pointer: string,
  report: Report,
): Readonly<Record<string, ArgumentValue>> {
  const result: Record<string, ArgumentValue> = Object.create(null);
  for (const [name, value] of Object.entries(block.arguments ?? {})) {
    const at = join(pointer, "arguments", name);
    checkShortString(name, "argument", at, "key", report);
    if (name === "alternate-exchange" || value === undefined) continue;
    if (CORE_TYPES.includes(block.type ?? "") && block.allowUnknown !== true) {
      const hint = didYouMean(name, ["alternate-exchange"]);
      const message = `an exchange of type ${block.type} knows no argument ${JSON.stringify(name)}${hint}`;
      report.key("unknown-argument", at, message);
    } else result[name] = value;
  }
  return result;
}

function eventsOf(
  name: string,
  block: ExchangeBlock,
  pointer: string,
  eventTypes: readonly string[],
  owners: Map<string, string>,
  report: Report,
): readonly string[] | null {
  if (block.events === undefined) return null;
  if (block.internal === true) {
    const message = "an internal exchange takes nothing from publishers, so it lists no events";
    report.key("bad-value", join(pointer, "events"), message);
  }
  const listed = new Set<string>();
  block.events.forEach((pattern, index) => {
    if (pattern === undefined) return;
    const at = join(pointer, "events", index);
    const found = eventTypes.filter((type) => matchesTopic(pattern, type));
    if (found.length === 0) {
      const message = `no schema for ${JSON.stringify(pattern)} in schemas/events`;
      report.value("unknown-event-pattern", at, `${message}${didYouMean(pattern, eventTypes)}`);
    }
    for (const type of found) {
      const owner = owners.get(type) ?? name;
      owners.set(type, owner);
      listed.add(type);
      if (owner === name) continue;
      const message = `event ${JSON.stringify(type)} is listed by exchange ${JSON.stringify(owner)} as well`;
      report.value("ambiguous-event", at, message);
    }
  });
  return [...listed].sort();
}
