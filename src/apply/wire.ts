/** Arguments as AMQP field values, in types that brokers compare as equal whoever sent them. */
import type { Arguments, ArgumentValue } from "../topology.ts";

/**
 * Whole numbers travel as `long`, as the management API sends them: a binding's identity includes
 * the width, so a narrower one would make a second binding.
 */
export function toFieldTable(values: Arguments): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, toField(value)]));
}

/**
 * A value of a live object whose JavaScript form would not tell its AMQP type, in amqplib's notation:
 * `{ "!": "double", value: 10 }` is 10.0, which a broker compares as different from 10, and
 * `{ "!": "long", value: "9007199254740993" }` a whole number beyond what a number holds. A file
 * can't say either. So two values are equal to a broker exactly if they are deeply equal here.
 */
export type TypedValue = { readonly "!": string; readonly value: string | number };

/** See `TypedValue`. */
export function isTyped(value: ArgumentValue | undefined): value is TypedValue {
  return typeof value === "object" && Object.hasOwn(value, "!");
}

function toField(value: ArgumentValue): unknown {
  if (isTyped(value)) return value;
  if (typeof value === "number") {
    return { "!": Number.isInteger(value) ? "long" : "double", value };
  }
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(toField);
  return toFieldTable(value as Arguments);
}

/** The AMQP name of a value's type, as brokers print it. */
export function fieldType(value: ArgumentValue): string {
  if (typeof value === "string") return "longstr";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "long" : "double";
  if (isTyped(value)) return value["!"];
  return Array.isArray(value) ? "array" : "table";
}
