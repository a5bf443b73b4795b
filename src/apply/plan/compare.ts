/** In what a live object differs from the wanted one: as the server compares, and all other arguments. */
import type { Arguments, ArgumentValue } from "../../topology.ts";
import type { LiveExchange, LivePolicy, LiveQueue } from "../live.ts";
import type { DesiredExchange, DesiredPolicy, DesiredQueue } from "../objects.ts";
import type { Difference } from "../planned.ts";
import { fieldType, isTyped } from "../wire.ts";

/** Every queue is durable and shared. */
export function compareQueue(desired: DesiredQueue, live: LiveQueue): readonly Difference[] {
  return [
    ...compareFlag("durable", true, live.durable),
    ...compareFlag("auto_delete", desired.autoDelete, live.autoDelete),
    ...compareFlag("exclusive", false, live.exclusive),
    ...compareArguments(withType(desired.arguments), withType(live.arguments)),
  ];
}

/** Of the arguments the server compares `alternate-exchange` alone; here all of them count. */
export function compareExchange(
  desired: DesiredExchange,
  live: LiveExchange,
): readonly Difference[] {
  return [
    ...compareFlag("type", desired.type, live.type),
    ...compareFlag("durable", true, live.durable),
    ...compareFlag("auto_delete", desired.autoDelete, live.autoDelete),
    ...compareFlag("internal", desired.internal, live.internal),
    ...compareArguments(desired.arguments, live.arguments),
  ];
}

export function comparePolicy(desired: DesiredPolicy, live: LivePolicy): readonly Difference[] {
  return [
    ...compareFlag("pattern", desired.pattern, live.pattern),
    ...compareFlag("apply-to", desired.applyTo, live.applyTo),
    ...compareFlag("priority", desired.priority, live.priority),
    ...compareArguments(desired.definition, live.definition),
  ];
}

/**
 * Whether a broker takes the two for the same: numbers by value whatever their width, but 5 is
 * neither 5.0 nor "5"; the order of a table's keys does not count.
 */
export function isSameValue(a: ArgumentValue | undefined, b: ArgumentValue | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (Array.isArray(a) !== Array.isArray(b) || left.length !== right.length) return false;
  const other = new Map<string, ArgumentValue>(right);
  return left.every(([key, value]) => other.has(key) && isSameValue(value, other.get(key)));
}

/** The value with the name of its AMQP type, `60000 (long)`; `none` where there is none. */
export function showTyped(value: ArgumentValue | undefined): string {
  return value === undefined ? "none" : `${show(value)} (${fieldType(value)})`;
}

/** Brokers from 4.0 on add `x-queue-type` to a queue that came without; it is the one that they add. */
function withType(values: Arguments): Arguments {
  return { "x-queue-type": "classic", ...values };
}

function compareArguments(wanted: Arguments, live: Arguments): readonly Difference[] {
  const [ours, theirs] = [wanted, live].map((values) => new Map(Object.entries(values)));
  return [...new Set([...Object.keys(wanted), ...Object.keys(live)])]
    .filter((argument) => !isSameValue(ours?.get(argument), theirs?.get(argument)))
    .map((argument) => differenceOf(argument, ours?.get(argument), theirs?.get(argument)));
}

function differenceOf(
  argument: string,
  wanted: ArgumentValue | undefined,
  live: ArgumentValue | undefined,
): Difference {
  const isOtherType =
    wanted !== undefined && live !== undefined && fieldType(wanted) !== fieldType(live);
  const text = isOtherType ? showTyped : show;
  return { argument, wanted: text(wanted), live: text(live) };
}

function show(value: ArgumentValue | undefined): string {
  if (value === undefined) return "none";
  if (typeof value !== "object") return typeof value === "string" ? `"${value}"` : String(value);
  if (!isTyped(value)) return JSON.stringify(value);
  const { "!": type, value: number } = value;
  return type === "double" && Number.isInteger(number) ? `${number}.0` : String(number);
}

function compareFlag<Value extends string | number | boolean>(
  argument: string,
  wanted: Value,
  live: Value,
): readonly Difference[] {
  return wanted === live ? [] : [{ argument, wanted: String(wanted), live: String(live) }];
}
