/**
 * The two dialects of JSON Schema that documents speak: OpenAPI 3.1 has 2020-12, AsyncAPI 3.0 has
 * draft-07. A schema in either is written in the one that the document wants; what draft-07 has no
 * word for (`unevaluatedProperties`, say) stays as it is, for people to read.
 */
import { isObject } from "../events/encoding.ts";
import type { JsonSchema } from "../topology.ts";

export type Dialect = "2020-12" | "draft-07";

/** A keyword of this schema as the dialect calls it. */
export function keywordIn(dialect: Dialect, schema: JsonSchema, keyword: string): string {
  const isOld = dialect === "draft-07";
  switch (keyword) {
    case "$defs":
    case "definitions":
      return isOld ? "definitions" : "$defs";
    case "items":
      if (isOld) return schema.prefixItems === undefined ? "items" : "additionalItems";
      return Array.isArray(schema.items) ? "prefixItems" : "items";
    case "prefixItems":
      return isOld ? "items" : "prefixItems";
    case "additionalItems":
      return isOld || !Array.isArray(schema.items) ? "additionalItems" : "items";
    case "dependentRequired":
    case "dependentSchemas":
      return isOld ? "dependencies" : keyword;
    default:
      return keyword;
  }
}

/** A schema, without those in it, in a dialect. */
export function inDialect(dialect: Dialect, schema: JsonSchema): JsonSchema {
  const written: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    const name = keywordIn(dialect, schema, keyword);
    const before = written[name];
    // Two keywords of 2020-12 are one of draft-07.
    written[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  const nullable = admitNull(written);
  return dialect === "draft-07" ? shieldReference(nullable) : splitDependencies(nullable);
}

/** ajv reads `nullable`, which neither dialect has. */
function admitNull({ nullable, ...schema }: JsonSchema): JsonSchema {
  if (nullable !== true || schema.type === undefined) return schema;
  return { ...schema, type: [...new Set([schema.type, "null"].flat())] };
}

/** draft-07's `dependencies` are names or schemas. */
function splitDependencies({ dependencies, ...schema }: JsonSchema): JsonSchema {
  if (!isObject(dependencies)) return schema;
  const entries = Object.entries(dependencies);
  const names = entries.filter(([, value]) => Array.isArray(value));
  const schemas = entries.filter(([, value]) => !Array.isArray(value));
  return {
    ...schema,
    ...(names.length > 0 && { dependentRequired: Object.fromEntries(names) }),
    ...(schemas.length > 0 && { dependentSchemas: Object.fromEntries(schemas) }),
  };
}

/** In draft-07 nothing counts beside a `$ref`. */
function shieldReference(schema: JsonSchema): JsonSchema {
  const { $ref, allOf, ...rest } = schema;
  if ($ref === undefined || Object.keys(schema).length === 1) return schema;
  return { ...rest, allOf: [{ $ref }, ...(Array.isArray(allOf) ? allOf : [])] };
}
