/** Keywords of JSON Schema that have to do with bounded work what ajv's own may not. */
import type { Ajv, AnySchemaObject } from "ajv";

/** ajv's own `uniqueItems` compares each item with each other: minutes for a body of 1 MiB. */
export function boundUniqueItems(ajv: Ajv): void {
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    validate: (isWanted: boolean, items: readonly unknown[]) => !isWanted || isUnique(items),
    error: { message: "must not have the same item twice" },
  });
}

/**
 * Where all errors are listed, `pattern` would run although `maxLength` has failed beside it; but
 * that is what keeps a slow pattern from running for seconds.
 */
export function guardPattern(ajv: Ajv): void {
  ajv.removeKeyword("pattern");
  ajv.addKeyword({
    keyword: "pattern",
    type: "string",
    schemaType: "string",
    compile: (pattern: string, { maxLength }: AnySchemaObject) => {
      const expression = new RegExp(pattern, "u");
      const max = typeof maxLength === "number" ? maxLength : Number.POSITIVE_INFINITY;
      return (text: string) => isLonger(text, max) || expression.test(text);
    },
    error: { message: ({ schema }) => `must match pattern "${schema}"` },
  });
}

function isUnique(items: readonly unknown[]): boolean {
  return new Set(items.map(canonical)).size === items.length;
}

function canonical(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`;
}

/** In code points, as `maxLength` counts. */
function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false;
  let count = 0;
  for (const _ of text) if (++count > max) return true;
  return false;
}
