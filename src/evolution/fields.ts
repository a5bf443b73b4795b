/** What a view says of the fields of an object and the items of a list. */
import { isObject } from "../events/encoding.ts";
import { all, both, type Part, under, type View } from "./view.ts";

/** Keywords by which it depends on the value what a part asks for. */
const CONDITIONAL = ["anyOf", "oneOf", "not", "if", "dependentSchemas", "dependencies"];

const INSIDE = [...CONDITIONAL, "then", "else"];

/** The names under `properties`, of all parts. */
export function namesOf(view: View): readonly string[] {
  return keysOf(view, "properties");
}

/** The patterns under `patternProperties`, of all parts. */
export function patternsOf(view: View): readonly string[] {
  return keysOf(view, "patternProperties");
}

/** What is asked of the field of this name, whatever says it. */
export function fieldOf(view: View, name: string): View {
  const views = view.parts.flatMap((part) => {
    const named = hasKey(part, "properties", name) ? [under(part, "properties", name)] : [];
    const matching = keysOfPart(part, "patternProperties")
      .filter((pattern) => matches(pattern, name))
      .map((pattern) => under(part, "patternProperties", pattern));
    const known = [...named, ...matching];
    return known.length > 0 ? known : [under(part, "additionalProperties")];
  });
  const isKnown = namesOf(view).includes(name) || patternsOf(view).some((p) => matches(p, name));
  return both(...views, ...(isKnown ? [] : [unevaluated(view, "unevaluatedProperties")]));
}

/** What is asked of fields that nothing names. */
export function otherFieldsOf(view: View): View {
  const additional = view.parts.map((part) => under(part, "additionalProperties"));
  return both(...additional, unevaluated(view, "unevaluatedProperties"));
}

/** How many items have a schema of their own, by their place. */
export function placesOf(view: View): number {
  return Math.max(0, ...view.parts.map((part) => prefixOf(part).length));
}

/** What is asked of the item at this place; beyond `placesOf`, of every other. */
export function itemOf(view: View, index: number): View {
  const views = view.parts.map((part) => {
    const { schema } = part;
    const isTuple = Array.isArray(schema.items);
    if (index < prefixOf(part).length) return under(part, isTuple ? "items" : "prefixItems", index);
    return under(part, isTuple ? "additionalItems" : "items");
  });
  const isKnown = index < placesOf(view) || all(view, "items").length > 0;
  return both(...views, ...(isKnown ? [] : [unevaluated(view, "unevaluatedItems")]));
}

/**
 * Whether it can't be said from the view alone what `unevaluated…` is about: alternatives and
 * conditions evaluate fields as well, and so do the parts beside a nested one.
 */
export function isUnevaluatedUnclear(view: View): boolean {
  const having = view.parts.filter(
    ({ schema }) => isAsking(schema.unevaluatedProperties) || isAsking(schema.unevaluatedItems),
  );
  if (having.length === 0) return false;
  const hasContains = all(view, "contains").length > 0 && all(view, "unevaluatedItems").length > 0;
  const isFirst = having.length === 1 && having[0] === view.parts[0] && view.isWhole;
  return !isFirst || hasContains || CONDITIONAL.some((keyword) => all(view, keyword).length > 0);
}

/** Whether an alternative or a condition speaks of the field, however deep inside others. */
export function isMentioned(view: View, name: string, seen = new Set<unknown>()): boolean {
  return view.parts.some((part) => {
    if (seen.has(part.schema)) return false;
    seen.add(part.schema);
    return insideOf(part).some(
      (inner) => namesOf(inner).includes(name) || isMentioned(inner, name, seen),
    );
  });
}

function insideOf(part: Part): readonly View[] {
  return INSIDE.flatMap((keyword) => {
    const value = part.schema[keyword];
    const isMany = Array.isArray(value) || keyword.startsWith("depend");
    if (!isMany) return [under(part, keyword)];
    return Object.keys((value as object | undefined) ?? {}).map((key) => under(part, keyword, key));
  });
}

/** Whether a name matches a pattern of `patternProperties`; one that can't be read matches. */
export function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, "u").test(name);
  } catch {
    return true;
  }
}

function unevaluated(view: View, keyword: "unevaluatedProperties" | "unevaluatedItems"): View {
  const [first] = view.parts;
  const others = keyword === "unevaluatedProperties" ? "additionalProperties" : "items";
  const isEvaluated = first === undefined || all(view, others).length > 0;
  return isEvaluated ? both() : under(first, keyword);
}

function isAsking(schema: unknown): boolean {
  return schema !== undefined && schema !== true;
}

function prefixOf({ schema }: Part): readonly unknown[] {
  const { items, prefixItems } = schema;
  if (Array.isArray(items)) return items;
  return Array.isArray(prefixItems) ? prefixItems : [];
}

function keysOf({ parts }: View, keyword: string): readonly string[] {
  return [...new Set(parts.flatMap((part) => keysOfPart(part, keyword)))];
}

function keysOfPart({ schema }: Part, keyword: string): readonly string[] {
  const map = schema[keyword];
  return isObject(map) ? Object.keys(map) : [];
}

function hasKey({ schema }: Part, keyword: string, key: string): boolean {
  const map = schema[keyword];
  return isObject(map) && Object.hasOwn(map, key);
}
