/** What several schemas take from the same file becomes one type, however many bundles hold it. */
import { isObject } from "../events/encoding.ts";
import { unescapePointer } from "../events/pointer.ts";
import { sharedName as definitionName, mapSubschemas } from "../events/subschemas.ts";
import type { JsonSchema } from "../topology.ts";
import { pascalCase } from "./names.ts";

/** A shared definition's key in the bundles → the name of its type; undefined: it is not shared. */
export type SharedNames = (key: string) => string | undefined;

/** The definitions of a bundle that stand for another file, or for a part of one, by their keys. */
export function sharedDefinitions({ $defs }: JsonSchema): ReadonlyMap<string, JsonSchema> {
  const entries = isObject($defs) ? Object.entries($defs) : [];
  return new Map(
    entries.flatMap(([key, schema]) => {
      if (definitionName(key) === null) return [];
      // `true` and `false` are schemas too.
      return [[key, isObject(schema) ? schema : schema === false ? { not: {} } : {}] as const];
    }),
  );
}

/**
 * The name that a shared definition would like: that of its file, `Money`, with the words of its
 * part, `MoneyAmount`; `CommonMoney` if another of `keys` would like the same. Of an event it is
 * `BookCreatedFields`, since inside another one it has no event_type.
 */
export function sharedName(key: string, keys: readonly string[]): string {
  if (/^events\/[^/]*\.json$/.test(key)) return `${shortName(key)}Fields`;
  const isAlone = keys.filter((other) => shortName(other) === shortName(key)).length === 1;
  return isAlone ? shortName(key) : pascalCase(spoken(key));
}

function shortName(key: string): string {
  const folder = key.slice(0, key.search(/\.json(\/|$)/)).lastIndexOf("/");
  return pascalCase(spoken(key.slice(folder + 1)));
}

function spoken(key: string): string {
  return key
    .replace(/\.json(?=\/|$)/, "")
    .replaceAll(/\/(\$defs|definitions|properties)(?=\/)/g, "");
}

/** Data that no type needs; the compiler would follow a `$ref` in it. */
const unneeded: ReadonlySet<string> = new Set(["default", "examples"]);

/** The schema with names in place of what it takes from shared files. */
export function namingShared(schema: JsonSchema, names: SharedNames): JsonSchema {
  const { $defs, ...rest } = schema;
  const own = Object.entries(isObject($defs) ? $defs : {}).filter(
    ([key]) => definitionName(key) === null,
  );
  return namedIn(own.length === 0 ? rest : { ...rest, $defs: Object.fromEntries(own) }, names);
}

function namedIn(schema: JsonSchema, names: SharedNames): JsonSchema {
  const needed = Object.entries(schema).filter(([keyword]) => !unneeded.has(keyword));
  const { $ref, ...rest } = mapSubschemas(Object.fromEntries(needed), ({ schema: inner }) =>
    typeof inner === "boolean" ? inner : namedIn(inner, names),
  );
  const tsType = typeof $ref === "string" ? names(keyOf($ref)) : undefined;
  if (tsType === undefined) return $ref === undefined ? rest : { ...rest, $ref };
  if (Object.keys(rest).every((key) => key === "description")) return { ...rest, tsType };
  return { ...rest, allOf: [...(Array.isArray(rest.allOf) ? rest.allOf : []), { tsType }] };
}

/** The key in `$defs` that a `$ref` of a bundle points to. */
function keyOf(reference: string): string {
  if (!reference.startsWith("#/$defs/")) return "";
  return unescapePointer(decodeURIComponent(reference.slice("#/$defs/".length)));
}
