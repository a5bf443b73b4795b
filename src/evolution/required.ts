/** Which fields have to be there, always or beside others. */
import { all, placeOf, type View } from "./view.ts";
import { type Pair, shown, verdicts, type Walk } from "./walk.ts";

/** Compares `required`. */
export function compareRequired({ old, new: now }: Pair, { emit }: Walk): void {
  const was = requiredOf(old.part);
  const is = requiredOf(now.part);
  for (const name of new Set([...was, ...is])) {
    if (was.has(name) === is.has(name)) continue;
    const isAdded = is.has(name);
    emit({
      rule: "required",
      old: placeOf(old.part, "required"),
      new: placeOf(now.part, "required"),
      words: `property ${shown(name)}: ${isAdded ? "optional → required" : "required → optional"}`,
      ...verdicts(
        !isAdded || requiredOf(old.full).has(name),
        isAdded || requiredOf(now.full).has(name),
      ),
    });
  }
}

/** The names of fields that have to be there. */
export function requiredOf(view: View): ReadonlySet<string> {
  const names = all(view, "required").flatMap(({ value }) => (Array.isArray(value) ? value : []));
  return new Set(names);
}

/** Compares `dependentRequired`, and the lists of `dependencies`. */
export function compareDependentNames({ old, new: now }: Pair, { emit }: Walk): void {
  const was = dependentOf(old.part);
  const is = dependentOf(now.part);
  const holds = (full: View, asked: string) => {
    const [, name = ""] = JSON.parse(asked) as readonly string[];
    return dependentOf(full).has(asked) || requiredOf(full).has(name);
  };
  for (const asked of new Set([...was, ...is])) {
    if (was.has(asked) === is.has(asked)) continue;
    const [given = "", name = ""] = JSON.parse(asked) as readonly string[];
    const isAdded = is.has(asked);
    emit({
      rule: "dependent",
      old: placeOf(old.part, "dependentRequired", "dependencies"),
      new: placeOf(now.part, "dependentRequired", "dependencies"),
      words: `with ${shown(given)}, ${shown(name)} ${isAdded ? "becomes" : "is no longer"} required`,
      ...verdicts(!isAdded || holds(old.full, asked), isAdded || holds(now.full, asked)),
    });
  }
}

/** Pairs of a field and one that it demands, as JSON. */
function dependentOf(view: View): ReadonlySet<string> {
  const maps = [...all(view, "dependentRequired"), ...all(view, "dependencies")];
  const pairs = maps.flatMap(({ value }) =>
    Object.entries(value as object).flatMap(([given, names]) =>
      Array.isArray(names) ? names.map((name) => JSON.stringify([given, name])) : [],
    ),
  );
  return new Set(pairs);
}
