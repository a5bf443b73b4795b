import { expect, test } from "vitest";
import type { PlanEntry } from "../../../src/apply/planned.ts";
import { entry, exchange, type Given, liveExchange, livePolicy, planOf, policy } from "./given.ts";

const x = exchange("x");
const withAlternate = exchange("x", { arguments: { "alternate-exchange": "a" } });
const inPlace = { reason: "cannot be changed in place", flags: [] };
const recipe = [
  "deleted and declared anew it would lose what is published in between. Instead, without a gap:",
  '1. declare it under a new name, and bind to that what is bound to "x"',
  "2. apply, and let publishers use the new name",
  '3. when nobody publishes to "x" any more, take it out of the file, and apply with --prune',
];
const alternateDifference = { argument: "alternate-exchange", wanted: '"a"', live: "none" };
const alternatePolicy = { pattern: "^x$", applyTo: "exchanges" } as const;

test.each<[string, Given, PlanEntry]>([
  [
    "one that is not there is created",
    { desired: { exchanges: [x] } },
    entry("create", "exchange", "x", { desired: x }),
  ],
  [
    "one that is equal is unchanged, whoever made it",
    { desired: { exchanges: [x] }, live: [liveExchange("x")] },
    entry("unchanged", "exchange", "x", { desired: x }),
  ],
  [
    "a type that the broker does not know can't be created",
    { desired: { exchanges: [exchange("x", { type: "x-odd" })] }, types: ["topic", "fanout"] },
    entry("create", "exchange", "x", {
      desired: exchange("x", { type: "x-odd" }),
      blocked: {
        reason: "this broker does not know the type x-odd: a plugin is not enabled",
        flags: [],
      },
    }),
  ],
  [
    "another type is a conflict, with the way round it",
    { desired: { exchanges: [x] }, live: [liveExchange("x", { type: "direct" })] },
    entry("conflict", "exchange", "x", {
      desired: x,
      differences: [{ argument: "type", wanted: "topic", live: "direct" }],
      blocked: inPlace,
      notes: recipe,
    }),
  ],
  [
    "so is an argument that the server does not compare",
    {
      desired: { exchanges: [exchange("x", { arguments: { "hash-header": "id" } })] },
      live: [liveExchange("x", { arguments: { "hash-header": "no" } })],
    },
    entry("conflict", "exchange", "x", {
      desired: exchange("x", { arguments: { "hash-header": "id" } }),
      differences: [{ argument: "hash-header", wanted: '"id"', live: '"no"' }],
      blocked: inPlace,
      notes: recipe,
    }),
  ],
  [
    "an alternate exchange that is absent can be given by a policy",
    {
      desired: {
        exchanges: [exchange("x.y", { arguments: { "alternate-exchange": "a" } })],
      },
      live: [liveExchange("x.y")],
    },
    entry("conflict", "exchange", "x.y", {
      desired: exchange("x.y", { arguments: { "alternate-exchange": "a" } }),
      differences: [alternateDifference],
      blocked: inPlace,
      notes: [
        "an alternate exchange can be given while it runs: leave it in the file, and add under policies:",
        '"x.y-alternate": { pattern: "^x\\\\.y$", applyTo: exchanges, definition: { alternate-exchange: "a" } }',
      ],
    }),
  ],
  [
    "and is given by one that the file declares",
    {
      desired: {
        exchanges: [withAlternate],
        policies: [policy("p", { ...alternatePolicy, definition: { "alternate-exchange": "a" } })],
      },
      live: [liveExchange("x")],
    },
    entry("unchanged", "exchange", "x", {
      desired: withAlternate,
      notes: ['alternate-exchange: given by policy "p"'],
    }),
  ],
  [
    "or by one of others",
    {
      desired: { exchanges: [withAlternate] },
      live: [
        liveExchange("x"),
        livePolicy("p", { ...alternatePolicy, definition: { "alternate-exchange": "a" } }),
      ],
    },
    entry("unchanged", "exchange", "x", {
      desired: withAlternate,
      notes: ['alternate-exchange: given by policy "p"'],
    }),
  ],
  [
    "but not by one that another hides",
    {
      desired: { exchanges: [withAlternate] },
      live: [
        liveExchange("x"),
        livePolicy("p", { ...alternatePolicy, definition: { "alternate-exchange": "a" } }),
        livePolicy("top", { pattern: ".*", applyTo: "all", priority: 1, definition: {} }),
      ],
    },
    entry("conflict", "exchange", "x", {
      desired: withAlternate,
      differences: [alternateDifference],
      blocked: inPlace,
      notes: [
        "an alternate exchange can be given while it runs: leave it in the file, and add under policies:",
        '"x-alternate": { pattern: "^x$", applyTo: exchanges, definition: { alternate-exchange: "a" } }',
      ],
    }),
  ],
  [
    "an external one that is not there is missing",
    { desired: { exchanges: [exchange("x", { isExternal: true })] } },
    entry("missing", "exchange", "x", {
      desired: exchange("x", { isExternal: true }),
      blocked: { reason: "external, so it has to be there already", flags: [] },
    }),
  ],
  [
    "an external one is left as it is, and a type that is not the file's is said",
    {
      desired: { exchanges: [exchange("x", { isExternal: true })] },
      live: [liveExchange("x", { type: "fanout", durable: false })],
    },
    entry("unchanged", "exchange", "x", {
      desired: exchange("x", { isExternal: true }),
      notes: ["the file says topic, and it is fanout: routes are computed from the file"],
    }),
  ],
  [
    "the broker's own are always there",
    { desired: { exchanges: [exchange("amq.topic", { isExternal: true })] } },
    entry("unchanged", "exchange", "amq.topic", {
      desired: exchange("amq.topic", { isExternal: true }),
    }),
  ],
])("of the file's exchanges: %s", (_, given, expected) => {
  expect(planOf(given).entries.filter(({ kind }) => kind === "exchange")).toEqual([expected]);
});
