import { expect, test } from "vitest";
import { formatQuantity, maxAgeOf, parseQuantity } from "../../src/loader/units.ts";

test.each([
  ["0s", 0],
  ["1ms", 1],
  ["500ms", 500],
  ["30s", 30_000],
  ["1.5s", 1_500],
  ["1.1s", 1_100],
  ["0.001s", 1],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["7d", 604_800_000],
])("the duration %s is %i ms", (text, value) => {
  expect(parseQuantity("duration", text)).toEqual({ ok: true, value });
});

test.each([
  ["0B", 0],
  ["512B", 512],
  ["64KiB", 65_536],
  ["64kB", 64_000],
  ["0.5KiB", 512],
  ["10MiB", 10_485_760],
  ["10MB", 10_000_000],
  ["1GiB", 1_073_741_824],
  ["1GB", 1_000_000_000],
])("the size %s is %i bytes", (text, value) => {
  expect(parseQuantity("size", text)).toEqual({ ok: true, value });
});

test.each([
  ["", "a bare number and no unit have no meaning"],
  ["60", "no unit"],
  ["s", "no number"],
  ["1 s", "a space"],
  ["1S", "an unknown unit"],
  ["1week", "an unknown unit"],
  ["1h30m", "two units"],
  ["-1s", "a sign"],
  ["+1s", "a sign"],
  ["01s", "a leading zero"],
  ["1.s", "no fraction"],
  [".5s", "no whole part"],
  ["1e3s", "an exponent"],
  ["1_000s", "an underscore"],
  ["0.5ms", "not whole milliseconds"],
  ["1.0005s", "not whole milliseconds"],
  ["99999999999999999999d", "too large to be exact"],
  ["1KiB", "a size"],
])("%j is no duration: %s", (text) => {
  expect(parseQuantity("duration", text).ok).toBe(false);
});

test.each(["1", "1b", "1gb", "1KB", "1 GiB", "0.5B", "1TiB", "5s"])("%j is no size", (text) => {
  expect(parseQuantity("size", text).ok).toBe(false);
});

test("what is wrong is said with the value and what was expected", () => {
  expect(parseQuantity("duration", "1 s")).toEqual({
    ok: false,
    message: 'must be a duration such as 500ms, 30s, 5m, 1h or 7d, found "1 s"',
  });
  expect(parseQuantity("size", "0.5B")).toEqual({
    ok: false,
    message: "must be whole bytes, found 0.5B",
  });
});

test.each([
  ["duration", 0, "0ms"],
  ["duration", 60_000, "1m"],
  ["duration", 90_000, "90s"],
  ["duration", 1_500, "1500ms"],
  ["size", 65_536, "64KiB"],
  ["size", 2_000, "2kB"],
] as const)("a %s of %i is written %s", (kind, value, text) => {
  expect(formatQuantity(kind, value)).toBe(text);
});

test.each([
  ["7d", "7D"],
  ["168h", "168h"],
  ["90m", "90m"],
  ["5s", "5s"],
  ["1.5d", "36h"],
  ["90000ms", "90s"],
])("the age %s is written %s for a broker", (text, written) => {
  expect(maxAgeOf(text)).toBe(written);
});
