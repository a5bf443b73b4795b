/**
 * The two dialects of JSON Schema that documents speak: OpenAPI 3.1 has 2020-12, AsyncAPI 3.0 has
 * draft-07. A schema in either is written in the one that the document wants; what draft-07 has no
 * word for (`unevaluatedProperties`, say) stays as it is, for people to read.
 */
import { isObject } from "../events/encoding.ts";

export type Dialect = "2020-12" | "draft-07";

/** What stands under a keyword: a schema, a list of them, or schemas by name. */
type Kind = "schema" | "list" | "map";

const kinds: ReadonlyMap<string, Kind> = new Map([
  ...["additionalProperties", "unevaluatedProperties", "propertyNames", "contentSchema"].map(one),
  ...["items", "additionalItems", "unevaluatedItems", "contains"].map(one),
  ...["not", "if", "then", "else"].map(one),
  ...["allOf", "anyOf", "oneOf", "prefixItems"].map((name) => [name, "list"] as const),
  ...["properties", "patternProperties", "$defs", "definitions"].map(byName),
  ...["dependentSchemas", "dependencies"].map(byName),
]);

function one(keyword: string): readonly [string, Kind] {
  return [keyword, "schema"];
}

function byName(keyword: string): readonly [string, Kind] {
  return [keyword, "map"];
}

/** What a keyword holds; undefined: no schema. */
export function kindOf(keyword: string, value: unknown): Kind | undefined {
  const kind = kinds.get(keyword);
  return kind === "schema" && Array.isArray(value) ? "list" : kind;
}

/** The name of a keyword of this schema in the other dialect. */
export function renamed(schema: object, keyword: string, dialect: Dialect): string {
  const isTuple = "items" in schema && Array.isArray(schema.items);
  switch (keyword) {
    case "$defs":
    case "definitions":
      return dialect === "draft-07" ? "definitions" : "$defs";
    case "items":
      if (dialect === "draft-07") return "prefixItems" in schema ? "additionalItems" : "items";
      return isTuple ? "prefixItems" : "items";
    case "prefixItems":
      return dialect === "draft-07" ? "items" : "prefixItems";
    case "additionalItems":
      return dialect === "draft-07" || !isTuple ? "additionalItems" : "items";
    case "dependentRequired":
    case "dependentSchemas":
      return dialect === "draft-07" ? "dependencies" : keyword;
    default:
      return keyword;
  }
}

/** Takes every schema that stands right under this one through `change`, in the other dialect. */
export function convert(
  schema: Readonly<Record<string, unknown>>,
  dialect: Dialect,
  change: (part: unknown, path: readonly string[]) => unknown,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    const changed = changeUnder(keyword, value, change);
    const name = renamed(schema, keyword, dialect);
    // Two keywords of 2020-12 are one of draft-07.
    const before = result[name];
    result[name] = isObject(before) && isObject(changed) ? { ...before, ...changed } : changed;
  }
  if (dialect === "2020-12") splitDependencies(result);
  else shieldReference(result);
  admitNull(result);
  return result;
}

function changeUnder(
  keyword: string,
  value: unknown,
  change: (part: unknown, path: readonly string[]) => unknown,
): unknown {
  switch (kindOf(keyword, value)) {
    case "schema":
      return change(value, [keyword]);
    case "list":
      if (!Array.isArray(value)) return value;
      return value.map((part, index) => change(part, [keyword, String(index)]));
    case "map":
      if (!isObject(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, change(part, [keyword, name])]),
      );
    default:
      return value;
  }
}

/** draft-07's `dependencies` are names or schemas. */
function splitDependencies(schema: Record<string, unknown>): void {
  const { dependencies } = schema;
  if (!isObject(dependencies)) return;
  delete schema.dependencies;
  const entries = Object.entries(dependencies);
  const names = entries.filter(([, value]) => Array.isArray(value));
  const schemas = entries.filter(([, value]) => !Array.isArray(value));
  if (names.length > 0) schema.dependentRequired = Object.fromEntries(names);
  if (schemas.length > 0) schema.dependentSchemas = Object.fromEntries(schemas);
}

/** In draft-07 nothing counts beside a `$ref`. */
function shieldReference(schema: Record<string, unknown>): void {
  const { $ref, allOf, ...rest } = schema;
  if ($ref === undefined || Object.keys(schema).length === 1) return;
  for (const keyword of Object.keys(schema)) delete schema[keyword];
  Object.assign(schema, rest, { allOf: [{ $ref }, ...(Array.isArray(allOf) ? allOf : [])] });
}

/** ajv reads `nullable`, which neither dialect has. */
function admitNull(schema: Record<string, unknown>): void {
  const { nullable, type } = schema;
  delete schema.nullable;
  if (nullable === true && type !== undefined) schema.type = [...new Set([type, "null"].flat())];
}
