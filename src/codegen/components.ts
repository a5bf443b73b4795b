/** Schemas as components of a document: each once, and their references lead there. */
import { unescapePointer } from "../events/pointer.ts";
import { mapSubschemas, sharedName, subschemasOf } from "../events/subschemas.ts";
import type { JsonSchema } from "../topology.ts";
import { type Dialect, inDialect, keywordIn } from "./dialect.ts";
import { hasReference, type JsonObject } from "./json.ts";

export type Reference = { readonly $ref: string };

/** Gives a name that no other component of the document has; the one wanted, if it is free. */
export type Take = (wanted: string) => string;

export type Components = {
  /** By component name. */
  readonly schemas: JsonObject;
  /** A reference to the component of a root. */
  readonly refTo: (root: string) => Reference;
};

/**
 * Makes components of schemas as the loader leaves them: bundled, and each `$ref` is a JSON Pointer
 * from the root. Their own definitions become components as well, named after them
 * (`order.placed.line`); a definition that several files share becomes one (`money`).
 *
 * @param roots by the name that the component should have.
 */
export function componentSchemas(
  roots: ReadonlyMap<string, JsonSchema>,
  dialect: Dialect,
  take: Take,
): Components {
  const names = new Map([...roots.keys()].map((root) => [root, take(componentName(root))]));
  const shared = new Map<string, string>();
  const schemas: Record<string, unknown> = {};
  for (const [root, schema] of roots) {
    const component = names.get(root) ?? root;
    const nameOf = (key: string) => {
      const wanted = sharedName(key);
      if (wanted === null) return take(componentName(`${component}.${key}`));
      const name = shared.get(key) ?? take(componentName(wanted));
      shared.set(key, name);
      return name;
    };
    Object.assign(schemas, writeRoot(schema, component, nameOf, dialect));
  }
  return { schemas, refTo: (root) => refTo(names.get(root) ?? root) };
}

/** A reference to a component. */
export function refTo(component: string): Reference {
  return { $ref: `#/components/schemas/${component}` };
}

/** What a component may be called: other characters become an underscore. */
export function componentName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "_") || "_";
}

/** The components of one schema: itself, and its definitions. */
function writeRoot(
  root: JsonSchema,
  component: string,
  nameOf: (key: string) => string,
  dialect: Dialect,
): Record<string, unknown> {
  const { $defs, definitions, ...own } = root;
  const parts = subschemasOf({ $defs, definitions }).map(({ pointer, schema }) => {
    const [, , step = ""] = pointer.split("/");
    return { pointer, schema, component: nameOf(unescapePointer(step)) };
  });
  const all = [{ pointer: "", schema: own, component }, ...parts];
  const places: Places = new Map();
  for (const part of all) locate(part.schema, part.pointer, refTo(part.component).$ref);
  return Object.fromEntries(
    all.map((part) => [part.component, write(part.schema, places, dialect)]),
  );

  function locate(schema: JsonSchema | boolean, from: string, to: string): void {
    places.set(from, to);
    if (typeof schema === "boolean") return;
    for (const { pointer, schema: inner } of subschemasOf(schema)) {
      const [, keyword = "", ...steps] = pointer.split("/");
      const renamed = [keywordIn(dialect, schema, keyword), ...steps].map(encodeURIComponent);
      locate(inner, from + pointer, [to, ...renamed].join("/"));
    }
  }
}

/** JSON Pointer in the schema that a user wrote → reference in the document. */
type Places = Map<string, string>;

/** References lead into the document; of what only helps to find something nothing is left. */
function write(schema: JsonSchema | boolean, places: Places, dialect: Dialect): unknown {
  if (typeof schema === "boolean") return schema;
  const { $schema, $id, $ref, ...rest } = mapSubschemas(showable(schema), ({ schema: inner }) =>
    write(inner, places, dialect),
  );
  const place =
    typeof $ref === "string" ? places.get(decodeURIComponent($ref.slice(1))) : undefined;
  return inDialect(dialect, place === undefined ? rest : { $ref: place, ...rest });
}

/** What would be taken for a reference is left out: data, and a field of that name. */
function showable(schema: JsonSchema): JsonSchema {
  const shown = Object.entries(schema)
    .filter(([keyword, value]) => !DATA.includes(keyword) || !hasReference(value))
    .map(([keyword, value]) => [keyword, keyword === "properties" ? withoutField(value) : value]);
  return Object.fromEntries(shown);
}

function withoutField(properties: unknown): unknown {
  const { $ref: _, ...others } = Object(properties);
  return others;
}

const DATA = ["const", "enum", "default", "examples"];
