/** Compares `anyOf` and `oneOf`: each alternative with those of the other side. */
import { fieldOf } from "./fields.ts";
import { requiredOf } from "./required.ts";
import { canonical, isSame } from "./same.ts";
import { intersect, type Kind, possibleKinds, valuesOf } from "./types.ts";
import { ANY, all, both, under, type View, viewOf } from "./view.ts";
import { type Pair, type Side, type Verdict, verdicts, type Walk } from "./walk.ts";

type Keyword = "anyOf" | "oneOf";
/** Alternatives of which a value has to fit one. */
type Group = { readonly at: string; readonly branches: readonly Branch[] };
type Branch = { readonly at: string; readonly view: View };

/** One object for each, by which a comparison is known again. */
const TYPED = new Map(
  ["null", "boolean", "object", "array", "string", "number"].map((type) => [
    type,
    viewOf({ type }, "", {}),
  ]),
);

/** Compares the alternatives of both keywords. */
export function compareUnions(pair: Pair, walk: Walk): void {
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const was = groupsOf(pair.old.part, keyword);
    const is = groupsOf(pair.new.part, keyword);
    const count = was.length === is.length ? was.length : 0;
    for (const [index, old] of was.entries()) {
      const now = index < count ? is[index] : undefined;
      if (now === undefined) compareLone(old, "old", keyword, pair, walk);
      else compareGroups(old, now, keyword, pair, walk);
    }
    for (const now of is.slice(count)) compareLone(now, "new", keyword, pair, walk);
  }
}

function groupsOf(view: View, keyword: Keyword): readonly Group[] {
  return all(view, keyword).flatMap(({ value, at, part }) =>
    Array.isArray(value)
      ? [{ at, branches: value.map((_, index) => branchOf(part, keyword, index, at)) }]
      : [],
  );
}

function branchOf(part: Parameters<typeof under>[0], keyword: Keyword, index: number, at: string) {
  return { at: `${at}/${index}`, view: under(part, keyword, index) };
}

function compareGroups(old: Group, now: Group, keyword: Keyword, pair: Pair, walk: Walk): void {
  const isCertain = keyword === "anyOf" || (isApart(old, pair.old) && isApart(now, pair.new));
  if (!isCertain && !isEqual(old, now)) {
    const words = "oneOf changed: whether a value fits only one of it can't be told";
    const verdict: Verdict = "undecided";
    walk.emit({
      rule: "union",
      old: old.at,
      new: now.at,
      words,
      publishers: verdict,
      consumers: verdict,
    });
    return;
  }
  const inner = (one: Branch, other: Branch): Pair => ({
    old: within(one, pair.old),
    new: within(other, pair.new),
  });
  const { pairs, gone, added } = matched(old.branches, now.branches, (one, other) =>
    isHeld(walk.weigh(inner(one, other))),
  );
  for (const [one, other] of pairs) walk.into(inner(one, other));
  for (const one of gone) {
    const isFitting = now.branches.some(
      (other) => walk.weigh(inner(one, other)).publishers === "compatible",
    );
    walk.emit({
      rule: "union",
      old: one.at,
      new: null,
      words: `alternative of ${keyword} removed${isFitting ? ", another takes it" : ""}`,
      ...verdicts(isFitting, true),
    });
  }
  for (const other of added) {
    const isFitting = old.branches.some(
      (one) => walk.weigh(inner(one, other)).consumers === "compatible",
    );
    walk.emit({
      rule: "union",
      old: null,
      new: other.at,
      words: `alternative of ${keyword} added${isFitting ? ", another took it" : ""}`,
      ...verdicts(true, isFitting),
    });
  }
}

function isHeld({ publishers, consumers }: { publishers: Verdict; consumers: Verdict }): boolean {
  return publishers === "compatible" && consumers === "compatible";
}

/** A branch is known to stand within all that is asked beside it. */
function within({ view }: Branch, { full }: Side): Side {
  return { part: view, full: both(view, full) };
}

