import { expect, test } from "vitest";
import type { PlanEntry } from "../../../src/apply/planned.ts";
import { entry, type Given, livePolicy, liveQueue, planOf, policy, queue } from "./given.ts";

const p = policy("p");
const desired = { policies: [p], queues: [queue("q")] };
const other = { pattern: "q", applyTo: "all" } as const;
const difference = { argument: "max-length", wanted: "5", live: "6" };
const six = livePolicy("p", { definition: { "max-length": 6 } });

test.each<[string, Given, readonly PlanEntry[]]>([
  [
    "one that is not there is created",
    { desired },
    [entry("create", "policy", "p", { desired: p })],
  ],
  [
    "one that is equal is unchanged",
    { desired, live: [livePolicy("p")] },
    [entry("unchanged", "policy", "p", { desired: p })],
  ],
  [
    "one of ours that differs is put again",
    { desired, live: [six], owned: { policies: ["p"] } },
    [entry("update", "policy", "p", { desired: p, differences: [difference] })],
  ],
  [
    "one of others that differs needs --adopt",
    { desired, live: [six] },
    [
      entry("update", "policy", "p", {
        desired: p,
        differences: [difference],
        blocked: { reason: "made by somebody else", flags: ["--adopt"] },
      }),
    ],
  ],
  [
    "and is put again with it",
    { desired, live: [six], permissions: { adopt: true } },
    [entry("update", "policy", "p", { desired: p, differences: [difference] })],
  ],
  [
    "over AMQP alone there are none",
    { desired, by: "amqp" },
    [
      entry("create", "policy", "p", {
        desired: p,
        blocked: {
          reason: "AMQP can neither tell of policies nor set one: broker.management is needed",
          flags: [],
        },
      }),
    ],
  ],
  [
    "they are hidden from a user who may not see them",
    { desired, policies: null },
    [
      entry("hidden", "policy", "p", {
        desired: p,
        blocked: { reason: "the user of broker.management may not see policies", flags: [] },
      }),
    ],
  ],
  [
    "one of ours that the file no longer has goes with --prune",
    { live: [livePolicy("p"), livePolicy("theirs")], owned: { policies: ["p", "gone"] } },
    [
      entry("remove", "policy", "p", {
        blocked: { reason: "made by warren, not in the file", flags: ["--prune"] },
      }),
    ],
  ],
  [
    "and is removed with it",
    { live: [livePolicy("p")], owned: { policies: ["p"] }, permissions: { prune: true } },
    [entry("remove", "policy", "p")],
  ],
  [
    "a higher one of others hides it where both match",
    { desired, live: [livePolicy("top", { ...other, priority: 1 })] },
    [
      entry("create", "policy", "p", {
        desired: p,
        notes: ['has no effect where policy "top" (priority 1) matches: queue q'],
      }),
    ],
  ],
  [
    "an equally high one makes it a matter of chance",
    { desired, live: [livePolicy("same", other)] },
    [
      entry("create", "policy", "p", {
        desired: p,
        notes: [
          'as high as policy "same" (priority 0): the broker chooses one of the two for queue q',
        ],
      }),
    ],
  ],
  [
    "a lower one is hidden by it",
    { desired, live: [livePolicy("low", { ...other, priority: -1 })] },
    [
      entry("create", "policy", "p", {
        desired: p,
        notes: ['takes the place of policy "low" (priority -1) on queue q'],
      }),
    ],
  ],
  [
    "so may be another of the same file",
    { desired: { ...desired, policies: [p, policy("p2", { ...other, priority: 3 })] } },
    [
      entry("create", "policy", "p", {
        desired: p,
        notes: ['has no effect where policy "p2" (priority 3) matches: queue q'],
      }),
      entry("create", "policy", "p2", {
        desired: policy("p2", { ...other, priority: 3 }),
        notes: ['takes the place of policy "p" (priority 0) on queue q'],
      }),
    ],
  ],
  [
    "one for another type of queue is no rival, and neither is one that can't be read",
    {
      desired,
      live: [
        livePolicy("streams", { ...other, applyTo: "streams" }),
        livePolicy("classic", { ...other, applyTo: "classic_queues" }),
        livePolicy("exchanges", { ...other, applyTo: "exchanges" }),
        livePolicy("perl", { ...other, pattern: "(?|q)" }),
      ],
    },
    [entry("create", "policy", "p", { desired: p })],
  ],
  [
    "what both match is named up to five",
    {
      desired: { policies: [policy("p", { pattern: "." })] },
      live: [
        ..."abcdefg".split("").map((name) => liveQueue(name)),
        livePolicy("quorum", { pattern: "", applyTo: "quorum_queues", priority: 1 }),
      ],
    },
    [
      entry("create", "policy", "p", {
        desired: policy("p", { pattern: "." }),
        notes: [
          'has no effect where policy "quorum" (priority 1) matches: queue a, queue b, queue c, queue d, queue e and 2 more',
        ],
      }),
    ],
  ],
])("of policies: %s", (_, given, expected) => {
  expect(planOf(given).entries.filter(({ kind }) => kind === "policy")).toEqual(expected);
});
