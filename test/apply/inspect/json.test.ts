import { expect, test } from "vitest";
import { parseJson } from "../../../src/apply/inspect/json.ts";

const double = (value: number) => ({ "!": "double", value });

test.each([
  ["[1, -1, 0, 1.5, -2.5e-3]", [1, -1, 0, 1.5, -0.0025]],
  ["[10.0, 1e3, 1.0e22, -0.0]", [double(10), double(1_000), double(1e22), double(0)]],
  ["[9007199254740991, 1152921504606846976]", [Number.MAX_SAFE_INTEGER, 2 ** 60]],
  ["9007199254740993", { "!": "long", value: "9007199254740993" }],
  ["-9223372036854775807", { "!": "long", value: "-9223372036854775807" }],
  [`1${"0".repeat(400)}`, { "!": "long", value: `1${"0".repeat(400)}` }],
  [
    '{"10.0": "1.0", "a\\"10.0": "\\\\", "b": 2.0}',
    { "10.0": "1.0", 'a"10.0': "\\", b: double(2) },
  ],
  ['["é \\u0001", true, false, null]', ["é \u0001", true, false, null]],
])("%s", (text, expected) => {
  expect(parseJson(text)).toEqual(expected);
});

test.each(['{"a": 1', "01", "1.", "{'a': 1}", "", '"open', "[1.0.0]"])("%s is no JSON", (text) => {
  expect(() => parseJson(text)).toThrow(SyntaxError);
});

test("a string of a million characters is passed over", () => {
  const text = `${'\\"1.0'.repeat(200_000)}`;
  expect(parseJson(`["${text}", 1.0]`)).toEqual(['"1.0'.repeat(200_000), double(1)]);
});
