import { expect, test } from "vitest";
import type { PlanEntry } from "../../../src/apply/planned.ts";
import {
  binding,
  empty,
  entry,
  exchange,
  type Given,
  liveBinding,
  liveExchange,
  liveQueue,
  planOf,
  queue,
} from "./given.ts";

const xq = { exchanges: [exchange("x")], queues: [queue("q")] };
const there = [liveExchange("x"), liveQueue("q")];
const wanted = binding("x", "q", "a");
const old = liveBinding("x", "q", "old");
const wayBack = liveBinding("warren.shop.requeue", "q", "*.q");
const waiting = [
  liveExchange("warren.shop.requeue"),
  liveQueue("warren.shop.retry.5s", { counts: { ...empty, messages: 3 } }),
];
const number = { arguments: { "x-match": "all", n: 5 } };
const double = { arguments: { "x-match": "all", n: { "!": "double", value: 5 } } };
const hash = exchange("x", { type: "x-consistent-hash" });
const liveHash = liveExchange("x", { type: "x-consistent-hash" });
const weightNotes = [
  "goes before the other weight comes: the broker knows one weight for each destination, the first",
  "for this instant the exchange spreads its messages over its other destinations",
];

test.each<[string, Given, readonly PlanEntry[]]>([
  [
    "one that is not there is bound",
    { desired: { ...xq, bindings: [wanted] }, live: there },
    [entry("bind", "binding", "x -> q  a", { desired: wanted })],
  ],
  [
    "one that is there is unchanged, whoever bound it",
    { desired: { ...xq, bindings: [wanted] }, live: [...there, liveBinding("x", "q", "a")] },
    [entry("unchanged", "binding", "x -> q  a", { desired: wanted })],
  ],
  [
    "its arguments are part of it, and 5.0 is not 5",
    {
      desired: { ...xq, bindings: [binding("x", "q", "", number)] },
      live: [...there, liveBinding("x", "q", "", double)],
    },
    [
      entry("bind", "binding", 'x -> q  {"x-match":"all","n":5}', {
        desired: binding("x", "q", "", number),
      }),
      entry("foreign", "binding", 'x -> q  {"x-match":"all","n":{"!":"double","value":5}}', {
        binding: liveBinding("x", "q", "", double),
      }),
    ],
  ],
  [
    "one to an exchange is not the one to the queue of that name",
    {
      desired: { ...xq, bindings: [wanted] },
      live: [...there, liveBinding("x", "q", "a", { destinationKind: "exchange" })],
    },
    [entry("bind", "binding", "x -> q  a", { desired: wanted })],
  ],
  [
    "one of ours that the file no longer has is unbound",
    { desired: xq, live: [...there, old], owned: { bindings: [old] } },
    [entry("unbind", "binding", "x -> q  old", { binding: old })],
  ],
  [
    "and not mentioned when it is gone already",
    { desired: xq, live: there, owned: { bindings: [old] } },
    [],
  ],
  [
    "one that others gave a queue of the file is theirs",
    { desired: xq, live: [...there, old] },
    [entry("foreign", "binding", "x -> q  old", { binding: old })],
  ],
  [
    "and is unbound when it is adopted",
    { desired: xq, live: [...there, old], permissions: { adopt: true } },
    [entry("unbind", "binding", "x -> q  old", { binding: old })],
  ],
  [
    "what others bind to an exchange of the file stays theirs, adopted or not",
    {
      desired: { exchanges: [exchange("x")] },
      live: [liveExchange("x"), liveBinding("x", "theirs", "a")],
      permissions: { adopt: true },
    },
    [],
  ],
  [
    "who else binds an external queue is nobody's concern",
    {
      desired: { exchanges: [exchange("x")], queues: [queue("q", { isExternal: true })] },
      live: [...there, old],
    },
    [],
  ],
  [
    "those of other projects' retries are not looked at",
    { desired: xq, live: [...there, liveBinding("warren.other.requeue", "q", "*.q")] },
    [],
  ],
  [
    "the way back of retries stays while some wait",
    { desired: xq, live: [...there, ...waiting, wayBack], owned: { bindings: [wayBack] } },
    [
      entry("kept", "binding", "warren.shop.requeue -> q  *.q", {
        binding: wayBack,
        blocked: { reason: "retries that wait come back by it", flags: [] },
      }),
    ],
  ],
  [
    "and goes with --prune alone when none do",
    {
      desired: xq,
      live: [...there, liveExchange("warren.shop.requeue"), wayBack],
      owned: { bindings: [wayBack] },
    },
    [
      entry("unbind", "binding", "warren.shop.requeue -> q  *.q", {
        binding: wayBack,
        blocked: { reason: "retries come back by it", flags: ["--prune"] },
      }),
    ],
  ],
  [
    "and with it, it goes",
    {
      desired: xq,
      live: [...there, liveExchange("warren.shop.requeue"), wayBack],
      owned: { bindings: [wayBack] },
      permissions: { prune: true },
    },
    [entry("unbind", "binding", "warren.shop.requeue -> q  *.q", { binding: wayBack })],
  ],
  [
    "but goes at once where a renamed queue takes it over",
    {
      desired: {
        queues: [queue("new", { was: "q" })],
        bindings: [binding("warren.shop.requeue", "new", "*.q")],
      },
      live: [...there, ...waiting, wayBack],
      owned: { bindings: [wayBack], queues: ["q"] },
    },
    [
      entry("bind", "binding", "warren.shop.requeue -> new  *.q", {
        desired: binding("warren.shop.requeue", "new", "*.q"),
      }),
      entry("unbind", "binding", "warren.shop.requeue -> q  *.q", { binding: wayBack }),
    ],
  ],
  [
    "those that others gave the queue of the name before are said as well",
    { desired: { queues: [queue("new", { was: "q" })] }, live: [...there, old] },
    [entry("foreign", "binding", "x -> q  old", { binding: old })],
  ],
  [
    "the weight of a consistent hash goes before the new one comes",
    {
      desired: { exchanges: [hash], queues: [queue("q")], bindings: [binding("x", "q", "2")] },
      live: [liveHash, liveQueue("q"), liveBinding("x", "q", "1")],
      owned: { bindings: [liveBinding("x", "q", "1")] },
    },
    [
      entry("unbind", "binding", "x -> q  1", {
        binding: liveBinding("x", "q", "1"),
        notes: weightNotes,
      }),
      entry("bind", "binding", "x -> q  2", { desired: binding("x", "q", "2") }),
    ],
  ],
  [
    "and a new one that is bound beside it already is bound anew: it had no effect",
    {
      desired: { exchanges: [hash], queues: [queue("q")], bindings: [binding("x", "q", "2")] },
      live: [liveHash, liveQueue("q"), liveBinding("x", "q", "1"), liveBinding("x", "q", "2")],
      owned: { bindings: [liveBinding("x", "q", "1")] },
    },
    [
      entry("unbind", "binding", "x -> q  1", {
        binding: liveBinding("x", "q", "1"),
        notes: weightNotes,
      }),
      entry("unbind", "binding", "x -> q  2", {
        binding: liveBinding("x", "q", "2"),
        notes: weightNotes,
      }),
      entry("bind", "binding", "x -> q  2", { desired: binding("x", "q", "2") }),
    ],
  ],
  [
    "over AMQP alone one that the state knows is made sure of",
    {
      by: "amqp",
      desired: { ...xq, bindings: [wanted] },
      live: there,
      owned: { bindings: [wanted] },
    },
    [entry("ensure", "binding", "x -> q  a", { desired: wanted })],
  ],
  [
    "unless one of its ends is gone, and the binding with it",
    {
      by: "amqp",
      desired: { ...xq, bindings: [wanted] },
      live: [liveExchange("x")],
      owned: { bindings: [wanted] },
    },
    [entry("bind", "binding", "x -> q  a", { desired: wanted })],
  ],
  [
    "over AMQP alone one that the state does not know is bound",
    { by: "amqp", desired: { ...xq, bindings: [wanted] }, live: there },
    [entry("bind", "binding", "x -> q  a", { desired: wanted })],
  ],
  [
    "over AMQP alone one of ours is unbound where both ends are there",
    {
      by: "amqp",
      desired: xq,
      live: there,
      owned: { bindings: [old, liveBinding("gone", "q", "a"), liveBinding("amq.topic", "q", "a")] },
    },
    [
      entry("unbind", "binding", "x -> q  old", { binding: { ...old, propertiesKey: null } }),
      entry("unbind", "binding", "amq.topic -> q  a", {
        binding: liveBinding("amq.topic", "q", "a", { propertiesKey: null }),
      }),
    ],
  ],
  [
    "while a queue is replaced those on its stand-in are its own",
    {
      journal: { queue: "q", phase: "drain" } as never,
      desired: { ...xq, bindings: [wanted] },
      live: [liveExchange("x"), liveQueue("q~migrating"), liveBinding("x", "q~migrating", "a")],
    },
    [entry("unchanged", "binding", "x -> q  a", { desired: wanted })],
  ],
])("of bindings: %s", (_, given, expected) => {
  expect(planOf(given).entries.filter(({ kind }) => kind === "binding")).toEqual(expected);
});
