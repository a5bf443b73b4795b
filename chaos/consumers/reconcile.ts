/** Evidence → what did not become of a message that had to. Pure. */
import type { Found } from "../evidence.ts";
import { group } from "../group.ts";
import { type Evidence, HELD } from "./evidence.ts";
import type { Sent } from "./plan.ts";
import type { JobRun, Script } from "./project/src/job.ts";

/** One line for each message concerned; all empty: nothing went wrong. */
export type Violations = {
  /** Confirmed, and neither handled nor in a queue. */
  readonly lost: readonly string[];
  /** Handled or dead, and never sent. */
  readonly unexpected: readonly string[];
  /** Other attempts than the script's, or another outcome of one. */
  readonly badAttempts: readonly string[];
  /** Dead with another cause, or where the script does not lead to it, or twice. */
  readonly badEnd: readonly string[];
  /** Run again without a dead thread or a redelivery that explains it. */
  readonly repeated: readonly string[];
  /** Still in a work or delay queue at the end. */
  readonly stuck: readonly string[];
  /** Not about a message: the runner died, or a publish failed. */
  readonly other: readonly string[];
};

type Expected = {
  /** Of each attempt. */
  readonly outcomes: readonly JobRun["outcome"][];
  /** How often each attempt is run: until the crashes are enough. */
  readonly runs: number;
  readonly reason: string | null;
};

/** worker.crashes in the project's topology.yaml. */
const CRASHES = 3;
const POLICY: Readonly<Record<Script, Expected>> = {
  fine: { outcomes: ["handled"], runs: 1, reason: null },
  once: { outcomes: ["threw", "handled"], runs: 1, reason: null },
  always: { outcomes: ["threw", "threw", "threw"], runs: 1, reason: "handler-failed" },
  hang: { outcomes: ["hung", "hung", "hung"], runs: 1, reason: "handler-timeout" },
  exit: { outcomes: ["exited"], runs: CRASHES, reason: "handler-crash" },
  die: { outcomes: ["died"], runs: CRASHES, reason: "handler-crash" },
};
/** Results leave a thread with the tick that they come in: so long before its death at most. */
const DOUBT_MS = 1_000;
/** One that hangs has its result after its time: twice that and worker.blocked where others held the thread. */
const HANG_MS = 7_000;

/** Compares what was sent with what was run, and with what was found in the queues. */
export function reconcile(evidence: Evidence): Violations {
  const { sent, dead, left } = evidence;
  const known = new Set(sent.map(({ id }) => id));
  const runs = group(evidence.runs, ({ id }) => id);
  const deadById = group(dead, ({ id }) => id);
  const leftIds = new Set(left.map(({ id }) => id));
  const isKept = ({ id }: Sent) => isHandled(runs.get(id)) || deadById.has(id) || leftIds.has(id);
  const attempts = sent.map((one) => badAttempts(one, runs.get(one.id) ?? []));
  return {
    lost: sent.filter((one) => one.isConfirmed && !isKept(one)).map(describe),
    unexpected: [...new Set([...runs.keys(), ...deadById.keys()])].filter((id) => !known.has(id)),
    badAttempts: attempts.flat(),
    badEnd: sent.flatMap((one) => badEnd(one, runs.get(one.id), deadById.get(one.id))),
    repeated: repeats(evidence).flatMap(({ one, attempt, extra, explained }) =>
      extra > explained
        ? [`${describe(one)}: attempt ${attempt} run ${extra} times more, ${explained} explained`]
        : [],
    ),
    stuck: left.map(({ id, queue }) => `${id} in ${queue}`),
    other: [
      ...evidence.troubles,
      ...(evidence.block && !evidence.log[HELD]
        ? ["the broker was blocked, and nobody felt it"]
        : []),
      ...(evidence.isDone ? [] : ["not every message was handled or dead in time"]),
      ...sent.filter(({ isConfirmed }) => !isConfirmed).map(({ id }) => `${id} was not confirmed`),
    ],
  };
}

