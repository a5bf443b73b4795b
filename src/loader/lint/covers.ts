/**
 * Whether a topic key takes every routing key that another one takes: `order.#` covers `order.*`.
 * There are always words that stand in neither, so `*` is covered by `*` and `#` alone.
 */
export function covers(wide: string, narrow: string): boolean {
  const [pattern, words] = [normalized(wide), normalized(narrow)];
  // Which parts of the pattern may come next; all of them are followed at once.
  let places = afterHashes(pattern, new Set([0]));
  for (const word of words) {
    const next = new Set<number>();
    for (const place of places) {
      const expected = pattern[place];
      if (expected === "#") next.add(place);
      else if (expected === word || (expected === "*" && word !== "#")) next.add(place + 1);
    }
    places = afterHashes(pattern, next);
  }
  return places.has(pattern.length);
}

/** `#` may stand for nothing, so what follows it may come as well. */
function afterHashes(pattern: readonly string[], places: Set<number>): Set<number> {
  // A Set gives what is added while it is walked, too.
  for (const place of places) if (pattern[place] === "#") places.add(place + 1);
  return places;
}

/** In a run of wildcards their order means nothing: the `*` first, then at most one `#`. */
function normalized(key: string): readonly string[] {
  const result: string[] = [];
  for (const word of key === "" ? [] : key.split(".")) {
    const isAfterHash = result.at(-1) === "#";
    if (isAfterHash && word === "#") continue;
    if (isAfterHash && word === "*") result.splice(-1, 0, "*");
    else result.push(word);
  }
  return result;
}
