/** Whether what is declared again is what is there, as RabbitMQ compares it. */
import { AmqpError } from "../protocol/errors.ts";
import { type Field, isInteger, lookup, type Table } from "../protocol/fields.ts";
import { formatField } from "./terms.ts";

/** @throws {AmqpError} 406 for the first of the names whose values differ. */
export function assertSameArguments(
  what: string,
  names: readonly string[],
  current: Table,
  received: Table,
): void {
  for (const name of names) {
    const [before, now] = [lookup(current, name), lookup(received, name)];
    if (!before && !now) continue;
    if (before && now && isSame(before, now)) continue;
    const shown = before && now ? shortly : inFull;
    throw inequivalent(what, name, shown(now), shown(before));
  }
}

/** @throws {AmqpError} 406 where a property of the object itself differs. */
export function assertSame(what: string, name: string, current: unknown, received: unknown): void {
  if (current !== received) throw inequivalent(what, name, `'${received}'`, `'${current}'`);
}

function inequivalent(what: string, name: string, received: string, current: string): AmqpError {
  const text = `inequivalent arg '${name}' for ${what}: received ${received} but current is ${current}`;
  return new AmqpError("precondition-failed", text);
}

/** Whole numbers are equal whatever their width, and so are those with a fraction. */
function isSame(a: Field, b: Field): boolean {
  if ((classOf(a) === "float") !== (classOf(b) === "float")) return false;
  if (Buffer.isBuffer(a.value)) return Buffer.isBuffer(b.value) && a.value.equals(b.value);
  if (a.type === "decimal" && b.type === "decimal") {
    return a.value.scale === b.value.scale && a.value.digits === b.value.digits;
  }
  return a.value === b.value;
}

function classOf(field: Field): string {
  if (isInteger(field) || field.type === "decimal") return "int";
  return field.type === "double" ? "float" : field.type;
}

function isText(field: Field): field is Extract<Field, { value: Buffer }> {
  return field.type === "longstr" || field.type === "binary";
}

function inFull(field: Field | undefined): string {
  if (!field || field.type === "void") return "none";
  return `the value ${shortly(field)} of type '${field.type}'`;
}

function shortly(field: Field | undefined): string {
  if (!field || field.type === "void") return "none";
  return `'${isText(field) ? field.value.toString() : formatField(field)}'`;
}
