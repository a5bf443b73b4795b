/**
 * Two schemas → every difference, and what it does to publishers and consumers that run already.
 *
 * A difference is compatible for publishers if all that is valid by the old schema is valid by the
 * new, and for consumers if it is so the other way round and no field goes away. Fields that a
 * schema does not name pass, but are no part of what it promises: nobody is taken to send them
 * under a name that only the other schema has.
 */
import type { JsonSchema } from "../topology.ts";
import { compareConditions, compareUnevaluated } from "./conditions.ts";
import { compareFormats, compareNumbers, compareStrings } from "./limits.ts";
import { compareLists } from "./lists.ts";
import { compareObjects } from "./objects.ts";
import { canonical, DOCUMENTATION } from "./same.ts";
import { compareTypes, compareValues, intersect, possibleKinds } from "./types.ts";
import { compareUnions } from "./unions.ts";
import { all, pointerOf, type View, viewOf } from "./view.ts";
import {
  type Change,
  type Pair,
  pairOf,
  shown,
  UNDECIDED,
  type Verdict,
  type Verdicts,
  verdicts,
  type Walk,
} from "./walk.ts";

/** Schemas whose alternatives refer to each other over and over are given up. */
const MAX_COMPARISONS = 2_000;

/** Every difference between two schemas, in the order of the new one's keywords. */
export function compareSchemas(old: JsonSchema, now: JsonSchema): readonly Change[] {
  const changes: Change[] = [];
  const comparison = new Comparison();
  comparison.compare(pairOf(viewOf(old, "", old), viewOf(now, "", now)), {
    emit: (change) => changes.push(change),
    visited: new Set(),
    hasGivenUp: false,
  });
  return changes;
}

type Collector = {
  readonly emit: (change: Change) => void;
  /** What is compared already, or being compared further up: the same holds. */
  readonly visited: Set<string>;
  hasGivenUp: boolean;
};

class Comparison {
  #count = 0;
  readonly #ids = new Map<JsonSchema, number>();
  /** What is being compared, outermost first. */
  readonly #stack = new Set<string>();

  compare(pair: Pair, collector: Collector): void {
    const key = this.#keyOf(pair);
    if (collector.visited.has(key) || this.#stack.has(key)) return;
    collector.visited.add(key);
    this.#count += 1;
    if (this.#count > MAX_COMPARISONS) {
      if (!collector.hasGivenUp) {
        collector.emit(plain(pair, "too many alternatives to compare", UNDECIDED));
      }
      collector.hasGivenUp = true;
      return;
    }
    this.#stack.add(key);
    compareAll(pair, {
      emit: collector.emit,
      into: (inner) => this.compare(inner, collector),
      weigh: (inner) => this.#weigh(inner),
    });
    this.#stack.delete(key);
  }

  #weigh(pair: Pair): Verdicts {
    const changes: Change[] = [];
    const emit = (change: Change) => changes.push(change);
    this.compare(pair, { emit, visited: new Set(), hasGivenUp: false });
    return {
      publishers: worst(changes.map(({ publishers }) => publishers)),
      consumers: worst(changes.map(({ consumers }) => consumers)),
    };
  }

  #keyOf({ old, new: now }: Pair): string {
    return [old.part, old.full, now.part, now.full].map((view) => this.#idOf(view)).join("|");
  }

  #idOf({ parts, isNever }: View): string {
    const ids = parts.map(({ schema }) => {
      const id = this.#ids.get(schema) ?? this.#ids.size;
      this.#ids.set(schema, id);
      return id;
    });
    return isNever ? `!${ids}` : ids.join();
  }
}

function compareAll(pair: Pair, walk: Walk): void {
  const { old, new: now } = pair;
  if (old.part.isNever || now.part.isNever) compareNever(pair, walk);
  else if (old.part.isOpaque || now.part.isOpaque) compareOpaque(pair, walk);
  else compareKeywords(pair, walk);
}

function compareKeywords(pair: Pair, walk: Walk): void {
  const { old, new: now } = pair;
  compareDocumentation(pair, walk);
  compareTypes(pair, walk);
  compareValues(pair, walk);
  compareFormats(pair, walk);
  compareUnions(pair, walk);
  compareConditions(pair, walk);
  compareUnevaluated(pair, walk);
  // What only one side can be is told by the types, values and alternatives above.
  const kinds = intersect(possibleKinds(old.full), possibleKinds(now.full));
  if (kinds.has("integer") || kinds.has("fraction")) compareNumbers(pair, walk);
  if (kinds.has("string")) compareStrings(pair, walk);
  if (kinds.has("object")) compareObjects(pair, walk);
  if (kinds.has("array")) compareLists(pair, walk);
}

function compareNever(pair: Pair, { emit }: Walk): void {
  const { old, new: now } = pair;
  if (old.part.isNever && now.part.isNever) return;
  const words = now.part.isNever ? "any value → none" : "no value → some";
  const publishers = !now.part.isNever || old.full.isNever;
  const consumers = !old.part.isNever || now.full.isNever;
  emit(plain(pair, words, verdicts(publishers, consumers)));
}

function compareOpaque(pair: Pair, { emit }: Walk): void {
  const text = ({ parts }: View) => canonical(parts.map(({ schema, root }) => [schema, root]));
  if (text(pair.old.part) === text(pair.new.part)) return;
  emit(plain(pair, "a reference can't be followed: what it means can't be told", UNDECIDED));
}

function plain({ old, new: now }: Pair, words: string, weighed: Verdicts): Change {
  return { rule: "schema", old: old.part.at, new: now.part.at, words, ...weighed };
}

function compareDocumentation({ old, new: now }: Pair, { emit }: Walk): void {
  const [was] = old.part.parts;
  const [is] = now.part.parts;
  if (was === undefined || is === undefined) return;
  for (const keyword of DOCUMENTATION) {
    const before = all(old.part, keyword).map(({ value }) => value);
    const after = all(now.part, keyword).map(({ value }) => value);
    if (canonical(before) === canonical(after)) continue;
    emit({
      rule: "documentation",
      old: before.length > 0 ? pointerOf(was.at, keyword) : null,
      new: after.length > 0 ? pointerOf(is.at, keyword) : null,
      words: `${keyword}: ${shown(before[0])} → ${shown(after[0])}`,
      ...verdicts(true, true),
    });
  }
}

function worst(found: readonly Verdict[]): Verdict {
  if (found.includes("breaking")) return "breaking";
  return found.includes("undecided") ? "undecided" : "compatible";
}
