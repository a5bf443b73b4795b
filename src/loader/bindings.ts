import { routingType } from "../routing/binding.ts";
import type { Arguments, ArgumentValue, Binding, Exchange } from "../topology.ts";
import type { Bind, BindingKey, BindingMap, HeaderBinding, RawBinding } from "./file.ts";
import { listed, shown } from "./finding.ts";
import { checkShortString } from "./names.ts";
import { join } from "./pointer.ts";
import type { Report, Spot } from "./report.ts";
import { didYouMean } from "./suggest.ts";

/** What bindings are checked against. */
export type Sources = {
  /** Every name under exchanges:, whatever its block is like. */
  readonly names: readonly string[];
  /** Those whose block is sound. */
  readonly exchanges: Readonly<Record<string, Exchange>>;
  readonly report: Report;
};

/** One line of a `bind:`; `key` is null where only the exchange is named. */
type Entry = {
  readonly source: string;
  readonly key: BindingKey | null;
  /** Of the exchange's name. */
  readonly sourceAt: Spot;
  /** Of the key or the headers. */
  readonly keyAt: Spot;
};
const MATCHES = ["all", "any", "all-with-x", "any-with-x"];

/** The bindings of a queue or an exchange, as its `bind:` at the pointer says. */
export function resolveBind(
  bind: Bind | undefined,
  pointer: string,
  destination: Pick<Binding, "destination" | "destinationKind">,
  sources: Sources,
): readonly Binding[] {
  if (bind === undefined) return [];
  const bindings = new Map<string, Binding>();
  for (const entry of entriesOf(bind, pointer)) {
    const routing = resolveEntry(entry, sources);
    if (routing === null) continue;
    const at = sources.report.placeOf(entry.keyAt.pointer, entry.keyAt.on);
    const binding: Binding = { source: entry.source, ...destination, ...routing, at };
    const id = identity(binding, sources);
    const twin = bindings.get(id);
    if (twin === undefined) bindings.set(id, binding);
    else report(sources, entry.keyAt, `${said(entry)} is there already, in line ${twin.at.line}`);
  }
  return [...bindings.values()];
}

/** A broker ignores a second weight for the same pair, so there the weight is no part of it. */
function identity(binding: Binding, { exchanges }: Sources): string {
  const isWeight = exchanges[binding.source]?.type === "x-consistent-hash";
  const sorted = Object.entries(binding.arguments).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([binding.source, isWeight ? null : binding.key, sorted]);
}

function entriesOf(bind: Bind, pointer: string): readonly Entry[] {
  if (typeof bind === "string") {
    const at: Spot = { pointer, on: "value" };
    return [{ source: bind, key: null, sourceAt: at, keyAt: at }];
  }
  if (!isList(bind)) return Object.keys(bind).flatMap((name) => keysOf(name, bind, pointer));
  return bind.flatMap((item, index) =>
    item === undefined ? [] : entriesOf(item, join(pointer, index)),
  );
}

function keysOf(source: string, bind: BindingMap, pointer: string): readonly Entry[] {
  const keys = bind[source];
  const at = join(pointer, source);
  const sourceAt: Spot = { pointer: at, on: "key" };
  if (keys === undefined) return [];
  if (!isList(keys)) return [{ source, key: keys, sourceAt, keyAt: { pointer: at, on: "value" } }];
  return keys.flatMap((key, index): readonly Entry[] =>
    key === undefined
      ? []
      : [{ source, key, sourceAt, keyAt: { pointer: join(at, index), on: "value" } }],
  );
}

