/** Compares what is asked of the items of a list. */
import { itemOf, placesOf } from "./fields.ts";
import { compareCounts } from "./limits.ts";
import { isSame, only } from "./same.ts";
import { all, placeOf, type View } from "./view.ts";
import { type Pair, type Side, UNDECIDED, verdicts, type Walk } from "./walk.ts";

/** Every keyword about lists. */
export function compareLists(pair: Pair, walk: Walk): void {
  compareCounts(pair, walk, "Items");
  compareUnique(pair, walk);
  const { old, new: now } = pair;
  const places = Math.max(placesOf(old.full), placesOf(now.full));
  for (let index = 0; index <= places; index += 1) {
    const of = ({ part, full }: Side): Side => ({
      part: itemOf(part, index),
      full: itemOf(full, index),
    });
    compareItem({ old: of(old), new: of(now) }, walk);
  }
  compareContains(pair, walk);
}

/** A place that may be empty alone, or that may be filled now. */
function compareItem(pair: Pair, walk: Walk): void {
  const { old, new: now } = pair;
  if (old.part.isNever === now.part.isNever) {
    walk.into(pair);
    return;
  }
  const isAllowed = old.part.isNever;
  walk.emit({
    rule: "items",
    old: old.part.at,
    new: now.part.at,
    words: `more items: ${isAllowed ? "refused → allowed" : "allowed → refused"}`,
    ...verdicts(isAllowed || old.full.isNever, !isAllowed || now.full.isNever),
  });
}

function compareUnique({ old, new: now }: Pair, { emit }: Walk): void {
  const was = isUnique(old.part);
  const is = isUnique(now.part);
  if (was === is) return;
  emit({
    rule: "unique",
    old: placeOf(old.part, "uniqueItems"),
    new: placeOf(now.part, "uniqueItems"),
    words: `uniqueItems: ${was} → ${is}`,
    ...verdicts(!is || isUnique(old.full), !was || isUnique(now.full)),
  });
}

function isUnique(view: View): boolean {
  return all(view, "uniqueItems").some(({ value }) => value === true);
}

/** With the same schema, and at least so many of it, more is narrower. Else nobody can tell. */
function compareContains({ old, new: now }: Pair, { emit }: Walk): void {
  const was = only(old.part, ["contains", "minContains", "maxContains"]);
  const is = only(now.part, ["contains", "minContains", "maxContains"]);
  if (isSame(was, is)) return;
  const isAlike =
    isSame(only(was, ["contains", "maxContains"]), only(is, ["contains", "maxContains"])) &&
    was.parts.length === 1 &&
    is.parts.length === 1;
  const least = leastOf(was);
  const most = leastOf(is);
  const added = was.parts.length === 0;
  const removed = is.parts.length === 0;
  const isTold = isAlike || added || removed;
  emit({
    rule: "contains",
    old: placeOf(old.part, "contains"),
    new: placeOf(now.part, "contains"),
    words: `contains: ${added ? "none" : `at least ${least}`} → ${removed ? "none" : `at least ${most}`}${isTold ? "" : ", of another schema"}`,
    ...(isTold
      ? verdicts(removed || (isAlike && least >= most), added || (isAlike && most >= least))
      : UNDECIDED),
  });
}

function leastOf(view: View): number {
  const [first] = all(view, "minContains");
  return typeof first?.value === "number" ? first.value : 1;
}
