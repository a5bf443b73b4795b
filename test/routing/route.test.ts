import { expect, test } from "vitest";
import { route } from "../../src/routing/route.ts";
import { type ShortBinding, topologyOf } from "../support/topology.ts";

type Case = readonly [
  rule: string,
  exchanges: Parameters<typeof topologyOf>[0]["exchanges"],
  bindings: readonly ShortBinding[],
  publish: readonly [exchange: string, key: string, headers?: Record<string, unknown>],
  queues: readonly string[],
  via: string | null,
];

const kinds = {
  direct: { type: "direct" },
  fanout: { type: "fanout" },
  topic: { type: "topic" },
  headers: { type: "headers" },
};

const cases: readonly Case[] = [
  [
    "direct takes the very key",
    kinds,
    [
      ["direct", "a", "k"],
      ["direct", "b", "k."],
    ],
    ["direct", "k"],
    ["a"],
    null,
  ],
  [
    "fanout takes any key",
    kinds,
    [
      ["fanout", "b"],
      ["fanout", "a", "k"],
    ],
    ["fanout", "z"],
    ["a", "b"],
    null,
  ],
  [
    "a queue that is bound twice gets it once",
    kinds,
    [
      ["topic", "a", "#"],
      ["topic", "a", "k"],
    ],
    ["topic", "k"],
    ["a"],
    null,
  ],
  ["an exchange that nobody knows routes nowhere", kinds, [], ["other", "k"], [], null],
  [
    "a plugin's type takes everything",
    { hash: { type: "x-consistent-hash" } },
    [["hash", "a", "1"]],
    ["hash", "k"],
    ["a"],
    null,
  ],
  [
    "x-delayed-message routes as the type that its argument names",
    { later: { type: "x-delayed-message", arguments: { "x-delayed-type": "direct" } } },
    [
      ["later", "a", "k"],
      ["later", "b", "#"],
    ],
    ["later", "k"],
    ["a"],
    null,
  ],
  [
    "exchanges are followed",
    kinds,
    [
      ["topic", "x>fanout", "k.*"],
      ["fanout", "a"],
    ],
    ["topic", "k.1"],
    ["a"],
    null,
  ],
  [
    "a circle of exchanges ends",
    kinds,
    [
      ["topic", "x>fanout", "#"],
      ["fanout", "x>topic"],
      ["topic", "a", "k"],
    ],
    ["topic", "k"],
    ["a"],
    null,
  ],
  [
    "an alternate takes what no binding takes",
    { orders: { alternate: "rest" }, rest: {} },
    [["rest", "a", "#"]],
    ["orders", "k"],
    ["a"],
    "rest",
  ],
  [
    "an alternate gets nothing of what a binding takes",
    { orders: { alternate: "rest" }, rest: {} },
    [
      ["rest", "a", "#"],
      ["orders", "b", "k"],
    ],
    ["orders", "k"],
    ["b"],
    null,
  ],
  [
    "alternates form a chain",
    { a: { alternate: "b" }, b: { alternate: "c" }, c: {} },
    [["c", "q", "#"]],
    ["a", "k"],
    ["q"],
    "c",
  ],
  [
    "alternates that form a circle end",
    { a: { alternate: "b" }, b: { alternate: "a" } },
    [],
    ["a", "k"],
    [],
    null,
  ],
  [
    "an exchange whose binding takes it keeps its alternate out, even if it ends nowhere",
    { a: { alternate: "c" }, b: {}, c: {} },
    [
      ["a", "x>b", "#"],
      ["c", "q", "#"],
    ],
    ["a", "k"],
    [],
    null,
  ],
  [
    "an alternate within a chain of exchanges is no via",
    { a: {}, b: { alternate: "c" }, c: {} },
    [
      ["a", "x>b", "#"],
      ["c", "q", "#"],
    ],
    ["a", "k"],
    ["q"],
    null,
  ],
];

test.each(cases)("%s", (_rule, exchanges, bindings, [exchange, key, headers = {}], queues, via) => {
  const network = topologyOf({ exchanges, bindings });
  expect(route(network, exchange, key, headers)).toEqual({ queues, via });
});

test.each([
  [{ type: "pdf" }, { type: "pdf", n: 1 }, true],
  [{ type: "pdf", n: 1 }, { type: "pdf" }, false],
  [{ "x-match": "all", type: "pdf", n: 1 }, { type: "pdf", n: 1 }, true],
  [{ "x-match": "any", type: "pdf", n: 1 }, { n: 1 }, true],
  [{ "x-match": "any", type: "pdf" }, {}, false],
  [{ n: 1 }, { n: "1" }, false],
  [{ n: true }, { n: "true" }, false],
  [{ "x-a": "1" }, {}, true],
  [{ "x-match": "all-with-x", "x-a": "1" }, {}, false],
  [{ "x-match": "all-with-x", "x-a": "1" }, { "x-a": "1" }, true],
  [{ "x-match": "any", "x-a": "1" }, { "x-a": "1" }, false],
  [{ "x-match": "any-with-x", "x-a": "1" }, { "x-a": "1" }, true],
  [{}, {}, true],
  [{ "x-match": "any" }, { n: 1 }, false],
  [{ toString: "a" }, {}, false],
  [{ n: { a: 1, b: 2 } }, { n: { a: 1, b: 2 } }, true],
  [{ n: { a: 1, b: 2 } }, { n: { b: 2, a: 1 } }, false],
  [{ n: [1, "a"] }, { n: [1, "a"] }, true],
  [{ n: [] }, { n: {} }, true],
  [{ n: {} }, { n: "" }, false],
])("a headers binding %j and the headers %j: %s", (wanted, headers, isTaken) => {
  const network = topologyOf({ exchanges: kinds, bindings: [["headers", "q", wanted as never]] });
  expect(route(network, "headers", "", headers).queues).toEqual(isTaken ? ["q"] : []);
});
