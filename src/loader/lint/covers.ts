import { matchesTopic } from "../../routing/topic.ts";

/** Stands for all the words that are in neither key. */
const OTHER = null;

/** More places at once than any key that a person writes leads to. */
const MAX_STATES = 500;

/** The parts of a key that may come next. */
type Places = ReadonlySet<number>;

/**
 * Whether a topic key takes every routing key that another one takes: `order.#` covers `order.*`.
 * Both are followed word by word, through every word that makes a difference, until one takes what
 * the other does not. False where that would take too long.
 */
export function covers(wide: string, narrow: string): boolean {
  // The shortest key that it takes; most pairs have nothing to do with each other.
  if (!matchesTopic(wide, sampleOf(narrow))) return false;
  if (!/[*#]/.test(narrow)) return true;
  const [outer, inner] = [wordsOf(wide), wordsOf(narrow)];
  const literals = [...outer, ...inner].filter((word) => word !== "*" && word !== "#");
  const alphabet = [OTHER, ...new Set(literals)];
  const states = [{ outer: start(outer), inner: start(inner) }];
  const seen = new Set<string>();
  for (const state of states) {
    if (state.inner.has(inner.length) && !state.outer.has(outer.length)) return false;
    if (states.length > MAX_STATES) return false;
    for (const word of alphabet) {
      const next = {
        outer: step(outer, state.outer, word),
        inner: step(inner, state.inner, word),
      };
      const id = `${[...next.outer].sort()} ${[...next.inner].sort()}`;
      if (next.inner.size === 0 || seen.has(id)) continue;
      seen.add(id);
      states.push(next);
    }
  }
  return true;
}

/** No key that a person writes has this word. */
function sampleOf(key: string): string {
  const words = wordsOf(key).filter((word) => word !== "#");
  return words.map((word) => (word === "*" ? "\u0000" : word)).join(".");
}

function wordsOf(key: string): readonly string[] {
  return key === "" ? [] : key.split(".");
}

function start(key: readonly string[]): Places {
  return withSkipped(key, new Set([0]));
}

function step(key: readonly string[], places: Places, word: string | typeof OTHER): Places {
  const next = new Set<number>();
  for (const place of places) {
    const expected = key[place];
    if (expected === "#") next.add(place);
    else if (expected === "*" || (expected !== undefined && expected === word)) next.add(place + 1);
  }
  return withSkipped(key, next);
}

/** `#` may stand for nothing, so what follows it may come as well. */
function withSkipped(key: readonly string[], places: Set<number>): Places {
  // A Set gives what is added while it is walked, too.
  for (const place of places) if (key[place] === "#") places.add(place + 1);
  return places;
}
