/** Whether two schemas ask for the same, word for word, but for what documents them. */
import type { JsonSchema } from "../topology.ts";
import { type Part, type View, viewOf } from "./view.ts";

/** Keywords that no value is checked against. */
export const DOCUMENTATION = [
  "title",
  "description",
  "default",
  "examples",
  "$comment",
  "deprecated",
  "readOnly",
  "writeOnly",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
] as const;

const ignored: ReadonlySet<string> = new Set([
  ...DOCUMENTATION,
  "$defs",
  "definitions",
  "$id",
  "$schema",
  "$anchor",
  "$ref",
  "allOf",
]);

/** Keywords with a list whose order says nothing. */
const sets: ReadonlySet<string> = new Set(["required", "enum", "type", "anyOf", "oneOf"]);

/** Keywords that hold data, or names of fields: what looks like a schema in there is none. */
const data: ReadonlySet<string> = new Set(["const", "enum", "required", "type"]);

/** A map from a name to a schema. */
const maps: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "dependentSchemas",
  "dependencies",
]);

/** What refers to itself in many ways has more texts than anybody can compare. */
const MAX_VIEWS = 100;

/** Whether the views are equal, word for word; of too large ones nobody can tell. */
export function isSame(one: View, other: View): boolean {
  const first = describe(one, { seen: new Map(), budget: { left: MAX_VIEWS } });
  return (
    first !== null && first === describe(other, { seen: new Map(), budget: { left: MAX_VIEWS } })
  );
}

type Way = {
  /** The schemas around, and how deep each stands. */
  readonly seen: ReadonlyMap<unknown, number>;
  readonly budget: { left: number };
};

/** The view as if it had these keywords alone. */
export function only(view: View, keywords: readonly string[]): View {
  const parts = view.parts.flatMap((part): Part[] => {
    const kept = Object.entries(part.schema).filter(([keyword]) => keywords.includes(keyword));
    return kept.length === 0 ? [] : [{ ...part, schema: Object.fromEntries(kept) }];
  });
  return { parts, at: view.at, isNever: false, isOpaque: false, isWhole: true };
}

/** A text that two views share if they ask for the same in the same words; null beyond the budget. */
function describe(view: View, { seen, budget }: Way): string | null {
  budget.left -= 1;
  if (budget.left < 0) return null;
  if (view.isNever) return "false";
  const [first] = view.parts;
  const depth = seen.get(first?.schema);
  if (depth !== undefined) return `<${depth}>`;
  const way = { seen: first ? new Map(seen).set(first.schema, seen.size) : seen, budget };
  const texts = view.parts.flatMap((part) => describePart(part, way));
  if (view.isOpaque) texts.push(canonical(view.parts.map(({ schema }) => schema)));
  return budget.left < 0 ? null : `{${[...new Set(texts)].sort().join()}}`;
}

function describePart(part: Part, way: Way): readonly string[] {
  return Object.entries(part.schema)
    .filter(([keyword]) => !ignored.has(keyword))
    .map(([keyword, value]) => `${keyword}:${describeValue(keyword, value, part, way)}`);
}

function describeValue(keyword: string, value: unknown, { root }: Part, way: Way): string {
  const nested = (schema: unknown): string => describe(viewOf(schema, "", root), way) ?? "";
  if (Array.isArray(value)) {
    const items = value.map((item) => (data.has(keyword) ? canonical(item) : nested(item)));
    return `[${(sets.has(keyword) ? [...items].sort() : items).join()}]`;
  }
  if (typeof value !== "object" || value === null || data.has(keyword)) return canonical(value);
  if (!maps.has(keyword)) return keyword === "dependentRequired" ? canonical(value) : nested(value);
  const members = Object.entries(value as JsonSchema).map(
    ([name, schema]) => `${JSON.stringify(name)}:${nestedOrNames(schema, nested)}`,
  );
  return `{${members.sort().join()}}`;
}

function nestedOrNames(value: unknown, nested: (schema: unknown) => string): string {
  return Array.isArray(value) ? canonical(value) : nested(value);
}

/** Two texts that mean the same JSON are the same canonical text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "none";
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}