/** Equal ones first, then those of one kind or name; the rest came or went. */
function matched(
  old: readonly Branch[],
  now: readonly Branch[],
  isLike: (one: Branch, other: Branch) => boolean,
) {
  const gone = [...old];
  const added = [...now];
  const pairs: [Branch, Branch][] = [];
  const tests = [
    (one: Branch, other: Branch) => isSame(one.view, other.view),
    isLike,
    (one: Branch, other: Branch) => labelOf(one.view) === labelOf(other.view),
  ];
  for (const test of tests) {
    for (const one of [...gone]) {
      const other = added.find((candidate) => test(one, candidate));
      if (other === undefined) continue;
      pairs.push([one, other]);
      gone.splice(gone.indexOf(one), 1);
      added.splice(added.indexOf(other), 1);
    }
  }
  return { pairs, gone, added };
}

/** By what a reader would know an alternative again: its kinds, and its fields with one value. */
function labelOf(view: View): string {
  const names = [
    ...new Set(all(view, "properties").flatMap(({ value }) => Object.keys(value as object))),
  ];
  const constants = names.flatMap((name) => {
    const values = all(fieldOf(view, name), "const").map(({ value }) => value);
    return values.length > 0 ? [[name, values]] : [];
  });
  return canonical([[...possibleKinds(view)], constants]);
}

function isEqual(old: Group, now: Group): boolean {
  const isOne = old.branches.length === now.branches.length;
  return (
    isOne && old.branches.every(({ view }) => now.branches.some((one) => isSame(view, one.view)))
  );
}

/** Whether no value fits two of the alternatives, so that `oneOf` is `anyOf`. */
function isApart({ branches }: Group, { full }: Side): boolean {
  return branches.every((one, index) =>
    branches
      .slice(index + 1)
      .every((other) => areApart(both(one.view, full), both(other.view, full))),
  );
}

function areApart(one: View, other: View): boolean {
  const kinds = intersect(possibleKinds(one), possibleKinds(other));
  if (kinds.size === 0 || haveNoValue(one, other)) return true;
  if ([...kinds].some((kind) => kind !== "object")) return false;
  const required = intersect(requiredOf(one), requiredOf(other));
  return [...required].some((name) => {
    const fields = [fieldOf(one, name), fieldOf(other, name)] as const;
    const shared = intersect(possibleKinds(fields[0]), possibleKinds(fields[1]));
    return shared.size === 0 || haveNoValue(...fields);
  });
}

function haveNoValue(one: View, other: View): boolean {
  const values = valuesOf(one);
  const others = valuesOf(other);
  if (values === null || others === null) return false;
  const known = new Set(others.map(canonical));
  return values.every((value) => !known.has(canonical(value)));
}

/** Alternatives where the other side has none: what that side allows may fit one of them. */
function compareLone(
  group: Group,
  of: "old" | "new",
  keyword: Keyword,
  pair: Pair,
  walk: Walk,
): void {
  const other = of === "old" ? pair.new : pair.old;
  const isCertain = keyword === "anyOf" || isApart(group, pair[of]);
  const fits = typesOf(possibleKinds(other.full)).every((type) => {
    const typed = { part: ANY, full: both(other.full, TYPED.get(type) ?? ANY) };
    return group.branches.some((branch) => {
      const side = within(branch, pair[of]);
      const weighed = walk.weigh(
        of === "old" ? { old: side, new: typed } : { old: typed, new: side },
      );
      return (of === "old" ? weighed.consumers : weighed.publishers) === "compatible";
    });
  });
  const verdict: Verdict = isCertain ? (fits ? "compatible" : "breaking") : "undecided";
  walk.emit({
    rule: "union",
    old: of === "old" ? group.at : null,
    new: of === "new" ? group.at : null,
    words: `${keyword} ${of === "old" ? "removed" : "added"}`,
    publishers: of === "new" ? verdict : "compatible",
    consumers: of === "old" ? verdict : "compatible",
  });
}

function typesOf(kinds: ReadonlySet<Kind>): readonly string[] {
  const names = [...kinds].map((kind) =>
    kind === "integer" || kind === "fraction" ? "number" : kind,
  );
  return [...new Set(names)];
}
