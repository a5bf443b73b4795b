import { expect, test } from "vitest";
import type { PlanEntry } from "../../../src/apply/planned.ts";
import {
  empty,
  emptyOverAmqp,
  entry,
  exchange,
  type Given,
  liveBinding,
  liveExchange,
  livePolicy,
  liveQueue,
  planOf,
  queue,
} from "./given.ts";

const prune = { permissions: { prune: true } };
const onDemand = { reason: "made by warren, not in the file", flags: ["--prune" as const] };
const ours = { owned: { queues: ["q"] } };
const delay = "warren.shop.retry.5s";
const delayed = {
  "x-queue-type": "quorum",
  "x-dead-letter-exchange": "warren.shop.requeue",
  "x-dead-letter-strategy": "at-least-once",
};

function kept(kind: PlanEntry["kind"], name: string, reason: string, counts = null as unknown) {
  const given = { blocked: { reason, flags: [] }, counts: counts as PlanEntry["counts"] };
  return entry("kept", kind, name, given);
}

test.each<[string, Given, readonly PlanEntry[]]>([
  [
    "a queue of ours is removed with --prune",
    { ...prune, ...ours, live: [liveQueue("q")] },
    [entry("remove", "queue", "q", { counts: empty })],
  ],
  [
    "and without it that is blocked, and the flag is named",
    { ...ours, live: [liveQueue("q")] },
    [entry("remove", "queue", "q", { counts: empty, blocked: onDemand })],
  ],
  ["one that is gone is not mentioned", { ...prune, ...ours }, []],
  ["without a state nothing is ours", { ...prune, live: [liveQueue("q")] }, []],
  [
    "one with messages is kept",
    { ...prune, ...ours, live: [liveQueue("q", { counts: { ...empty, ready: 12 } })] },
    [kept("queue", "q", "not empty: it holds 12 messages", { ...empty, ready: 12 })],
  ],
  [
    "one with unacknowledged messages is kept",
    { ...prune, ...ours, live: [liveQueue("q", { counts: { ...empty, unacked: 1 } })] },
    [kept("queue", "q", "not empty: it holds 1 message", { ...empty, unacked: 1 })],
  ],
  [
    "one that holds dead letters alone, which are neither, is kept",
    { ...prune, ...ours, live: [liveQueue("q", { counts: { ...empty, messages: 3 } })] },
    [kept("queue", "q", "not empty: it holds 3 messages", { ...empty, messages: 3 })],
  ],
  [
    "one that is consumed is kept",
    { ...prune, ...ours, live: [liveQueue("q", { counts: { ...empty, consumers: 2 } })] },
    [kept("queue", "q", "in use: it has 2 consumers", { ...empty, consumers: 2 })],
  ],
  [
    "one of which nobody knows who consumes it is kept",
    { ...prune, ...ours, live: [liveQueue("q", { counts: { ...empty, consumers: null } })] },
    [kept("queue", "q", "who consumes it is not known", { ...empty, consumers: null })],
  ],
  [
    "one whose messages can't be counted is kept",
    { ...prune, ...ours, live: [liveQueue("q", { counts: { ...empty, messages: null } })] },
    [kept("queue", "q", "how many messages it holds is not known", { ...empty, messages: null })],
  ],
  [
    "one that others have bound is kept",
    { ...prune, ...ours, live: [liveQueue("q"), liveBinding("x", "q", "a")] },
    [kept("queue", "q", "in use: others have bound it to x", empty)],
  ],
  [
    "one that has another name now is kept until it is empty",
    {
      ...prune,
      ...ours,
      desired: { queues: [queue("new", { was: "q" })] },
      live: [liveQueue("q", { counts: { ...empty, ready: 1 } }), liveQueue("new")],
    },
    [kept("queue", "q", "renamed: consumed by new until it is empty", { ...empty, ready: 1 })],
  ],
  [
    "and while it is consumed",
    {
      ...prune,
      ...ours,
      desired: { queues: [queue("new", { was: "q" })] },
      live: [liveQueue("q", { counts: { ...empty, consumers: 1 } }), liveQueue("new")],
    },
    [kept("queue", "q", "renamed: consumed by new until it is empty", { ...empty, consumers: 1 })],
  ],
  [
    "then it is removed as any other",
    {
      ...prune,
      ...ours,
      desired: { queues: [queue("new", { was: "q" })] },
      live: [liveQueue("q"), liveQueue("new")],
    },
    [entry("remove", "queue", "q", { counts: empty })],
  ],
  [
    "one that the user may not see is hidden",
    { ...prune, ...ours, hidden: ["q"] },
    [entry("hidden", "queue", "q", { blocked: { reason: "403 access to q", flags: [] } })],
  ],
  [
    "over AMQP alone an empty classic queue is removed",
    {
      ...prune,
      ...ours,
      by: "amqp",
      live: [liveQueue("q", { arguments: { "x-queue-type": "classic" }, counts: emptyOverAmqp })],
    },
    [entry("remove", "queue", "q", { counts: emptyOverAmqp })],
  ],
  [
    "over AMQP alone one that may hold dead letters is kept",
    {
      ...prune,
      ...ours,
      by: "amqp",
      live: [liveQueue("q", { arguments: delayed, counts: emptyOverAmqp })],
    },
    [
      kept(
        "queue",
        "q",
        "over AMQP alone the dead letters that it may hold can't be seen",
        emptyOverAmqp,
      ),
    ],
  ],
  [
    "and one of which it is not known",
    {
      ...prune,
      ...ours,
      by: "amqp",
      live: [liveQueue("q", { arguments: {}, counts: emptyOverAmqp })],
    },
    [
      kept(
        "queue",
        "q",
        "over AMQP alone the dead letters that it may hold can't be seen",
        emptyOverAmqp,
      ),
    ],
  ],
  [
    "and so is a stream, whose messages AMQP does not count",
    {
      ...prune,
      ...ours,
      by: "amqp",
      live: [liveQueue("q", { arguments: { "x-queue-type": "stream" }, counts: emptyOverAmqp })],
    },
    [kept("queue", "q", "how many messages it holds is not known", emptyOverAmqp)],
  ],
  [
    "an exchange of ours is removed with --prune, also with the bindings that go with it",
    {
      ...prune,
      desired: { queues: [queue("q")] },
      owned: { exchanges: ["x"], bindings: [liveBinding("x", "q", "a")] },
      live: [liveExchange("x"), liveQueue("q"), liveBinding("x", "q", "a")],
    },
    [entry("remove", "exchange", "x")],
  ],
  [
    "and without it that is blocked",
    { owned: { exchanges: ["x", "gone"] }, live: [liveExchange("x")] },
    [entry("remove", "exchange", "x", { blocked: onDemand })],
  ],
  [
    "an exchange that others use is kept, and they are named",
    {
      ...prune,
      owned: { exchanges: ["x"] },
      live: [
        liveExchange("x"),
        liveExchange("y", { arguments: { "alternate-exchange": "x" } }),
        liveQueue("theirs"),
        liveQueue("dying", { arguments: { "x-dead-letter-exchange": "x" } }),
        livePolicy("p", { definition: { "dead-letter-exchange": "x" } }),
        liveBinding("x", "theirs", "a"),
        liveBinding("x", "theirs", "b"),
        liveBinding("y", "x", "", { destinationKind: "exchange" }),
      ],
    },
    [
      kept(
        "exchange",
        "x",
        "in use: others have bound theirs to it, others have bound it to y, dead letters of dying, alternate exchange of y, policy p",
      ),
    ],
  ],
  [
    "unless those go as well",
    {
      ...prune,
      owned: { exchanges: ["x", "y"], queues: ["q"] },
      live: [
        liveExchange("x"),
        liveExchange("y", { arguments: { "alternate-exchange": "x" } }),
        liveQueue("q", { arguments: { "x-dead-letter-exchange": "x" } }),
      ],
    },
    [
      entry("remove", "queue", "q", { counts: empty }),
      entry("remove", "exchange", "x"),
      entry("remove", "exchange", "y"),
    ],
  ],
  [
    "and do not stay themselves",
    {
      ...prune,
      owned: { exchanges: ["x", "y"] },
      live: [
        liveExchange("x"),
        liveExchange("y", { arguments: { "alternate-exchange": "x" } }),
        liveQueue("theirs", { arguments: { "x-dead-letter-exchange": "y" } }),
      ],
    },
    [
      kept("exchange", "x", "in use: alternate exchange of y"),
      kept("exchange", "y", "in use: dead letters of theirs"),
    ],
  ],
  [
    "those of retries stay with the queue in which some wait",
    {
      ...prune,
      owned: {
        exchanges: ["warren.shop.requeue", "warren.shop.retry"],
        queues: [delay],
        bindings: [liveBinding("warren.shop.retry", delay, "5s.#")],
      },
      live: [
        liveExchange("warren.shop.requeue"),
        liveExchange("warren.shop.retry"),
        liveQueue(delay, { arguments: delayed, counts: { ...empty, messages: 3 } }),
        liveBinding("warren.shop.retry", delay, "5s.#"),
      ],
    },
    [
      kept("queue", delay, "not empty: it holds 3 messages", { ...empty, messages: 3 }),
      kept(
        "exchange",
        "warren.shop.requeue",
        `in use: dead letters of ${delay}, retries in ${delay}`,
      ),
      kept("exchange", "warren.shop.retry", `in use: retries in ${delay}`),
    ],
  ],
  [
    "and go with it once it is empty",
    {
      ...prune,
      owned: { exchanges: ["warren.shop.requeue", "warren.shop.retry"], queues: [delay] },
      live: [
        liveExchange("warren.shop.requeue"),
        liveExchange("warren.shop.retry"),
        liveQueue(delay, { arguments: delayed }),
      ],
    },
    [
      entry("remove", "queue", delay, { counts: empty }),
      entry("remove", "exchange", "warren.shop.requeue"),
      entry("remove", "exchange", "warren.shop.retry"),
    ],
  ],
])("of what the file no longer has: %s", (_, given, expected) => {
  const left = planOf(given).entries.filter(({ action }) =>
    ["remove", "kept", "hidden"].includes(action),
  );
  expect(left).toEqual(expected);
});

