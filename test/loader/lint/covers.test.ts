import { expect, test } from "vitest";
import { covers } from "../../../src/loader/lint/covers.ts";
import { matchesTopic } from "../../../src/routing/topic.ts";

test.each([
  ["#", "a.b", true],
  ["#", "", true],
  ["order.*", "order.placed", true],
  ["order.#", "order.*", true],
  ["order.#", "order", true],
  ["order.*", "order.#", false],
  ["order.*", "order", false],
  ["*", "", false],
  ["*.#", "#.*", true],
  ["#.*", "*.#", true],
  ["*.*", "*.#", false],
  ["a.#.b", "a.b", true],
  ["a.#.b", "a.*.c.b", true],
  ["a.#.b", "a.#", false],
  ["*.x", "x.*", false],
])("%j covers %j: %s", (wide, narrow, expected) => {
  expect(covers(wide, narrow)).toBe(expected);
});

/** Every sequence of these words with up to `length` of them. */
function sequences(words: readonly string[], length: number): readonly string[] {
  let last: readonly string[] = [""];
  const all = [""];
  for (let count = 1; count <= length; count++) {
    last = last.flatMap((head) => words.map((word) => (head === "" ? word : `${head}.${word}`)));
    all.push(...last);
  }
  return all;
}

test("one key covers another exactly if it takes whatever that takes", () => {
  // A word in no pattern, and two more of them than a pattern has parts, tell any two apart.
  const keys = sequences(["a", "b", "c"], 5);
  const patterns = sequences(["a", "b", "*", "#"], 3).map((pattern) => ({
    pattern,
    taken: keys.filter((key) => matchesTopic(pattern, key)),
  }));
  const wrong: string[] = [];
  for (const wide of patterns) {
    const takes = new Set(wide.taken);
    for (const narrow of patterns) {
      const expected = narrow.taken.every((key) => takes.has(key));
      if (covers(wide.pattern, narrow.pattern) !== expected) {
        wrong.push(`${wide.pattern} covers ${narrow.pattern}: ${!expected}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});
