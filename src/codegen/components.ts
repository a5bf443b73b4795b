/** Schemas as components of a document: each once, and their references lead there. */
import { isObject } from "../events/encoding.ts";
import type { JsonSchema } from "../topology.ts";
import { convert, type Dialect, kindOf, renamed } from "./dialect.ts";
import type { JsonObject } from "./json.ts";

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
 * Makes components of schemas that stand alone. Their own definitions become components as well,
 * named after them (`order.placed.line`); a definition of a file that several share becomes one,
 * named after the file.
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
    const parts = definitionsOf(schema).map(({ path, key, value }) => {
      const id = isFile(key) ? JSON.stringify([key, value]) : JSON.stringify([root, path]);
      const name =
        shared.get(id) ?? take(isFile(key) ? fileName(key) : `${component}.${plain(key)}`);
      shared.set(id, name);
      return { path, name, value };
    });
    const write = rewriter(schema, { component, parts, dialect });
    schemas[component] = write(withoutDefinitions(schema), []);
    for (const { path, name, value } of parts) schemas[name] = write(value, path);
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

/** A definition of a bundled schema that is named after a file is that file. */
function isFile(key: string): boolean {
  return key.endsWith(".json");
}

function fileName(key: string): string {
  return plain(key.slice(0, -".json".length).split("/").at(-1) ?? key);
}

function plain(key: string): string {
  return componentName(key);
}

type Definition = {
  readonly path: Path;
  readonly key: string;
  readonly value: unknown;
};

function definitionsOf(schema: JsonSchema): readonly Definition[] {
  return ["$defs", "definitions"].flatMap((keyword) => {
    const definitions = schema[keyword];
    if (!isObject(definitions)) return [];
    return Object.entries(definitions).map(([key, value]) => ({
      path: [keyword, key],
      key,
      value,
    }));
  });
}

function withoutDefinitions({ $defs: _, definitions: __, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

type Place = {
  readonly component: string;
  readonly parts: readonly { readonly path: Path; readonly name: string }[];
  readonly dialect: Dialect;
};

/** Writes parts of a schema for the document; `path` is where the part stands in the schema. */
function rewriter(root: JsonSchema, place: Place): (part: unknown, path: Path) => unknown {
  const resources = resourcesOf(root);
  const write = (part: unknown, path: Path): unknown => {
    if (!isObject(part)) return part;
    const { $schema, $id, $anchor, $dynamicAnchor, $ref, $dynamicRef, ...rest } = part;
    const reference = $ref ?? $dynamicRef;
    const target = typeof reference === "string" ? find(resources, path, reference) : undefined;
    const pointed = target === undefined ? {} : { $ref: pointerTo(root, target, place) };
    return convert({ ...pointed, ...rest }, place.dialect, (child, under) =>
      write(child, [...path, ...under]),
    );
  };
  return write;
}

type Path = readonly string[];

/** What references can name: a schema with an `$id` is a resource, and the whole is one as well. */
type Resources = {
  /** Where each resource stands; the innermost of a place is what `#` means there. */
  readonly bases: Path[];
  readonly ids: Map<string, Path>;
  /** By the resource's place and the name. */
  readonly anchors: Map<string, Path>;
};

function resourcesOf(root: JsonSchema): Resources {
  const found: Resources = { bases: [[]], ids: new Map(), anchors: new Map() };
  collect(root, [], [], found);
  return found;
}

function collect(part: unknown, path: Path, outer: Path, found: Resources): void {
  if (!isObject(part)) return;
  const { $id, $anchor, $dynamicAnchor } = part;
  const [, id = "", fragment] = /^([^#]*)(?:#(.*))?$/.exec(String($id ?? "")) ?? [];
  const base = id === "" ? outer : path;
  if (id !== "") {
    found.bases.push(path);
    found.ids.set(id, path);
  }
  for (const name of [$anchor, $dynamicAnchor, fragment]) {
    if (typeof name === "string" && name !== "") found.anchors.set(anchorKey(base, name), path);
  }
  for (const [keyword, value] of Object.entries(part)) {
    const kind = kindOf(keyword, value);
    if (kind === "schema") collect(value, [...path, keyword], base, found);
    else if (kind !== undefined) {
      for (const [name, child] of Object.entries(Object(value))) {
        collect(child, [...path, keyword, name], base, found);
      }
    }
  }
}

function anchorKey(base: Path, name: string): string {
  return JSON.stringify([base, name]);
}

/** Where a reference leads to; undefined: nowhere. */
function find({ bases, ids, anchors }: Resources, from: Path, reference: string): Path | undefined {
  const [, id = "", fragment = ""] = /^([^#]*)(?:#(.*))?$/.exec(reference) ?? [];
  const around = bases.filter((base) => base.every((step, index) => from[index] === step));
  const here = around.reduce((inner, base) => (base.length > inner.length ? base : inner), []);
  const base = id === "" ? here : ids.get(id);
  if (base === undefined || fragment === "") return base;
  return fragment.startsWith("/")
    ? [...base, ...stepsOf(fragment)]
    : anchors.get(anchorKey(base, fragment));
}

function stepsOf(fragment: string): Path {
  return decodeURIComponent(fragment)
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pointerTo(root: JsonSchema, target: Path, place: Place): string {
  const { component, parts, dialect } = place;
  const part = parts.find(({ path }) => path.every((step, index) => target[index] === step));
  const inside = renameSteps(root, target, dialect).slice(part === undefined ? 0 : 2);
  const steps = inside.map((step) =>
    encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")),
  );
  return [refTo(part?.name ?? component).$ref, ...steps].join("/");
}

function renameSteps(schema: unknown, [keyword, ...rest]: Path, dialect: Dialect): Path {
  if (keyword === undefined || !isObject(schema))
    return keyword === undefined ? [] : [keyword, ...rest];
  const value = schema[keyword];
  const name = renamed(schema, keyword, dialect);
  if (kindOf(keyword, value) === "schema") return [name, ...renameSteps(value, rest, dialect)];
  const [step, ...deeper] = rest;
  if (step === undefined) return [name];
  const child = (Object(value) as Record<string, unknown>)[step];
  return [name, step, ...renameSteps(child, deeper, dialect)];
}
