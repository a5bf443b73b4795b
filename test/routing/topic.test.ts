import { expect, test } from "vitest";
import { matchesTopic } from "../../src/routing/topic.ts";
import { createRandom } from "../support/random.ts";

test.each([
  ["a", "a", true],
  ["a", "b", false],
  ["a.b", "a", false],
  ["a", "a.b", false],
  ["", "", true],
  ["#", "", true],
  ["*", "", false],
  ["", "a", false],
  ["*", "a", true],
  ["*", "a.b", false],
  ["*.*", ".", true],
  ["*.b", ".b", true],
  ["a.*", "a.", true],
  ["a.*", "a", false],
  ["a.", "a.", true],
  ["a.", "a", false],
  ["a.#", "a", true],
  ["a.#", "a.b.c", true],
  ["a.#", "ab", false],
  ["#.c", "c", true],
  ["#.c", "a.b.c", true],
  ["#.c", "a.b.c.d", false],
  ["#.b.#", "a.b.c", true],
  ["#.b.#", "b", true],
  ["#.b.#", "a.c", false],
  ["#.#", "", true],
  ["#.*", "", false],
  ["#.*", "a.b", true],
  ["*.#", "", false],
  ["#.a.b.#.a.c", "a.b.a.b.a.c", true],
  ["#.a.*.c", "a.b.b.a.b.c", true],
  ["#.a.*.c", "a.b.b.c", false],
  ["a.*", "a.*", true],
  ["a.#", "a.#", true],
  ["order.*", "order.placed", true],
  ["order.*", "orders.placed", false],
  ["ä.*", "ä.ö", true],
])("binding key %j and routing key %j: %s", (pattern, key, expected) => {
  expect(matchesTopic(pattern, key)).toBe(expected);
});

test("agrees with the definition on random patterns and keys", () => {
  const random = createRandom(1);
  for (let round = 0; round < 20_000; round++) {
    const pattern = random.list(random.below(6), () => random.pick(["a", "b", "", "*", "#"]));
    const key = random.list(random.below(7), () => random.pick(["a", "b", ""]));
    const [one, other] = [pattern.join("."), key.join(".")];
    expect([one, other, matchesTopic(one, other)]).toEqual([one, other, defined(one, other)]);
  }
});

test("many # need no more than pattern times key steps", () => {
  const pattern = Array(64).fill("#.a").join(".");
  const key = Array(127).fill("a").join(".");
  const started = performance.now();
  expect(matchesTopic(`${pattern}.b`, key)).toBe(false);
  expect(performance.now() - started).toBeLessThan(1_000);
});

/** The definition, as directly as it can be written. */
function defined(pattern: string, key: string): boolean {
  const words = (text: string) => (text === "" ? [] : text.split("."));
  const match = ([first, ...rest]: string[], given: string[]): boolean => {
    if (first === undefined) return given.length === 0;
    if (first === "#")
      return match(rest, given) || (given.length > 0 && match([first, ...rest], given.slice(1)));
    return given.length > 0 && (first === "*" || first === given[0]) && match(rest, given.slice(1));
  };
  return match(words(pattern), words(key));
}
