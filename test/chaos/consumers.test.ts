import { expect, test } from "vitest";
import type { Evidence } from "../../chaos/consumers/evidence.ts";
import { planMessages, type Sent } from "../../chaos/consumers/plan.ts";
import type { JobRun, Script } from "../../chaos/consumers/project/src/job.ts";
import { reconcile, repeats, type Violations } from "../../chaos/consumers/reconcile.ts";
import { report } from "../../chaos/consumers/report.ts";
import type { Found } from "../../chaos/evidence.ts";

const sent = (script: Script, more: Partial<Sent> = {}): Sent => ({
  id: "a",
  n: 0,
  queue: "classic_jobs",
  script,
  isConfirmed: true,
  ...more,
});
const run = (outcome: JobRun["outcome"], more: Partial<JobRun> = {}): JobRun => ({
  id: "a",
  queue: "classic_jobs",
  attempt: 1,
  redelivered: false,
  pid: 1,
  thread: 1,
  start: 10,
  end: 20,
  outcome,
  ...more,
});
const letter = (reason: string, attempts: number, more: Partial<Found> = {}): Found => ({
  queue: "dead_letters",
  id: "a",
  reason,
  attempts,
  ...more,
});

/** Each of three attempts with this outcome. */
const three = (outcome: JobRun["outcome"]) => [1, 2, 3].map((attempt) => run(outcome, { attempt }));
const again = (outcome: JobRun["outcome"], more: Partial<JobRun> = {}) =>
  run(outcome, { thread: 2, start: 600, end: 610, ...more });
/** Another message, which ends the thread. */
const death = (end: number) => run("died", { id: "killer", start: end, end });

/** One message that went as its script says, unless the parts say otherwise. */
function evidence(one: Sent, parts: Partial<Evidence>): Evidence {
  return {
    seed: 1,
    version: "3.10.8",
    sent: [one],
    runs: [run("handled")],
    dead: [],
    left: [],
    block: null,
    isDone: true,
    troubles: [],
    log: {},
    samples: [],
    ...parts,
  };
}

const nothing: Violations = {
  lost: [],
  unexpected: [],
  badAttempts: [],
  badEnd: [],
  repeated: [],
  stuck: [],
  other: [],
};

test.for<[what: string, Script, Partial<Evidence>]>([
  ["is handled", "fine", {}],
  [
    "throws once",
    "once",
    { runs: [run("threw"), run("handled", { attempt: 2, start: 50, end: 60 })] },
  ],
  ["always throws", "always", { runs: three("threw"), dead: [letter("handler-failed", 3)] }],
  ["hangs", "hang", { runs: three("hung"), dead: [letter("handler-timeout", 3)] }],
  [
    "calls process.exit",
    "exit",
    {
      runs: [run("exited"), run("exited"), run("exited")],
      dead: [letter("handler-crash", 1)],
    },
  ],
  [
    "ends its thread",
    "die",
    { runs: [run("died"), again("died"), again("died")], dead: [letter("handler-crash", 1)] },
  ],
])("nothing is wrong with a message that %s", ([, script, parts]) => {
  expect(reconcile(evidence(sent(script), parts))).toEqual(nothing);
});

