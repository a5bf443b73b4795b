/** Where the schemas stand that a JSON Schema is made of; what stands elsewhere in it is data. */
import type { JsonSchema } from "../topology.ts";
import { isObject } from "./encoding.ts";
import { escapePointer, unescapePointer } from "./pointer.ts";

/** A schema directly in another one. */
export type Subschema = {
  /** JSON Pointer from the schema that it stands in. */
  readonly pointer: string;
  readonly schema: JsonSchema | boolean;
  /** It is held against the same value, and not against a part of it. */
  readonly isInPlace: boolean;
};

type Kind = {
  /** `map`: under each key of an object; else the value itself, or each item of a list. */
  readonly in: "value" | "map";
  readonly isInPlace: boolean;
};

const KINDS: Readonly<Record<string, Kind>> = {
  ...kinds("value", true, ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"]),
  ...kinds("map", true, ["dependentSchemas", "dependencies"]),
  ...kinds("value", false, [
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
  ]),
  ...kinds("map", false, ["properties", "patternProperties", "$defs", "definitions"]),
};

/** Of draft-07 and 2020-12; in the order in which they are written. */
export function subschemasOf(schema: JsonSchema): readonly Subschema[] {
  const found: Subschema[] = [];
  mapSubschemas(schema, (subschema) => {
    found.push(subschema);
    return subschema.schema;
  });
  return found;
}

/** A copy of a schema with something else in place of each schema directly in it. */
export function mapSubschemas(
  schema: JsonSchema,
  change: (subschema: Subschema) => unknown,
): JsonSchema {
  const members = Object.entries(schema).map(([keyword, value]) => {
    const kind = Object.hasOwn(KINDS, keyword) ? KINDS[keyword] : undefined;
    if (kind === undefined) return [keyword, value];
    const { isInPlace } = kind;
    const changed = (item: unknown, pointer: string) =>
      isSchema(item) ? change({ pointer, schema: item, isInPlace }) : item;
    return [keyword, mapParts(value, `/${keyword}`, kind, changed)];
  });
  return Object.fromEntries(members);
}

function mapParts(
  value: unknown,
  pointer: string,
  kind: Kind,
  change: (item: unknown, pointer: string) => unknown,
): unknown {
  if (kind.in === "map") {
    if (!isObject(value)) return value;
    const members = Object.entries(value).map(([key, item]) => [
      key,
      change(item, `${pointer}/${escapePointer(key)}`),
    ]);
    return Object.fromEntries(members);
  }
  if (!Array.isArray(value)) return change(value, pointer);
  return value.map((item, index) => change(item, `${pointer}/${index}`));
}

function isSchema(value: unknown): value is JsonSchema | boolean {
  return typeof value === "boolean" || isObject(value);
}

function kinds(
  where: Kind["in"],
  isInPlace: boolean,
  keywords: readonly string[],
): Readonly<Record<string, Kind>> {
  return Object.fromEntries(keywords.map((keyword) => [keyword, { in: where, isInPlace }]));
}

/**
 * What a definition is called that several files share, by its key in the `$defs` of a loaded
 * schema; null: it is the file's own.
 *
 * | key | name |
 * |---|---|
 * | `common/money.json` | `money` |
 * | `common/money.json/$defs/amount` | `amount` |
 * | `line` | null |
 */
export function sharedName(key: string): string | null {
  const [, path, pointer] = /^(.+?)\.json(\/.*)?$/s.exec(key) ?? [];
  if (path === undefined) return null;
  const last = (pointer ?? path).split("/").at(-1) ?? "";
  return unescapePointer(last);
}
