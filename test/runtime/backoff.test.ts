import { describe, expect, test, vi } from "vitest";
import { WarrenError } from "../../src/errors.ts";
import { backoffMs, ReconnectBackoff } from "../../src/runtime/backoff.ts";

const silence = Object.assign(new Error("nobody"), { code: "ECONNREFUSED" });
const refusal = new WarrenError("access-refused", "no");
const cut = Object.assign(new Error("cut"), { code: "ECONNRESET" });
const verdict = Object.assign(new Error("541"), { code: 541 });

test("a pause is anywhere below a bound that doubles with each failure, up to ten seconds", () => {
  const bounds = [0, 1, 2, 3, 6, 7, 100].map((failures) => longest(() => backoffMs(failures)));
  expect(bounds).toEqual([100, 200, 400, 800, 6_400, 10_000, 10_000]);
  const pauses = Array.from({ length: 2_000 }, () => backoffMs(3));
  expect(Math.min(...pauses)).toBeLessThan(80);
  expect(Math.max(...pauses)).toBeGreaterThan(720);
});

describe("the next attempt comes", () => {
  const cases: [string, (backoff: ReconnectBackoff) => void, number][] = [
    ["at once for a connection that held", (one) => one.lost(cut, 60_000), 100],
    ["at once though the broker ended it", (one) => one.lost(verdict, 60_000), 100],
    ["soon after a short one", (one) => one.lost(cut, 10), 200],
    ["soon after many short ones", (one) => times(20, () => one.lost(cut, 10)), 500],
    ["soon where nobody answers", (one) => times(20, () => one.failed(silence)), 500],
    ["later after every refusal", (one) => times(3, () => one.failed(refusal)), 800],
    ["at the latest in ten seconds", (one) => times(20, () => one.failed(refusal)), 10_000],
    ["later after every end of the broker's", (one) => times(3, () => one.lost(verdict, 10)), 800],
    [
      "soon where nobody answers after refusals",
      (one) => {
        times(20, () => one.failed(refusal));
        one.failed(silence);
      },
      200,
    ],
    [
      "as late as before, where the broker refuses again",
      (one) => {
        times(4, () => one.failed(refusal));
        one.failed(silence);
        one.failed(refusal);
      },
      3_200,
    ],
  ];
  test.each(cases)("%s", (_title, happen, boundMs) => {
    const backoff = new ReconnectBackoff();
    happen(backoff);
    expect(longest(() => backoff.nextMs())).toBe(boundMs);
  });
});

/** What a pause would be with the largest random number. */
function longest(pause: () => number): number {
  const random = vi.spyOn(Math, "random").mockReturnValue(1);
  try {
    return pause();
  } finally {
    random.mockRestore();
  }
}

function times(count: number, happen: () => void): void {
  for (let n = 0; n < count; n++) happen();
}
