import { expect, test } from "vitest";
import { duplicates } from "../../chaos/duplicates.ts";
import type { Evidence, Found, Happened } from "../../chaos/evidence.ts";
import type { Sent } from "../../chaos/ledger.ts";
import type { HandlerRun } from "../../chaos/project/src/job/run.ts";
import { reconcile, type Violations } from "../../chaos/reconcile.ts";
import type { Delivery, Publishing } from "../../chaos/settlements.ts";

const sent = (more: Partial<Sent> = {}): Sent => ({
  id: "a",
  queue: "classic_jobs",
  script: "fine",
  at: 0,
  tries: 1,
  state: "accepted",
  wasUnknown: false,
  ...more,
});
const run = (more: Partial<HandlerRun> = {}): HandlerRun => ({
  id: "a",
  queue: "classic_jobs",
  attempt: 1,
  revision: "1.1",
  pid: 1,
  start: 20,
  end: 30,
  outcome: "handled",
  isIntact: true,
  ...more,
});
const delivery = (more: Partial<Delivery> = {}): Delivery => ({
  id: "a",
  queue: "classic_jobs",
  at: 10,
  redelivered: false,
  settled: { as: "ack", at: 40 },
  channel: { end: null },
  ...more,
});
const copy = (more: Partial<Publishing> = {}): Publishing => ({
  id: "a",
  exchange: "warren.chaos.retry",
  key: "200ms.classic_jobs",
  at: 31,
  confirmedAt: 35,
  wasReturned: false,
  ...more,
});
const letter = (more: Partial<Found> = {}): Found => ({
  queue: "dead_letters",
  id: "a",
  reason: "handler-failed",
  attempts: 3,
  ...more,
});
const cut: Happened = {
  name: "CUT",
  losesConnections: true,
  isOutage: false,
  edit: null,
  begin: 100,
  end: 100,
  error: null,
};

type Parts = Partial<Omit<Evidence, "sent" | "wire">> & {
  readonly sent?: readonly Sent[];
  readonly deliveries?: readonly Delivery[];
  readonly publishings?: readonly Publishing[];
  readonly strayAcks?: Evidence["wire"]["strayAcks"];
  readonly hastyCloses?: Evidence["wire"]["hastyCloses"];
  readonly blamedCloses?: Evidence["wire"]["blamedCloses"];
};

/** One message that went well, unless the parts say otherwise. */
function evidence({ sent: all = [sent()], ...parts }: Parts): Evidence {
  const { deliveries = [delivery()], publishings = [], ...others } = parts;
  const { strayAcks = [], hastyCloses = [], blamedCloses = [], ...rest } = others;
  return {
    seed: 1,
    phases: { faultsBegan: 0, faultsEnded: 1_000 },
    sent: new Map(all.map((one) => [one.id, one])),
    answers: [],
    runs: [run()],
    wire: { deliveries, publishings, strayAcks, hastyCloses, blamedCloses, closes: {} },
    faults: [],
    dead: [],
    left: [],
    unacked: 0,
    isQuiet: true,
    troubles: [],
    exits: {},
    samples: [],
    ...rest,
  };
}

/** The violations that were found, without those that were not. */
function found(parts: Parts): Partial<Violations> {
  const all = Object.entries(reconcile(evidence(parts)));
  return Object.fromEntries(all.filter(([, { length }]) => length > 0));
}

const retried = [
  run({ outcome: "threw", attempt: 1 }),
  run({ outcome: "handled", attempt: 2, start: 300, end: 310 }),
];
const exhausted = [1, 2, 3].map((attempt) => run({ outcome: "threw", attempt }));

test.each<[string, Parts]>([
  ["a message is handled once", {}],
  [
    "one was refused and never seen",
    { sent: [sent({ state: "refused" })], runs: [], deliveries: [] },
  ],
  [
    "one is unknown and never seen",
    { sent: [sent({ state: "unknown" })], runs: [], deliveries: [] },
  ],
  ["one is unknown and handled", { sent: [sent({ state: "unknown" })] }],
  [
    "a failed one is copied, acked after the copy's confirm, and handled",
    { sent: [sent({ script: "once" })], runs: retried, publishings: [copy()] },
  ],
  [
    "one that always fails is dead after its attempts",
    {
      sent: [sent({ script: "always" })],
      runs: exhausted,
      publishings: [copy({ exchange: "dead" })],
      dead: [letter()],
    },
  ],
  [
    "one that was given back is acked after the copy that counts it",
    {
      deliveries: [
        delivery({ redelivered: true, at: 1, settled: { as: "ack", at: 6 } }),
        delivery(),
      ],
      publishings: [
        copy({ exchange: "jobs", key: "job.classic", at: 0, confirmedAt: 1 }),
        copy({ exchange: "warren.chaos.requeue", key: "again.classic_jobs", confirmedAt: 5 }),
      ],
    },
  ],
  [
    "one of the deleted queue is gone",
    { sent: [sent({ queue: "victim_jobs" })], runs: [], deliveries: [] },
  ],
])("all is well when %s", (_what, parts) => {
  expect(found(parts)).toEqual({});
});

