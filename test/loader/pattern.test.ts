import { expect, test } from "vitest";
import { readPattern } from "../../src/loader/pattern.ts";

test.each([
  ["orders", "my.orders.new", true],
  ["^orders", "my.orders", false],
  ["^orders\\.", "orders.new", true],
  ["^(?!warren\\.)", "warren.shop.state", false],
  ["(?i)^ORDERS$", "orders", true],
  ["(?<=a)b", "ab", true],
  ["a{2}", "aa", true],
  ["^[a-z]+$", "a1", false],
])("the pattern %s is found in %s: %s", (pattern, name, expected) => {
  const read = readPattern(pattern);
  expect(read.ok && read.matches?.(name)).toBe(expected);
});

test.each([
  "(?P<name>a)",
  "(?>a)",
  "(?#comment)a",
  "(?i:a)",
  "a(?i)b",
  "(a)(?1)",
  "(?(1)a|b)",
  "a++",
  "a*+",
  "[[:alpha:]]",
  "[]a]",
  "\\Aa\\z",
  "\\Qa.b\\E",
  "(*UTF8)a",
  // Here the broker gives up by itself, and this process would not.
  "(a+)+$",
])("what %s is found in, the broker alone can tell", (pattern) => {
  expect(readPattern(pattern)).toEqual({ ok: true, matches: null });
});

test.each([
  ["(", "is no regular expression: Unterminated group"],
  ["a)", "is no regular expression: Unmatched ')'"],
  ["*a", "is no regular expression: Nothing to repeat"],
  ["[a", "is no regular expression: Unterminated character class"],
  ["[b-a]", "is no regular expression: Range out of order in character class"],
  ["a{2,1}", "is no regular expression: numbers out of order in {} quantifier"],
  ["\\u0041", "has \\u, which PCRE does not know"],
  ["\\\\\\N{DASH}", "has \\N{, which PCRE does not know"],
  ["é".repeat(513), "is 1026 bytes, at most 1024"],
])("%s is refused: %s", (pattern, problem) => {
  expect(readPattern(pattern)).toEqual({ ok: false, problem });
});

test("an escaped backslash before a letter is no escape", () => {
  const read = readPattern("a\\\\u");
  expect(read.ok && read.matches?.("a\\u")).toBe(true);
});
