/** Arguments as AMQP field values, in types that brokers compare as equal whoever sent them. */
import type { Arguments, ArgumentValue } from "../topology.ts";

/**
 * Whole numbers travel as `long`, as the management API sends them: a binding's identity includes
 * the width, so a narrower one would make a second binding.
 */
export function toFieldTable(values: Arguments): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, toField(value)]));
}

function toField(value: ArgumentValue): unknown {
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
  return Array.isArray(value) ? "array" : "table";
}