export type Repeat = {
  readonly one: Sent;
  readonly attempt: number;
  /** Runs beyond those that the script leads to. */
  readonly extra: number;
  /** How many of them have a cause. */
  readonly explained: number;
};

/**
 * Every attempt that was run more often than its script leads to. What explains a run: it was a
 * redelivery; or the thread of an earlier one was ended by another message, before anybody could have
 * heard how that one had ended.
 */
export function repeats({ sent, runs }: Evidence): readonly Repeat[] {
  const deaths = new Map(
    runs.filter(({ outcome }) => outcome === "died").map((run) => [threadOf(run), run.end]),
  );
  const known = new Map(sent.map((one) => [one.id, one]));
  const attempts = group(runs, ({ id, attempt }) => `${id} ${attempt}`);
  return [...attempts.values()].flatMap((tries) => {
    const [first] = tries;
    const one = first && known.get(first.id);
    if (!first || !one || tries.length <= POLICY[one.script].runs) return [];
    const [, ...later] = tries.toSorted((a, b) => a.start - b.start);
    const redelivered = later.filter((run) => run.redelivered).length;
    const unheard = tries.filter((run) => isUnheard(run, deaths, later)).length;
    const extra = tries.length - POLICY[one.script].runs;
    return [{ one, attempt: first.attempt, extra, explained: redelivered + unheard }];
  });
}

function isUnheard(
  run: JobRun,
  deaths: ReadonlyMap<string, number>,
  later: readonly JobRun[],
): boolean {
  // Its own death is counted.
  if (run.outcome === "died") return false;
  const died = deaths.get(threadOf(run));
  const doubtMs = DOUBT_MS + (run.outcome === "hung" ? HANG_MS : 0);
  if (died === undefined || died < run.end || died - run.end > doubtMs) return false;
  return later.some(({ start, thread }) => start > run.end && thread !== run.thread);
}

function badAttempts(one: Sent, runs: readonly JobRun[]): readonly string[] {
  const { outcomes, runs: times } = POLICY[one.script];
  const attempts = [...new Set(runs.map(({ attempt }) => attempt))].sort((a, b) => a - b);
  const wrong = runs
    .filter(({ attempt, outcome }) => outcome !== (outcomes[attempt - 1] ?? outcome))
    .map(({ attempt, outcome }) => `attempt ${attempt} ${outcome}`);
  if (runs.some(({ queue }) => queue !== one.queue)) wrong.push("run for another queue");
  const isComplete = attempts.join() === outcomes.map((_, index) => index + 1).join();
  if (!isComplete) wrong.push(`attempts ${attempts.join() || "none"}`);
  else if (runs.length < times * outcomes.length) wrong.push(`run ${runs.length} times`);
  return wrong.map((text) => `${describe(one)}: ${text}`);
}

function badEnd(
  one: Sent,
  runs: readonly JobRun[] = [],
  dead: readonly Found[] = [],
): readonly string[] {
  const { reason: expected, outcomes } = POLICY[one.script];
  const wrong = dead
    .filter(({ reason, attempts }) => reason !== expected || attempts !== outcomes.length)
    .map(({ reason, attempts }) => `dead with ${reason} after attempt ${attempts}`);
  if (dead.length > 1) wrong.push(`dead ${dead.length} times`);
  if (expected !== null && dead.length === 0) wrong.push("not dead");
  if (dead.length > 0 && isHandled(runs)) wrong.push("handled and dead");
  return wrong.map((text) => `${describe(one)}: ${text}`);
}

function threadOf({ pid, thread }: JobRun): string {
  return `${pid} ${thread}`;
}

function isHandled(runs: readonly JobRun[] = []): boolean {
  return runs.some(({ outcome }) => outcome === "handled");
}

function describe({ id, queue, script }: Sent): string {
  return `${id} (${queue}, ${script})`;
}
