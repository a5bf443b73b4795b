import { expect, test } from "vitest";
import { FAULTS, longSchedule, type Schedule, shortSchedule } from "../../chaos/schedule.ts";

const names = (schedule: Schedule) =>
  Object.values(schedule)
    .flat()
    .map(({ fault }) => fault.name);

test("a seed decides the schedule, and another seed another one", () => {
  expect(longSchedule(7, 120)).toEqual(longSchedule(7, 120));
  expect(longSchedule(8, 120)).not.toEqual(longSchedule(7, 120));
  expect(shortSchedule(7, 30)).toEqual(shortSchedule(7, 30));
});

test("a short schedule always has what must not be missing, in order within each lane", () => {
  for (let seed = 0; seed < 100; seed++) {
    const schedule = shortSchedule(seed, 30);
    expect(names(schedule)).toEqual(
      expect.arrayContaining(["CUT", "UNBIND", "KILL9", "SIGKILL", "SIGTERM", "RELOAD"]),
    );
    for (const lane of Object.values(schedule)) {
      const times = lane.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(Math.max(0, ...times)).toBeLessThan(30_000);
    }
  }
});

test("among the short schedules there is every fault that is not too long for them", () => {
  const seen = new Set(
    Array.from({ length: 100 }, (_, seed) => names(shortSchedule(seed, 30))).flat(),
  );
  const missing = FAULTS.map(({ name }) => name).filter((name) => !seen.has(name));
  expect(missing.sort()).toEqual(["DISK", "FREEZE", "RESTART", "SIGSTOP"]);
});

test("a long schedule has every fault at least twice", () => {
  const all = names(longSchedule(1, 120));
  for (const { name } of FAULTS) expect(all.filter((one) => one === name)).toHaveLength(2);
  expect(names(longSchedule(1, 600)).filter((name) => name === "CUT")).toHaveLength(10);
});
