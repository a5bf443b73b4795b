/**
 * A schema as the list of all that it asks at one place: its own keywords, those of what it refers
 * to, and those of its `allOf`. A value is valid if it meets each of them.
 */
import { isObject } from "../events/encoding.ts";
import { escapePointer, split, valueAt } from "../events/pointer.ts";
import type { JsonSchema } from "../topology.ts";

/** Keywords that stand together, of which `$ref` and `allOf` are others of the same view. */
export type Part = {
  readonly schema: JsonSchema;
  /** The way to it through the file, `$ref`s included: `/properties/price/$ref`. */
  readonly at: string;
  /** What `$ref` is resolved in. */
  readonly root: JsonSchema;
};

export type View = {
  readonly parts: readonly Part[];
  /** Where its schema stands; null for none. */
  readonly at: string | null;
  /** A part is `false`: no value is valid. */
  readonly isNever: boolean;
  /** A reference that can't be followed: nobody knows what it asks. */
  readonly isOpaque: boolean;
  /** Made of one schema, so that its first part sees all others. */
  readonly isWhole: boolean;
};

/** Asks for nothing. */
export const ANY: View = { parts: [], at: null, isNever: false, isOpaque: false, isWhole: true };

/** The view of a schema that stands at `at` of `root`; undefined asks for nothing. */
export function viewOf(schema: unknown, at: string, root: JsonSchema): View {
  const parts: Part[] = [];
  let isNever = false;
  let isOpaque = false;
  const seen = new Set<unknown>();
  const add = (value: unknown, here: string): void => {
    if (value === false) isNever = true;
    if (!isObject(value) || seen.has(value)) return;
    seen.add(value);
    // A bare reference says nothing by itself.
    if (Object.keys(value).join() !== "$ref") parts.push({ schema: value, at: here, root });
    if ("$dynamicRef" in value || "$recursiveRef" in value) isOpaque = true;
    if (value.$ref !== undefined) {
      const target = resolve(root, value.$ref);
      if (target === undefined) {
        isOpaque = true;
        parts.push({ schema: value, at: here, root });
      }
      add(target, `${here}/$ref`);
    }
    if (Array.isArray(value.allOf)) {
      value.allOf.forEach((item, index) => {
        add(item, `${here}/allOf/${index}`);
      });
    }
  };
  add(schema, at);
  return { parts, at: schema === undefined ? null : at, isNever, isOpaque, isWhole: true };
}

/** What asks for all that these views ask for. */
export function both(...views: readonly View[]): View {
  const asking = views.filter(({ parts, isNever }) => parts.length > 0 || isNever);
  const [first = ANY, ...others] = asking;
  if (others.length === 0) return first;
  return {
    parts: [
      ...new Map(asking.flatMap(({ parts }) => parts.map((part) => [part.schema, part]))),
    ].map(([, part]) => part),
    at: first.at,
    isNever: asking.some(({ isNever }) => isNever),
    isOpaque: asking.some(({ isOpaque }) => isOpaque),
    isWhole: false,
  };
}

/** The schema under a keyword of a part. */
export function under({ schema, at, root }: Part, ...steps: readonly (string | number)[]): View {
  const value = steps.reduce<unknown>(
    (found, step) =>
      typeof found === "object" && found !== null && Object.hasOwn(found, step)
        ? (found as Readonly<Record<string | number, unknown>>)[step]
        : undefined,
    schema,
  );
  return viewOf(value, pointerOf(at, ...steps), root);
}

/** A member's pointer. */
export function pointerOf(at: string, ...steps: readonly (string | number)[]): string {
  return steps.reduce<string>((way, step) => `${way}/${escapePointer(String(step))}`, at);
}

/** Every value of a keyword in the view, with its place. */
export function all(
  { parts }: View,
  keyword: string,
): readonly { readonly value: unknown; readonly at: string; readonly part: Part }[] {
  return parts
    .filter(({ schema }) => Object.hasOwn(schema, keyword))
    .map((part) => ({ value: part.schema[keyword], at: pointerOf(part.at, keyword), part }));
}

/** Where a keyword stands, or would: in the first part that has it, else in the first of all. */
export function placeOf(view: View, ...keywords: readonly string[]): string | null {
  for (const keyword of keywords) {
    const [found] = all(view, keyword);
    if (found !== undefined) return found.at;
  }
  return null;
}

/** By JSON Pointer, by `$anchor`, or by the `$id` of what stands in the same document. */
function resolve(root: JsonSchema, reference: unknown): unknown {
  if (typeof reference !== "string") return undefined;
  if (reference !== "#" && !reference.startsWith("#/")) return named(root, reference);
  try {
    return valueAt(root, split(decodeURIComponent(reference.slice(1))));
  } catch {
    return undefined;
  }
}

function named(value: unknown, reference: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const { $anchor, $id } = value as JsonSchema;
  if (`#${$anchor}` === reference || $id === reference) return value;
  for (const item of Object.values(value)) {
    const found = named(item, reference);
    if (found !== undefined) return found;
  }
  return undefined;
}