test.each<[keyof Violations, string, Parts, readonly string[]]>([
  [
    "lost",
    "was accepted and is nowhere",
    { runs: [], deliveries: [] },
    ["a (classic_jobs, fine, accepted)"],
  ],
  ["phantom", "was never sent", { sent: [] }, ["a"]],
  ["corrupt", "arrived otherwise", { runs: [run({ isIntact: false })] }, ["a"]],
  [
    "earlyAck",
    "was acked before its handler ended",
    { deliveries: [delivery({ settled: { as: "ack", at: 25 } })] },
    ["a of classic_jobs"],
  ],
  [
    "earlyAck",
    "was acked though only an earlier delivery was handled",
    { deliveries: [delivery({ at: 31 })] },
    ["a of classic_jobs"],
  ],
  [
    "earlyAck",
    "was acked before its copy was confirmed",
    {
      sent: [sent({ script: "once" })],
      runs: retried,
      publishings: [copy({ confirmedAt: 41 })],
    },
    ["a of classic_jobs"],
  ],
  [
    "earlyAck",
    "was acked although its copy was returned",
    {
      sent: [sent({ script: "once" })],
      runs: retried,
      publishings: [copy({ wasReturned: true })],
    },
    ["a of classic_jobs"],
  ],
  [
    "earlyAck",
    "has a tag of another channel",
    { strayAcks: [{ at: 40, tag: 7 }] },
    ["tag 7 was not open"],
  ],
  [
    "badRetry",
    "was tried again without need",
    { runs: [run(), run({ attempt: 2 })], publishings: [copy({}), copy({})] },
    ["a (classic_jobs, fine, accepted): attempts 1,2"],
  ],
  [
    "badRetry",
    "is dead for another reason",
    {
      sent: [sent({ script: "always" })],
      runs: exhausted,
      publishings: [copy({ exchange: "dead" })],
      dead: [letter({ reason: "handler-timeout" })],
    },
    ["a (classic_jobs, always, accepted): dead with handler-timeout after attempt 3"],
  ],
  [
    "stuck",
    "waits at the end",
    { left: [letter({ queue: "classic_jobs" })] },
    ["a in classic_jobs"],
  ],
  ["stuck", "is unacknowledged at the end", { unacked: 2 }, ["2 unacknowledged"]],
  [
    "refusedButHandled",
    "was refused",
    { sent: [sent({ state: "refused" })] },
    ["a (classic_jobs, fine, refused)"],
  ],
  [
    "dupExcess",
    "was handled twice without a fault",
    {
      runs: [run(), run({ start: 50, end: 60 })],
      deliveries: [delivery(), delivery({ at: 45, settled: { as: "ack", at: 70 } })],
    },
    ["a handled 1 times more, 0 explained"],
  ],
  ["other", "is about a runner that died", { troubles: ["it died"] }, ["it died"]],
  [
    "other",
    "is about a connection that was closed before its channel",
    { hastyCloses: [{ queue: "quorum_jobs", open: 3 }] },
    ["a connection was closed before the channel of quorum_jobs: 3 open"],
  ],
  [
    "other",
    "is about a channel that the broker closed for what the runner did",
    { blamedCloses: [{ code: 406, text: "PRECONDITION_FAILED - unknown delivery tag 7" }] },
    ["closed by the broker: 406 PRECONDITION_FAILED - unknown delivery tag 7"],
  ],
  ["other", "is about unrest", { isQuiet: false }, ["it did not come to rest"]],
  [
    "other",
    "is about a fault without recovery",
    { faults: [{ ...cut, error: "waited" }] },
    ["CUT: waited"],
  ],
])("%s: a message that %s", (name, _what, parts, lines) => {
  expect(found(parts)).toEqual({ [name]: lines });
});

const twice = [run(), run({ start: 130, end: 140 })];
const again = delivery({ at: 120, settled: { as: "ack", at: 150 } });

test.each<[string, number, Parts]>([
  [
    "a delivery that was open when its channel was cut",
    1,
    {
      deliveries: [
        delivery({ settled: null, channel: { end: { at: 110, isOrderly: false } } }),
        again,
      ],
    },
  ],
  [
    "an ack that was on its way when its channel was cut",
    1,
    { deliveries: [delivery({ channel: { end: { at: 110, isOrderly: false } } }), again] },
  ],
  [
    "no ack that left long before the cut",
    0,
    {
      faults: [{ ...cut, begin: 60_000, end: 60_000 }],
      deliveries: [delivery({ channel: { end: { at: 60_010, isOrderly: false } } }), again],
    },
  ],
  [
    "no channel that the runner closed itself",
    0,
    {
      deliveries: [
        delivery({ settled: null, channel: { end: { at: 110, isOrderly: true } } }),
        again,
      ],
    },
  ],
  [
    "no channel that ended without a fault",
    0,
    {
      faults: [],
      deliveries: [
        delivery({ settled: null, channel: { end: { at: 110, isOrderly: false } } }),
        again,
      ],
    },
  ],
  [
    "no copy that counts a delivery",
    0,
    {
      deliveries: [delivery({ redelivered: true }), delivery({ redelivered: true }), again],
      publishings: [1, 2].map(() =>
        copy({ exchange: "warren.chaos.requeue", key: "again.classic_jobs" }),
      ),
    },
  ],
  [
    "a copy that counts a delivery and was sent twice",
    1,
    {
      deliveries: [delivery({ redelivered: true }), again],
      publishings: [1, 2].map(() =>
        copy({ exchange: "warren.chaos.requeue", key: "again.classic_jobs" }),
      ),
    },
  ],
  [
    "a publish that was sent twice",
    1,
    {
      deliveries: [delivery(), again],
      publishings: [
        copy({ exchange: "jobs", key: "job.classic" }),
        copy({ exchange: "jobs", key: "job.classic" }),
      ],
    },
  ],
])("what explains a second run: %s", (_what, explained, parts) => {
  const all = evidence({ runs: twice, faults: [cut], ...parts });
  expect(duplicates(all)).toEqual([{ id: "a", extra: 1, explained, at: 140 }]);
});
