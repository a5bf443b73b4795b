/** The arguments of a consumer. */
import { formatField, formatString } from "../model/terms.ts";
import { AmqpError } from "../protocol/errors.ts";
import { type Field, isInteger, lookup, type Table } from "../protocol/fields.ts";
import { moduleOf, parseAge, type QueueType } from "./arguments.ts";

const ARGUMENTS: Readonly<Record<QueueType, readonly string[]>> = {
  classic: ["x-priority"],
  quorum: ["x-priority", "x-consumer-timeout"],
  stream: ["x-stream-offset", "x-stream-filter", "x-stream-match-unfiltered"],
};
const ALL: ReadonlySet<string> = new Set(Object.values(ARGUMENTS).flat());

/** Where a stream is to be read from. */
export type StreamPlace =
  | { readonly kind: "first" | "last" | "next" }
  | { readonly kind: "offset"; readonly offset: number }
  /** In milliseconds since 1970. */
  | { readonly kind: "time"; readonly time: number };

/** @throws {AmqpError} 406 for the first that is wrong; `what` names the queue in the text. */
export function checkConsumerArguments(what: string, type: QueueType, args: Table): void {
  const own = ARGUMENTS[type];
  for (const name of own) {
    const field = lookup(args, name);
    const problem = field && problemOf(name, field);
    if (problem) refuse(`invalid arg '${name}' for ${what}: ${problem}`);
  }
  for (const [name] of args) {
    if (own.includes(name) || !ALL.has(name)) continue;
    refuse(`invalid arg '${name}' for ${what} of queue type ${moduleOf(type)}`);
  }
}

export function priorityOf(args: Table): number {
  const field = lookup(args, "x-priority");
  return field ? Number(field.value) : 0;
}

/** Of a field that has been checked. */
export function readOffset(field: Field | undefined): StreamPlace {
  return (field && placeOf(field)) ?? { kind: "next" };
}

function problemOf(name: string, field: Field): string | null {
  if (name === "x-priority" || name === "x-consumer-timeout") {
    return isInteger(field) ? null : formatString(`expected integer, got ${field.type}`);
  }
  if (name !== "x-stream-offset" || placeOf(field)) return null;
  return `{invalid_stream_offset_arg,{${field.type},${formatField(field)}}}`;
}

function placeOf(field: Field): StreamPlace | null {
  if (isInteger(field)) return { kind: "offset", offset: Number(field.value) };
  if (field.type === "timestamp") return { kind: "time", time: Number(field.value) * 1_000 };
  const text = field.type === "longstr" ? field.value.toString() : "";
  if (text === "first" || text === "last" || text === "next") return { kind: text };
  const ageMs = parseAge(text);
  return ageMs === null ? null : { kind: "time", time: Date.now() - ageMs };
}

function refuse(text: string): never {
  throw new AmqpError("precondition-failed", text);
}
