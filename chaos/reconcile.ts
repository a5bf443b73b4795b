/** Evidence → what was lost, invented, spoilt or done twice. Pure. */
import { duplicates, REQUEUE } from "./duplicates.ts";
import type { Evidence, Found } from "./evidence.ts";
import { group } from "./group.ts";
import type { Sent } from "./ledger.ts";
import type { HandlerRun } from "./project/src/job/run.ts";

/** One line of what went wrong for each message concerned; all empty: nothing did. */
export type Violations = {
  /** Accepted, and neither handled nor in a queue. */
  readonly lost: readonly string[];
  /** Handled or dead, and never sent. */
  readonly phantom: readonly string[];
  /** Handled with another body, id, header or key. */
  readonly corrupt: readonly string[];
  /** Acked before its handler had ended or its copy was confirmed, or a tag that was not open. */
  readonly earlyAck: readonly string[];
  /** Other attempts, or another end, than the script's. */
  readonly badRetry: readonly string[];
  /** Still in a work or delay queue, or unacknowledged, at the end. */
  readonly stuck: readonly string[];
  readonly refusedButHandled: readonly string[];
  /** Handled again without a lost connection or a second publish that explains it. */
  readonly dupExcess: readonly string[];
  /** Not about a message: a fault without recovery, a runner that died. */
  readonly other: readonly string[];
};

/** What a script has to end with. `runs`: the attempts that are to be seen. */
const POLICY: Readonly<Record<Sent["script"], Expected>> = {
  fine: { attempts: [1], dead: null },
  once: { attempts: [1, 2], dead: null },
  always: { attempts: [1, 2, 3], dead: { reason: "handler-failed", attempts: 3 } },
  hang: { attempts: [1, 2, 3], dead: { reason: "handler-timeout", attempts: 3 } },
  exit: { attempts: [1], dead: { reason: "handler-crash", attempts: 1 } },
  invalid: { attempts: [], dead: { reason: "invalid-event", attempts: 1 } },
};
type Expected = {
  readonly attempts: readonly number[];
  readonly dead: { readonly reason: string; readonly attempts: number } | null;
};

/** This queue is deleted with what is in it: its messages may be lost, and no more than that. */
const DELETED = "victim_jobs";
/** Exchanges of copies: the message may be acked once one is confirmed. */
const COPIES = new Set(["dead", "warren.chaos.retry", REQUEUE]);
/** Compares what was sent with what was handled, found, settled and repeated. */
export function reconcile(evidence: Evidence): Violations {
  const { sent, dead, left, unacked, faults, troubles } = evidence;
  const runs = group(evidence.runs, ({ id }) => id);
  const deadById = group(dead, ({ id }) => id);
  const all = [...sent.values()];
  const isKept = (one: Sent) => runs.has(one.id) || deadById.has(one.id);
  return {
    lost: all
      .filter(({ state, queue }) => state === "accepted" && queue !== DELETED)
      .filter(({ id }) => !isDone(runs.get(id)) && !deadById.has(id) && !isLeft(left, id))
      .map(describe),
    phantom: [...new Set([...runs.keys(), ...deadById.keys()])].filter((id) => !sent.has(id)),
    corrupt: evidence.runs.filter(({ isIntact }) => !isIntact).map(({ id }) => id),
    earlyAck: earlyAcks(evidence, runs),
    badRetry: all.flatMap((one) => badRetries(one, runs.get(one.id), deadById.get(one.id))),
    stuck: [
      ...left.map(({ id, queue }) => `${id} in ${queue}`),
      ...(unacked === 0 ? [] : [`${unacked} unacknowledged`]),
    ],
    refusedButHandled: all.filter((one) => one.state === "refused" && isKept(one)).map(describe),
    dupExcess: duplicates(evidence).flatMap(({ id, extra, explained }) =>
      extra > explained ? [`${id} handled ${extra} times more, ${explained} explained`] : [],
    ),
    other: [
      ...troubles,
      ...evidence.wire.hastyCloses.map(
        ({ queue, open }) => `a connection was closed before the channel of ${queue}: ${open} open`,
      ),
      ...evidence.wire.blamedCloses.map(
        ({ code, text }) => `closed by the broker: ${code} ${text}`,
      ),
      ...(evidence.isQuiet ? [] : ["it did not come to rest"]),
      ...faults.flatMap(({ name, error }) => (error === null ? [] : [`${name}: ${error}`])),
    ],
  };
}

function earlyAcks(
  { wire }: Evidence,
  runs: ReadonlyMap<string, readonly HandlerRun[]>,
): readonly string[] {
  const copies = group(
    wire.publishings.filter(({ exchange }) => COPIES.has(exchange)),
    ({ id }) => id,
  );
  const early = wire.deliveries.filter(({ id, at, settled }) => {
    if (settled?.as !== "ack") return false;
    const isHandled = (runs.get(id) ?? []).some(
      ({ outcome, start, end }) => outcome === "handled" && start >= at && end <= settled.at,
    );
    const isCopied = (copies.get(id) ?? []).some(
      ({ confirmedAt, wasReturned }) =>
        confirmedAt !== null && !wasReturned && confirmedAt >= at && confirmedAt <= settled.at,
    );
    return !isHandled && !isCopied;
  });
  return [
    ...early.map(({ id, queue }) => `${id} of ${queue}`),
    ...wire.strayAcks.map(({ tag }) => `tag ${tag} was not open`),
  ];
}

function badRetries(
  one: Sent,
  runs: readonly HandlerRun[] = [],
  dead: readonly Found[] = [],
): readonly string[] {
  if (one.queue === DELETED || one.state === "refused" || one.state === "pending") return [];
  const expected = POLICY[one.script];
  const attempts = [...new Set(runs.map(({ attempt }) => attempt))].sort((a, b) => a - b);
  const wrong: string[] = [];
  // What is unknown may have arrived nowhere.
  const isNowhere = runs.length === 0 && dead.length === 0;
  if (!isNowhere && attempts.join() !== expected.attempts.join()) {
    wrong.push(`attempts ${attempts.join() || "none"}`);
  }
  for (const { reason, attempts: count } of dead) {
    const isRight = reason === expected.dead?.reason && count === expected.dead.attempts;
    if (!isRight) wrong.push(`dead with ${reason} after attempt ${count}`);
  }
  return wrong.map((text) => `${describe(one)}: ${text}`);
}

function isDone(runs: readonly HandlerRun[] = []): boolean {
  return runs.some(({ outcome }) => outcome === "handled");
}

function isLeft(left: readonly Found[], id: string): boolean {
  return left.some((found) => found.id === id);
}

function describe({ id, queue, script, state }: Sent): string {
  return `${id} (${queue}, ${script}, ${state})`;
}
