/** Compares what is asked of the fields of an object. */
import { fieldOf, isMentioned, namesOf, otherFieldsOf, patternsOf } from "./fields.ts";
import { compareCounts } from "./limits.ts";
import { compareDependentNames, compareRequired, requiredOf } from "./required.ts";
import { isSame, only } from "./same.ts";
import { all, both, placeOf, pointerOf, under, type View } from "./view.ts";
import {
  type Pair,
  type Side,
  shown,
  UNDECIDED,
  type Verdicts,
  verdicts,
  type Walk,
} from "./walk.ts";

/** Every keyword about objects. */
export function compareObjects(pair: Pair, walk: Walk): void {
  compareCounts(pair, walk, "Properties");
  const { old, new: now } = pair;
  for (const name of new Set([...namesOf(old.full), ...namesOf(now.full)])) {
    compareField(name, pair, walk);
  }
  compareRequired(pair, walk);
  compareDependentNames(pair, walk);
  comparePatterns(pair, walk);
  compareOthers(pair, walk);
  compareNames(pair, walk);
}

function compareField(name: string, pair: Pair, walk: Walk): void {
  const { old, new: now } = pair;
  const was = namesOf(old.full).includes(name);
  const is = namesOf(now.full).includes(name);
  const field = fieldPair(name, pair);
  const isHere = [old.part, now.part].some((view) => namesOf(view).includes(name));
  if ((was && is) || !isHere) {
    walk.into(field);
    return;
  }
  // What is not named is not sent, but where something else speaks of it after all.
  const isSaid = requiredOf(old.full).has(name) || isMentioned(old.full, name);
  const isUnsaid = isSilent(field.old.full) && !isSaid;
  const weighed = walk.weigh(field);
  const said = was ? old.part : now.part;
  const at = placeIn(said, name);
  walk.emit({
    rule: "property",
    old: was ? at : null,
    new: was ? null : at,
    words: `property ${shown(name)} ${was ? "removed, was" : "added:"} ${brief(fieldOf(said, name))}`,
    publishers: !was && isUnsaid ? "compatible" : weighed.publishers,
    // A field that goes away is missed by those that read it.
    consumers: was ? "breaking" : weighed.consumers,
  });
}

function isSilent({ parts, isNever }: View): boolean {
  return parts.length === 0 && !isNever;
}

function fieldPair(name: string, { old, new: now }: Pair): Pair {
  const of = ({ part, full }: Side): Side => ({
    part: fieldOf(part, name),
    full: fieldOf(full, name),
  });
  return { old: of(old), new: of(now) };
}

function placeIn(view: View, name: string): string | null {
  const part = view.parts.find(({ schema }) =>
    Object.hasOwn((schema.properties as object | undefined) ?? {}, name),
  );
  return part === undefined ? null : pointerOf(part.at, "properties", name);
}

/** What a field is, in a few words: its type, or all that its schema says. */
function brief(view: View): string {
  if (view.isNever) return "nothing";
  const [type] = all(view, "type");
  if (type !== undefined) return [type.value].flat().join(" or ");
  return view.parts[0] === undefined ? "anything" : shown(view.parts[0].schema);
}

/** The fields of a pattern; those that match and have a name are compared by their name. */
function comparePatterns(pair: Pair, walk: Walk): void {
  const { old, new: now } = pair;
  const was = patternsOf(old.part);
  const is = patternsOf(now.part);
  const patterns = new Set([...was, ...is]);
  // A name may match several: what is asked of it then is more than the comparisons of each.
  const isTangled = [old.full, now.full].some((view) => all(view, "patternProperties").length > 1);
  const isChanged = was.length !== patterns.size || is.length !== patterns.size;
  if (isTangled || (isChanged && patterns.size > 1)) {
    compareTangled(pair, walk);
    return;
  }
  for (const pattern of patterns) {
    const of = (view: View) => matchingOf(view, pattern);
    const field = { old: sideOf(old, of), new: sideOf(now, of) };
    if (!isChanged) walk.into(field);
    else emitPattern(pattern, is.includes(pattern), pair, walk.weigh(field), walk);
  }
}

function emitPattern(
  pattern: string,
  isAdded: boolean,
  { old, new: now }: Pair,
  weighed: Verdicts,
  { emit }: Walk,
): void {
  emit({
    rule: "pattern-fields",
    old: isAdded ? null : placeOf(old.part, "patternProperties"),
    new: isAdded ? placeOf(now.part, "patternProperties") : null,
    words: `fields that match ${shown(pattern)} ${isAdded ? "added" : "removed"}`,
    publishers: weighed.publishers,
    consumers: isAdded ? weighed.consumers : "breaking",
  });
}

function compareTangled({ old, new: now }: Pair, { emit }: Walk): void {
  const keywords = ["patternProperties", "additionalProperties"];
  if (isSame(only(old.part, keywords), only(now.part, keywords))) return;
  emit({
    rule: "pattern-fields",
    old: placeOf(old.part, "patternProperties"),
    new: placeOf(now.part, "patternProperties"),
    words: "several patterns of fields, of which not all are as they were",
    ...UNDECIDED,
  });
}

function sideOf({ part, full }: Side, of: (view: View) => View): Side {
  return { part: of(part), full: of(full) };
}

/** What is asked of the fields that match a pattern and have no name of their own. */
function matchingOf(view: View, pattern: string): View {
  if (!patternsOf(view).includes(pattern)) return otherFieldsOf(view);
  const views = view.parts.map((part) => {
    const isSaid = patternsOf({ ...view, parts: [part] }).includes(pattern);
    return isSaid ? under(part, "patternProperties", pattern) : under(part, "additionalProperties");
  });
  return both(...views);
}

/** Fields that nothing names: allowed, allowed with a schema, or not. */
function compareOthers({ old, new: now }: Pair, walk: Walk): void {
  const pair = { old: sideOf(old, otherFieldsOf), new: sideOf(now, otherFieldsOf) };
  if (pair.old.part.isNever === pair.new.part.isNever) {
    walk.into(pair);
    return;
  }
  const place = (view: View) => placeOf(view, "additionalProperties", "unevaluatedProperties");
  const isClosed = pair.new.part.isNever;
  walk.emit({
    rule: "other-fields",
    old: place(old.part),
    new: place(now.part),
    words: `fields without a name here: ${isClosed ? "allowed → refused" : "refused → allowed"}`,
    ...verdicts(!isClosed || pair.old.full.isNever, isClosed || pair.new.full.isNever),
  });
}

function compareNames({ old, new: now }: Pair, walk: Walk): void {
  const of = (view: View) =>
    both(...all(view, "propertyNames").map(({ part }) => under(part, "propertyNames")));
  const pair = { old: sideOf(old, of), new: sideOf(now, of) };
  if (isSame(pair.old.part, pair.new.part)) return;
  walk.emit({
    rule: "field-names",
    old: placeOf(old.part, "propertyNames"),
    new: placeOf(now.part, "propertyNames"),
    words: `names of fields: ${brief(pair.old.part)} → ${brief(pair.new.part)}`,
    ...walk.weigh(pair),
  });
}
