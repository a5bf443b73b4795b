/** Keywords that are compared by their words alone: narrowing what is inside may widen the whole. */
import { isObject } from "../events/encoding.ts";
import { isUnevaluatedUnclear } from "./fields.ts";
import type { Rule } from "./rules.ts";
import { isSame, only } from "./same.ts";
import { placeOf, type View } from "./view.ts";
import { type Pair, UNDECIDED, verdicts, type Walk } from "./walk.ts";

const GROUPS: readonly { readonly rule: Rule; readonly keywords: readonly string[] }[] = [
  { rule: "condition", keywords: ["not"] },
  { rule: "condition", keywords: ["if", "then", "else"] },
  { rule: "dependent", keywords: ["dependentSchemas"] },
  { rule: "dependent", keywords: ["dependencies"] },
];

/** Each of them asks for more where it is added, and for less where it is removed. */
export function compareConditions({ old, new: now }: Pair, { emit }: Walk): void {
  for (const { rule, keywords } of GROUPS) {
    const was = withoutLists(only(old.part, keywords));
    const is = withoutLists(only(now.part, keywords));
    if (isSame(was, is)) continue;
    const isAdded = was.parts.length === 0;
    const isRemoved = is.parts.length === 0;
    const verb = isAdded ? "added" : isRemoved ? "removed" : "changed: what it means can't be told";
    emit({
      rule,
      old: placeOf(old.part, ...keywords),
      new: placeOf(now.part, ...keywords),
      words: `${keywords[0]} ${verb}`,
      ...(isAdded || isRemoved ? verdicts(isRemoved, isAdded) : UNDECIDED),
    });
  }
}

/** What no keyword beside it has evaluated depends on all of them. */
export function compareUnevaluated({ old, new: now }: Pair, { emit }: Walk): void {
  const isUnclear = isUnevaluatedUnclear(old.part) || isUnevaluatedUnclear(now.part);
  if (!isUnclear || isSame(old.part, now.part)) return;
  const keywords = ["unevaluatedProperties", "unevaluatedItems"];
  emit({
    rule: "other-fields",
    old: placeOf(old.part, ...keywords),
    new: placeOf(now.part, ...keywords),
    words: "what is left for unevaluatedProperties or unevaluatedItems can't be told",
    ...UNDECIDED,
  });
}

/** Lists under `dependencies` are names of fields, and compared as such. */
function withoutLists(view: View): View {
  const parts = view.parts.flatMap((part) => {
    const { dependencies } = part.schema;
    if (!isObject(dependencies)) return [part];
    const schemas = Object.entries(dependencies).filter(([, value]) => !Array.isArray(value));
    if (schemas.length === 0) return [];
    return [{ ...part, schema: { dependencies: Object.fromEntries(schemas) } }];
  });
  return { ...view, parts };
}
