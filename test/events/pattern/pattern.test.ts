import { expect, test } from "vitest";
import { checkPattern, compilePattern } from "../../../src/events/pattern/pattern.ts";
import { createRandom, type Random } from "../../support/random.ts";
import { leastCpuMs } from "../cpu.ts";

const points = ["a", "b", "A", "_", "-", "0", "9", " ", "\n", "\r", "\u2028", "é", "日", "😀", "/"];
const atoms = [
  ...["a", "b", "é", "日", "😀", "0", "-", "/", ".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S"],
  ...["\\n", "\\r", "\\t", "\\v", "\\f", "\\0", "\\cJ", "\\x61", "\\u0061", "\\u{1F600}", "\\/"],
  ...["\\ud83d\\ude00", "\\ud83d", "\\p{L}", "\\P{L}", "\\p{Lu}", "\\p{Script=Han}", "\\.", "\\$"],
  ...["[ab]", "[^ab]", "[a-z0-9_-]", "[^\\d\\s]", "[\\w-]", "[-a]", "[\\b]", "[\\]a]", "[]", "[^]"],
  ...[
    "[\\u{1F600}-\\u{1F64F}]",
    "[\\ud83d\\ude00]",
    "[^😀]",
    "[\\p{L}\\-]",
    "[\\x30-\\x39]",
    "[.]",
  ],
];
const assertions = ["^", "$", "\\b", "\\B"];
const counts = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,}", "{0,2}", "{1,3}?"];

function randomPattern(random: Random, depth: number): string {
  const terms = random.list(1 + random.below(4), () => {
    if (random.below(6) === 0) return random.pick(assertions);
    const isGroup = depth < 3 && random.below(3) === 0;
    const atom = isGroup
      ? `${random.pick(["(", "(?:", "(?<n>"])}${randomPattern(random, depth + 1)})`
      : random.pick(atoms);
    return random.below(3) === 0 ? atom + random.pick(counts) : atom;
  });
  const text = terms.join("");
  return random.below(4) === 0 ? `${text}|${randomPattern(random, depth + 1)}` : text;
}

test("a random pattern is found in a random text exactly where RegExp finds it", () => {
  const random = createRandom(5);
  const seen = { compared: 0, found: 0, tooLarge: 0 };
  for (let round = 0; round < 4_000; round++) {
    const pattern = randomPattern(random, 0);
    let native: RegExp;
    try {
      native = new RegExp(pattern, "u");
    } catch {
      // A name that stands twice: nobody takes it.
      expect(checkPattern(pattern), pattern).toMatch(/^is no regular expression: /);
      continue;
    }
    if (checkPattern(pattern)?.startsWith("has too many states")) {
      seen.tooLarge += 1;
      continue;
    }
    const compiled = compilePattern(pattern);
    // V8 finds \B between the two halves of a character too, where the specification never looks.
    const usable = pattern.includes("\\B") ? points.filter((point) => point !== "😀") : points;
    for (let count = 0; count < 20; count++) {
      const text = random.list(random.below(9), () => random.pick(usable)).join("");
      const isFound = native.test(text);
      expect([pattern, text, compiled.test(text)]).toEqual([pattern, text, isFound]);
      seen.compared += 1;
      if (isFound) seen.found += 1;
    }
  }
  // Neither a generator whose patterns all fail, nor one that only says yes, would show anything.
  expect(seen.tooLarge).toBeLessThan(40);
  expect(seen.compared).toBeGreaterThan(50_000);
  expect(seen.found / seen.compared).toBeGreaterThan(0.2);
  expect(seen.found / seen.compared).toBeLessThan(0.8);
});

test.each([...atoms, "^.$", "^\\w$", "^[^a-z]$", "\\bx?\\b"])(
  "%s takes the same of all code points as RegExp does",
  (atom) => {
    const native = new RegExp(atom, "u");
    const compiled = compilePattern(atom);
    const differing: number[] = [];
    for (let point = 0; point <= 0x10ffff; point += point < 0x3100 ? 1 : 7) {
      const text = String.fromCodePoint(point);
      if (native.test(text) !== compiled.test(text)) differing.push(point);
    }
    expect(differing).toEqual([]);
  },
);

test.each([
  ["^[0-9]{13}$", "9781234567897", true],
  ["^[0-9]{13}$", "978123456789", false],
  ["^[A-Z]{3}$", "EUR\n", false],
  ["^(a+)+$", "a".repeat(40), true],
  ["b", "abc", true],
  ["", "", true],
  ["^(?:red|green|blue)$", "green", true],
  ["^(?<year>\\d{4})-\\d{2}$", "2026-11", true],
])("%s in %j: %s", (pattern, text, isFound) => {
  expect(compilePattern(pattern).test(text)).toBe(isFound);
});

test.each([
  ["(", /^is no regular expression: Unterminated group$/],
  ["a{2,1}", /^is no regular expression: numbers out of order/],
  ["\\-", /^is no regular expression: Invalid escape$/],
  ["(a)\\1", /^refers back to a group, /],
  ["(?<n>a)\\k<n>", /^refers back to a group, /],
  ["a(?=b)", /^looks around with \(\?=, /],
  ["a(?!b)", /^looks around with \(\?!, /],
  ["(?<=a)b", /^looks around with \(\?<=, /],
  ["(?<!a)b", /^looks around with \(\?<!, /],
  ["a.{40}b", /^has too many states to be worked out beforehand: /],
  ["^(((a{100}){100}){100}){100}$", /^has too many states to be worked out beforehand: /],
])("%s is refused, and why", (pattern, problem) => {
  expect(checkPattern(pattern)).toMatch(problem);
});

test("a pattern is refused that is too long, or too deep for the engine that is asked first", () => {
  expect(checkPattern("a".repeat(20_000))).toBe("is 20000 characters long, at most 16384");
  for (const deep of ["(".repeat(60) + ")".repeat(60), "(".repeat(16_000)]) {
    expect(checkPattern(deep)).toBe("is nested deeper than 50 levels");
  }
});

test("brackets behind a backslash are no levels, and 50 levels are none too many", () => {
  expect(checkPattern("\\(".repeat(100))).toBe(null);
  expect(checkPattern("(".repeat(50) + ")".repeat(50))).toBe(null);
});

test.each([
  "^(a+)+$",
  "(x+x+)+y",
  "^([a-zA-Z0-9]+\\s?)*$",
  "(a|aa)+$",
  "(.*a){20}$",
  "^(?:a?){50}a{50}$",
  ".*.*.*=.*",
  "\\p{L}+!",
  "^.{0,1000}$",
])("%s takes less than 50 ms on any text of 1 MiB", (pattern) => {
  const compiled = compilePattern(pattern);
  for (const unit of ["a", "ax", "aaaaaaab", "a ", "é", "日😀", "="]) {
    const text = `${unit.repeat(Math.floor((1024 * 1024) / Buffer.byteLength(unit)))}!`;
    expect(
      leastCpuMs(() => compiled.test(text)),
      unit,
    ).toBeLessThan(50);
  }
});