test.for<[what: string, Script, Partial<Evidence>, Partial<Violations>]>([
  [
    "a message that nobody has",
    "fine",
    { runs: [] },
    {
      lost: ["a (classic_jobs, fine)"],
      badAttempts: ["a (classic_jobs, fine): attempts none"],
    },
  ],
  [
    "a message that nobody sent",
    "fine",
    { runs: [run("handled"), run("handled", { id: "b" })], dead: [] },
    { unexpected: ["b"] },
  ],
  [
    "a dead letter that nobody sent",
    "fine",
    { dead: [letter("handler-failed", 3, { id: "c" })] },
    { unexpected: ["c"] },
  ],
  [
    "an attempt too many",
    "once",
    { runs: [run("threw"), again("handled", { attempt: 3 })] },
    { badAttempts: ["a (classic_jobs, once): attempts 1,3"] },
  ],
  [
    "an attempt too few",
    "always",
    { runs: three("threw").slice(0, 2), dead: [letter("handler-failed", 2)] },
    {
      badAttempts: ["a (classic_jobs, always): attempts 1,2"],
      badEnd: ["a (classic_jobs, always): dead with handler-failed after attempt 2"],
    },
  ],
  [
    "another outcome of an attempt",
    "once",
    { runs: [run("threw"), again("threw", { attempt: 2 })] },
    { lost: ["a (classic_jobs, once)"], badAttempts: ["a (classic_jobs, once): attempt 2 threw"] },
  ],
  [
    "a crash too few",
    "exit",
    { runs: [run("exited"), run("exited")], dead: [letter("handler-crash", 1)] },
    { badAttempts: ["a (classic_jobs, exit): run 2 times"] },
  ],
  [
    "a crash too many",
    "die",
    {
      runs: [run("died"), again("died"), again("died"), again("died", { thread: 3 })],
      dead: [letter("handler-crash", 1)],
    },
    { repeated: ["a (classic_jobs, die): attempt 1 run 1 times more, 0 explained"] },
  ],
  [
    "the handler of another queue",
    "fine",
    { runs: [run("handled", { queue: "quorum_jobs" })] },
    { badAttempts: ["a (classic_jobs, fine): run for another queue"] },
  ],
  [
    "another cause of death",
    "hang",
    { runs: three("hung"), dead: [letter("handler-crash", 3)] },
    { badEnd: ["a (classic_jobs, hang): dead with handler-crash after attempt 3"] },
  ],
  [
    "a message that did not die",
    "exit",
    { runs: [run("exited"), run("exited"), run("exited")] },
    { lost: ["a (classic_jobs, exit)"], badEnd: ["a (classic_jobs, exit): not dead"] },
  ],
  [
    "a message that died twice",
    "always",
    {
      runs: three("threw"),
      dead: [letter("handler-failed", 3), letter("handler-failed", 3)],
    },
    { badEnd: ["a (classic_jobs, always): dead 2 times"] },
  ],
  [
    "a message that was handled and died",
    "fine",
    { dead: [letter("handler-failed", 1)] },
    {
      badEnd: [
        "a (classic_jobs, fine): dead with handler-failed after attempt 1",
        "a (classic_jobs, fine): handled and dead",
      ],
    },
  ],
  [
    "a message that was handled twice",
    "fine",
    { runs: [run("handled"), again("handled")] },
    { repeated: ["a (classic_jobs, fine): attempt 1 run 1 times more, 0 explained"] },
  ],
  [
    "a message that is left in a queue",
    "fine",
    { left: [{ queue: "quorum_jobs", id: "a", reason: null, attempts: null }] },
    { stuck: ["a in quorum_jobs"] },
  ],
  [
    "a runner that died, and messages that were waited for",
    "fine",
    { troubles: ["it ended with 1"], isDone: false },
    { other: ["it ended with 1", "not every message was handled or dead in time"] },
  ],
  [
    "a block that proves nothing",
    "fine",
    { block: { begin: 0, end: 2_000 } },
    { other: ["the broker was blocked, and nobody felt it"] },
  ],
])("the account notices %s", ([, script, parts, expected]) => {
  const all = evidence(sent(script), parts);
  expect(reconcile(all)).toEqual({ ...nothing, ...expected });
  expect(report(all)).toMatchObject({ isPass: false, text: expect.stringContaining("FAIL") });
});

test("the account notices what the broker has not confirmed", () => {
  const { other } = reconcile(evidence(sent("fine", { isConfirmed: false }), {}));
  expect(other).toEqual(["a was not confirmed"]);
});

test.for<[what: string, runs: readonly JobRun[], explained: number]>([
  ["a redelivery", [run("handled"), again("handled", { redelivered: true })], 1],
  ["a redelivery that came first", [run("handled", { redelivered: true }), again("handled")], 0],
  ["the death of its thread", [run("handled"), death(500), again("handled")], 1],
  ["a death before it", [run("handled"), death(15), again("handled")], 0],
  ["a death long after it", [run("handled"), death(5_000), again("handled")], 0],
  [
    "a death of another thread",
    [run("handled"), { ...death(500), thread: 3 }, again("handled")],
    0,
  ],
  [
    "a death, and a run on the same thread",
    [run("handled"), death(500), again("handled", { thread: 1 })],
    0,
  ],
  ["a death while it hung", [run("hung"), death(5_000), again("hung", { start: 6_000 })], 1],
  ["a death long after it hung", [run("hung"), death(9_000), again("hung", { start: 9_500 })], 0],
])("a second run by %s", ([, runs, explained]) => {
  const one = sent(runs[0]?.outcome === "hung" ? "hang" : "fine");
  const killer = sent("die", { id: "killer" });
  const found = repeats(evidence(one, { sent: [one, killer], runs }));
  expect(found).toEqual([{ one, attempt: 1, extra: 1, explained }]);
});

test.for([1_000, 100_000])(
  "of %i messages so many go wrong as was wanted, of both queues",
  (messages) => {
    const all = planMessages({ seed: 7, messages, types: ["classic", "quorum"] });
    const counts = (queue: string) =>
      (["once", "always", "hang", "exit", "die"] as const).map(
        (script) => all.filter((one) => one.queue === queue && one.script === script).length,
      );
    const wanted = { 1000: [5, 3, 1, 1, 1], 100000: [500, 250, 100, 40, 10] }[messages];
    expect(counts("classic_jobs")).toEqual(wanted);
    expect(counts("quorum_jobs")).toEqual(wanted);
    expect(new Set(all.map(({ id }) => id)).size).toBe(messages);
  },
);
