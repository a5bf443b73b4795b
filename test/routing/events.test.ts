import { expect, test } from "vitest";
import { eventsOfQueue, groupOf, publicationTarget } from "../../src/routing/events.ts";
import { type ShortTopology, topologyOf } from "../support/topology.ts";

const book = ["book.created", "book.deleted"];
const order = ["order.placed"];
const exchanges = {
  books: { events: book },
  orders: { events: order },
  free: {},
  fan: { type: "fanout", events: [...book, ...order] },
  inner: { internal: true },
};

const cases: readonly (readonly [rule: string, ShortTopology, readonly string[] | null])[] = [
  [
    "a key names the event",
    { exchanges, bindings: [["books", "q", "book.created"]] },
    ["book.created"],
  ],
  ["a pattern names events", { exchanges, bindings: [["books", "q", "book.*"]] }, book],
  [
    "several bindings add up",
    {
      exchanges,
      bindings: [
        ["books", "q", "book.deleted"],
        ["orders", "q", "#"],
      ],
    },
    ["book.deleted", "order.placed"],
  ],
  [
    "a fanout gives all of its events",
    { exchanges, bindings: [["fan", "q"]] },
    [...book, ...order],
  ],
  ["keys that no event has give none", { exchanges, bindings: [["books", "q", "film.*"]] }, []],
  [
    "one open exchange opens the queue",
    {
      exchanges,
      bindings: [
        ["books", "q", "#"],
        ["free", "q", "k"],
      ],
    },
    null,
  ],
  ["a queue that nothing leads to is open", { exchanges }, null],
  [
    "exchanges are followed, key by key",
    {
      exchanges,
      bindings: [
        ["fan", "x>books"],
        ["books", "q", "*.placed"],
      ],
    },
    order,
  ],
  [
    "an internal exchange adds nothing of its own",
    {
      exchanges,
      bindings: [
        ["books", "x>inner", "book.created"],
        ["inner", "q", "#"],
      ],
    },
    ["book.created"],
  ],
  [
    "an internal exchange that is fed from elsewhere is open",
    { exchanges, bindings: [["inner", "q", "#"]] },
    null,
  ],
  [
    "an open exchange upstream opens the queue",
    {
      exchanges,
      bindings: [
        ["free", "x>books", "#"],
        ["books", "q", "book.created"],
      ],
    },
    null,
  ],
  [
    "an alternate gets the events that nobody took",
    {
      exchanges: { ...exchanges, books: { events: book, alternate: "inner" } },
      bindings: [
        ["books", "other", "book.created"],
        ["inner", "q", "#"],
      ],
    },
    ["book.deleted"],
  ],
  [
    "of a headers exchange both the taken and the alternate's count",
    {
      exchanges: {
        docs: { type: "headers", events: order, alternate: "inner" },
        inner: { internal: true },
      },
      bindings: [
        ["docs", "other", { a: "b" }],
        ["inner", "q", "#"],
      ],
    },
    order,
  ],
  [
    "dead letters are any JSON",
    {
      exchanges,
      bindings: [["books", "q", "#"]],
      queues: { other: { deadLetter: { exchange: "books", key: "other" } } },
    },
    null,
  ],
  [
    "dead letters that another key takes change nothing",
    {
      exchanges,
      bindings: [["books", "q", "book.*"]],
      queues: { other: { deadLetter: { exchange: "books", key: "other" } } },
    },
    book,
  ],
  [
    "dead letters sent to a queue by name are any JSON",
    {
      exchanges,
      bindings: [["books", "q", "#"]],
      queues: { other: { deadLetter: { exchange: "", key: "q" } } },
    },
    null,
  ],
  [
    "dead letters that raw arguments send with their own keys are any JSON",
    {
      exchanges,
      bindings: [["books", "q", "book.*"]],
      queues: { other: { arguments: { "x-dead-letter-exchange": "books" } } },
    },
    null,
  ],
  [
    "dead letters that raw arguments send with another key change nothing",
    {
      exchanges,
      bindings: [["books", "q", "book.*"]],
      queues: {
        other: {
          arguments: { "x-dead-letter-exchange": "books", "x-dead-letter-routing-key": "other" },
        },
      },
    },
    book,
  ],
];

test.each(cases)("events of a queue: %s", (_rule, short, expected) => {
  expect(eventsOfQueue(topologyOf(short), "q")).toEqual(expected);
});

test("the group is what stands before the first dot", () => {
  expect(["book.created", "book", "a.b.c"].map(groupOf)).toEqual(["book", "book", "a"]);
});

test("a publication is an event or a group, each event with its exchange; the event wins", () => {
  const topology = topologyOf({
    exchanges: {
      books: { events: ["book", "book.created", "constructor.called"] },
      prices: { events: ["book.priced"] },
      inner: { internal: true, events: ["secret.told"] },
    },
  });
  const target = (name: string) => publicationTarget(topology, name);
  expect(target("book.priced")).toEqual(new Map([["book.priced", "prices"]]));
  expect(target("book")).toEqual(new Map([["book", "books"]]));
  expect(target("constructor")).toEqual(new Map([["constructor.called", "books"]]));
  expect([target("secret"), target("books"), target("__proto__")]).toEqual([null, null, null]);
});

test("a group may lie in several exchanges", () => {
  const topology = topologyOf({
    exchanges: { books: { events: ["book.created"] }, prices: { events: ["book.priced"] } },
  });
  const all = [
    ["book.created", "books"],
    ["book.priced", "prices"],
  ] as const;
  expect(publicationTarget(topology, "book")).toEqual(new Map(all));
});