test("what is not the project's is said where it touches the file, and counted else", () => {
  const { entries, others, hasDifferences, isBlocked } = planOf({
    ...prune,
    desired: {
      exchanges: [exchange("books"), exchange("shared", { isExternal: true })],
      queues: [queue("new", { was: "old" })],
    },
    live: [
      liveExchange("books"),
      liveExchange("shared"),
      liveQueue("new"),
      liveQueue("old"),
      liveQueue("legacy"),
      liveQueue("dying", { arguments: { "x-dead-letter-exchange": "books" } }),
      liveQueue("reply", { exclusive: true }),
      liveQueue("sharing"),
      liveQueue("apart"),
      liveQueue("warren.other.retry.5s"),
      liveQueue("warren.shop.state"),
      liveQueue("warren.shop.lock"),
      liveExchange("archive"),
      liveExchange("apart"),
      liveBinding("books", "legacy", "a"),
      liveBinding("books", "legacy", "b"),
      liveBinding("books", "reply", "a"),
      liveBinding("shared", "sharing", "a"),
      liveBinding("books", "archive", "#", { destinationKind: "exchange" }),
    ],
  });
  expect(entries.filter(({ action }) => action === "foreign")).toEqual([
    entry("foreign", "queue", "old", { counts: empty, notes: ["new takes its place"] }),
    entry("foreign", "queue", "legacy", { counts: empty, notes: ["bound from books, 2 keys"] }),
    entry("foreign", "queue", "dying", {
      counts: empty,
      notes: ["its x-dead-letter-exchange is books"],
    }),
    entry("foreign", "exchange", "archive", { notes: ["bound from books, 1 key"] }),
  ]);
  expect(others).toEqual({ queues: 3, exchanges: 1 });
  expect({ hasDifferences, isBlocked }).toEqual({ hasDifferences: false, isBlocked: false });
});
