import { expect, test } from "vitest";
import { isInTheWay } from "../../../src/apply/plan/plan.ts";
import type { Plan } from "../../../src/apply/planned.ts";
import {
  binding,
  exchange,
  type Given,
  liveBinding,
  liveExchange,
  livePolicy,
  liveQueue,
  planOf,
  policy,
  queue,
} from "./given.ts";

function lines({ entries }: Plan) {
  return entries.map(({ action, kind, name }) => `${action} ${kind} ${name}`);
}

test("entries are in the order of apply: what comes before what goes, bound before unbound", () => {
  const given: Given = {
    desired: {
      exchanges: [exchange("x"), exchange("new")],
      queues: [queue("other"), queue("q")],
      bindings: [binding("new", "q", "a"), binding("x", "q", "a")],
      policies: [policy("p")],
    },
    live: [
      liveExchange("x"),
      liveExchange("gone"),
      liveQueue("other", { arguments: {} }),
      liveQueue("left"),
      liveQueue("theirs"),
      liveBinding("x", "q", "a"),
      liveBinding("x", "q", "old"),
      liveBinding("x", "other", "theirs"),
      liveBinding("x", "theirs", "a"),
      livePolicy("former"),
    ],
    owned: {
      exchanges: ["x", "gone"],
      queues: ["other", "left"],
      bindings: [liveBinding("x", "q", "old")],
      policies: ["former"],
    },
  };
  expect(lines(planOf(given))).toEqual([
    "unchanged exchange x",
    "create exchange new",
    "create queue q",
    "bind binding new -> q  a",
    "unchanged binding x -> q  a",
    "create policy p",
    "replace queue other",
    "unbind binding x -> q  old",
    "remove queue left",
    "remove exchange gone",
    "remove policy former",
    "foreign binding x -> other  theirs",
    "foreign queue theirs",
  ]);
});

const q = { queues: [queue("q")] };
const same = { hasDifferences: false, isBlocked: false, stops: false };
const pending = { hasDifferences: true, isBlocked: false, stops: false };
const reported = { hasDifferences: true, isBlocked: true, stops: false };
const refused = { hasDifferences: true, isBlocked: true, stops: true };

test.each<[string, Given, typeof same]>([
  ["nothing to do is no difference", { desired: q, live: [liveQueue("q")] }, same],
  ["what is somebody else's is none", { live: [liveQueue("q")] }, same],
  [
    "neither is a binding that AMQP can't see, and the state knows",
    {
      by: "amqp",
      desired: { ...q, exchanges: [exchange("x")], bindings: [binding("x", "q")] },
      live: [liveExchange("x"), liveQueue("q")],
      owned: { bindings: [binding("x", "q")] },
    },
    same,
  ],
  ["what is missing is one", { desired: q }, pending],
  [
    "what is to be removed is reported, and stops nothing",
    { live: [liveQueue("q")], owned: { queues: ["q"] } },
    reported,
  ],
  [
    "so is what is kept",
    {
      live: [liveQueue("q", { counts: { ...liveQueue("q").counts, ready: 1 } })],
      owned: { queues: ["q"] },
      permissions: { prune: true },
    },
    reported,
  ],
  ["so is what the user may not see", { desired: q, hidden: ["q"] }, reported],
  [
    "a conflict stops everything",
    { desired: { exchanges: [exchange("x")] }, live: [liveExchange("x", { type: "fanout" })] },
    refused,
  ],
  [
    "so does an external object that is missing",
    { desired: { queues: [queue("q", { isExternal: true })] } },
    refused,
  ],
  [
    "so does a queue that would have to be replaced",
    { desired: q, live: [liveQueue("q", { arguments: {} })] },
    refused,
  ],
  [
    "so does a policy of others that differs",
    { desired: { policies: [policy("p")] }, live: [livePolicy("p", { priority: 1 })] },
    refused,
  ],
])("%s", (_, given, expected) => {
  const { entries, hasDifferences, isBlocked } = planOf(given);
  expect({ hasDifferences, isBlocked, stops: entries.some(isInTheWay) }).toEqual(expected);
});

test("of 1,000 queues and 1,000 bindings the plan names exactly the one that differs", () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `q${index}`);
  const given: Given = {
    desired: {
      exchanges: [exchange("x")],
      queues: names.map((name) => queue(name)),
      bindings: names.map((name) => binding("x", name, name)),
    },
    live: [
      liveExchange("x"),
      ...names.map((name) => liveQueue(name)),
      ...names.map((name) => liveBinding("x", name, name === "q500" ? "other" : name)),
    ],
    owned: { exchanges: ["x"], queues: names },
  };
  const begin = performance.now();
  const { entries } = planOf(given);
  // It takes 10: what grew with the square of them would take a second.
  expect(performance.now() - begin).toBeLessThan(500);
  expect(entries.filter(({ action }) => action !== "unchanged")).toMatchObject([
    { action: "bind", name: "x -> q500  q500" },
    { action: "foreign", name: "x -> q500  other" },
  ]);
});
