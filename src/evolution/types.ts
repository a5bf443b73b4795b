/** `type`, and the values that `enum` and `const` leave. */
import { canonical } from "./same.ts";
import { all, placeOf, under, type View } from "./view.ts";
import { type Pair, shown, verdicts, type Walk } from "./walk.ts";

/** A number is an integer or a fraction, so that integer ⊂ number. */
export type Kind = "null" | "boolean" | "object" | "array" | "string" | "integer" | "fraction";

const KINDS: ReadonlySet<Kind> = new Set([
  "null",
  "boolean",
  "object",
  "array",
  "string",
  "integer",
  "fraction",
]);

/** Deep enough for a union of unions; beyond it any type is thought possible. */
const MAX_DEPTH = 8;

/** The kinds that the keyword `type` leaves. */
function declaredKinds(view: View): ReadonlySet<Kind> {
  return all(view, "type").reduce<ReadonlySet<Kind>>(
    (kinds, { value }) => intersect(kinds, new Set([value].flat().flatMap(kindsOf))),
    KINDS,
  );
}

/** The kinds of which a valid value can be, as far as types, values and alternatives tell. */
export function possibleKinds(view: View, depth = 0): ReadonlySet<Kind> {
  if (view.isNever) return new Set();
  let kinds = declaredKinds(view);
  const values = valuesOf(view);
  if (values !== null) kinds = intersect(kinds, new Set(values.map(kindOf)));
  if (depth === MAX_DEPTH) return kinds;
  for (const keyword of ["anyOf", "oneOf"]) {
    for (const { value, part } of all(view, keyword)) {
      if (!Array.isArray(value)) continue;
      const branches = value.map((_, index) =>
        possibleKinds(under(part, keyword, index), depth + 1),
      );
      kinds = intersect(kinds, new Set(branches.flatMap((branch) => [...branch])));
    }
  }
  return kinds;
}

/** The values that are left, or null for more than can be listed. */
export function valuesOf(view: View): readonly unknown[] | null {
  const lists = [
    ...all(view, "enum").map(({ value }) => (Array.isArray(value) ? value : [])),
    ...all(view, "const").map(({ value }) => [value]),
  ];
  const [first, ...others] = lists.map(
    (list) => new Map(list.map((value): [string, unknown] => [canonical(value), value])),
  );
  if (first === undefined) {
    const kinds = [...declaredKinds(view)];
    const isShort = kinds.every((kind) => kind === "null" || kind === "boolean");
    return isShort
      ? kinds.flatMap((kind): unknown[] => (kind === "null" ? [null] : [true, false]))
      : null;
  }
  return [...first]
    .filter(([text]) => others.every((other) => other.has(text)))
    .map(([, value]) => value);
}

/** Compares the keyword `type`. */
export function compareTypes({ old, new: now }: Pair, { emit }: Walk): void {
  const was = declaredKinds(old.part);
  const is = declaredKinds(now.part);
  if (isSubset(was, is) && isSubset(is, was)) return;
  emit({
    rule: "type",
    old: placeOf(old.part, "type"),
    new: placeOf(now.part, "type"),
    words: `type: ${namesOf(was)} → ${namesOf(is)}`,
    ...verdicts(isSubset(possibleKinds(old.full), is), isSubset(possibleKinds(now.full), was)),
  });
}

/** Compares `enum` and `const`. */
export function compareValues({ old, new: now }: Pair, { emit }: Walk): void {
  const was = listedValues(old.part);
  const is = listedValues(now.part);
  if (canonical(was && sorted(was)) === canonical(is && sorted(is))) return;
  emit({
    rule: "values",
    old: placeOf(old.part, "enum", "const"),
    new: placeOf(now.part, "enum", "const"),
    words: `values: ${changedValues(was, is)}`,
    ...verdicts(holds(valuesOf(old.full), is), holds(valuesOf(now.full), was)),
  });
}

function listedValues(view: View): readonly unknown[] | null {
  return all(view, "enum").length + all(view, "const").length > 0 ? valuesOf(view) : null;
}

function changedValues(was: readonly unknown[] | null, is: readonly unknown[] | null): string {
  if (was === null || is === null) return `${was ? list(was) : "any"} → ${is ? list(is) : "any"}`;
  const gone = without(was, is);
  const added = without(is, was);
  const parts = [
    ...(gone.length > 0 ? [`no longer ${list(gone)}`] : []),
    ...(added.length > 0 ? [`now also ${list(added)}`] : []),
  ];
  return parts.join(", ");
}

function holds(values: readonly unknown[] | null, allowed: readonly unknown[] | null): boolean {
  if (allowed === null) return true;
  return values !== null && without(values, allowed).length === 0;
}

function without(values: readonly unknown[], others: readonly unknown[]): readonly unknown[] {
  const known = new Set(others.map(canonical));
  return values.filter((value) => !known.has(canonical(value)));
}

function sorted(values: readonly unknown[]): readonly string[] {
  return values.map(canonical).sort();
}

function list(values: readonly unknown[]): string {
  return values.map(shown).join(", ");
}

function kindsOf(name: unknown): readonly Kind[] {
  if (name === "number") return ["integer", "fraction"];
  return [...KINDS].filter((kind) => kind === name && kind !== "fraction");
}

function kindOf(value: unknown): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "fraction";
  return typeof value === "object" ? "object" : (typeof value as "string" | "boolean");
}

/** `integer or null`. */
function namesOf(kinds: ReadonlySet<Kind>): string {
  if (kinds.size === KINDS.size) return "not said";
  const names = [...kinds].filter((kind) => kind !== "fraction");
  const words = names.map((kind) =>
    kind === "integer" && kinds.has("fraction") ? "number" : kind,
  );
  return words.join(" or ") || "none";
}

export function intersect<T>(one: ReadonlySet<T>, other: ReadonlySet<T>): ReadonlySet<T> {
  return new Set([...one].filter((item) => other.has(item)));
}

function isSubset<T>(one: ReadonlySet<T>, other: ReadonlySet<T>): boolean {
  return [...one].every((item) => other.has(item));
}