function resolveEntry(entry: Entry, sources: Sources): Pick<Binding, "key" | "arguments"> | null {
  const { source, key, sourceAt, keyAt } = entry;
  if (source === "") {
    const message = "the default exchange takes no bindings: it knows every queue by its name";
    report(sources, sourceAt, message);
    return null;
  }
  if (!sources.names.includes(source)) {
    const message = `binding names exchange ${JSON.stringify(source)}${didYouMean(source, sources.names)}`;
    sources.report[sourceAt.on]("unknown-exchange", sourceAt.pointer, message);
    return null;
  }
  const exchange = sources.exchanges[source];
  if (exchange === undefined || sources.report.isBroken(keyAt.pointer)) return null;
  const isRaw = isMap(key) && (key.key !== undefined || key.arguments !== undefined);
  const problem = isRaw ? rawProblem(exchange, key) : problemOf(routingType(exchange), key);
  if (problem !== null) {
    report(sources, keyAt, `exchange ${JSON.stringify(source)} is ${exchange.type}: ${problem}`);
    return null;
  }
  if (isRaw) return rawRouting(key, keyAt, sources);
  if (isMap(key)) return headerRouting(key, keyAt, sources);
  const text = key ?? "";
  checkShortString(text, "routing key", keyAt.pointer, keyAt.on, sources.report);
  return { key: text, arguments: Object.create(null) };
}

function isMap(key: BindingKey | null): key is HeaderBinding & RawBinding {
  return typeof key === "object" && key !== null;
}

/** It is taken as it is written, unless a broker would refuse it. */
function rawProblem(
  { type }: Exchange,
  { key = "", arguments: given, headers, match: said }: HeaderBinding & RawBinding,
): string | null {
  if (headers !== undefined || said !== undefined) {
    return "key: and arguments: stand in place of headers: and match:, not beside them";
  }
  if (type === "x-consistent-hash") return problemOf(type, key);
  const match = given?.["x-match"];
  return type !== "headers" || match === undefined || MATCHES.some((it) => it === match)
    ? null
    : `x-match must be ${listed(MATCHES)}, found ${shown(match)}`;
}

function rawRouting(
  { key = "", arguments: given = {} }: RawBinding,
  { pointer }: Spot,
  { report }: Sources,
): Pick<Binding, "key" | "arguments"> {
  checkShortString(key, "routing key", join(pointer, "key"), "value", report);
  const result: Record<string, ArgumentValue> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    checkShortString(name, "argument", join(pointer, "arguments", name), "key", report);
    if (value !== undefined) result[name] = value;
  }
  return { key, arguments: result };
}

function problemOf(type: string, key: BindingKey | null): string | null {
  const isHeaders = typeof key === "object" && key !== null;
  switch (type) {
    case "fanout":
      return key === null ? null : "it takes every message, so a binding has no key";
    case "headers":
      return isHeaders ? null : "a binding must be { headers: … }";
    case "direct":
    case "topic":
      if (typeof key !== "string") return "a binding needs a routing key";
      return type === "topic" && key.split(".").some(isMixed)
        ? `* and # stand for whole words, found ${JSON.stringify(key)}`
        : null;
    case "x-consistent-hash":
      return typeof key === "string" && /^[1-9]\d{0,8}$/.test(key)
        ? null
        : "the key is a weight, a whole number from 1 in quotes";
    default:
      return null;
  }
}

function isMixed(word: string): boolean {
  return word.length > 1 && /[*#]/.test(word);
}

function headerRouting(
  { headers = {}, match = "all" }: HeaderBinding,
  at: Spot,
  sources: Sources,
): Pick<Binding, "key" | "arguments"> {
  const result: Record<string, string | number | boolean> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    const pointer = join(at.pointer, "headers", name);
    checkShortString(name, "header", pointer, "key", sources.report);
    if (name === "x-match") {
      sources.report.key("bad-binding", pointer, "x-match is said with match:");
    } else if (name.startsWith("x-") && !match.endsWith("-with-x")) {
      const message = `header ${JSON.stringify(name)} is compared with match: ${match}-with-x alone`;
      sources.report.key("bad-binding", pointer, message);
    } else if (value !== undefined) result[name] = value;
  }
  const all: Arguments = Object.assign(Object.create(null), { "x-match": match }, result);
  return { key: "", arguments: all };
}

function report(sources: Sources, { on, pointer }: Spot, message: string): void {
  sources.report[on]("bad-binding", pointer, message);
}

function said({ source, key }: Entry): string {
  return typeof key === "string"
    ? `${source}: ${JSON.stringify(key)}`
    : `this binding to ${source}`;
}

/** `Array.isArray` alone does not narrow readonly arrays. */
function isList<T>(value: T): value is Extract<T, readonly unknown[]> {
  return Array.isArray(value);
}
