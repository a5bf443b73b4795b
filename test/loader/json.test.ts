import { expect, test } from "vitest";
import { jsonErrorOffset } from "../../src/loader/json.ts";

test.each([
  ["", 0],
  ["  ", 2],
  ["{", 1],
  ['{"a"}', 4],
  ['{"a":}', 5],
  ['{"a":1,}', 7],
  ['{"a":1 "b":2}', 7],
  ["{a:1}", 1],
  ["[1,]", 3],
  ["[1}", 2],
  ["[1 2]", 3],
  ['{"a":01}', 6],
  ["{'a':1}", 1],
  ['["\n"]', 1],
  ['["\\x"]', 1],
  ["{} {}", 3],
  ["// no\n{}", 0],
  ['{"a":\n  tru}', 8],
  ["[NaN]", 1],
])("%j stops being JSON at offset %i", (text, offset) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(jsonErrorOffset(text)).toBe(offset);
});
