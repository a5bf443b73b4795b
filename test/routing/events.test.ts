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
const handled = { handler: { name: "handler", file: "/handler.ts" } };

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
    "headers that no message can have together let nothing through",
    {
      exchanges: {
        docs: { type: "headers", events: order },
        inner: { type: "headers", internal: true },
      },
      bindings: [
        ["docs", "x>inner", { type: "pdf" }],
        ["inner", "q", { type: "text" }],
      ],
    },
    [],
  ],
  [
    "of a handler dead letters are any JSON",
    {
      exchanges,
      bindings: [["books", "q", "#"]],
      queues: { other: { ...handled, deadLetter: { exchange: "books", key: "other" } } },
    },
    null,
  ],
  [
    "dead letters that another key takes change nothing",
    {
      exchanges,
      bindings: [["books", "q", "book.*"]],
      queues: { other: { ...handled, deadLetter: { exchange: "books", key: "other" } } },
    },
    book,
  ],
  [
    "of a handler dead letters sent to a queue by name are any JSON",
    {
      exchanges,
      bindings: [["books", "q", "#"]],
      queues: { other: { ...handled, deadLetter: { exchange: "", key: "q" } } },
    },
    null,
  ],
  [
    "of a handler dead letters that raw arguments send with their own keys are any JSON",
    {
      exchanges,
      bindings: [["books", "q", "book.*"]],
      queues: { other: { ...handled, arguments: { "x-dead-letter-exchange": "books" } } },
    },
    null,
  ],
  [
    "of an external queue dead letters are any JSON",
    {
      exchanges,
      bindings: [
        ["books", "other", "book.created"],
        ["inner", "q", "#"],
      ],
      queues: { other: { external: true, deadLetter: { exchange: "inner", key: "k" } } },
    },
    null,
  ],
  [
    "dead letters of a parked queue are the events that reach it, by the dead-letter key",
    {
      exchanges,
      bindings: [
        ["fan", "other"],
        ["inner", "q", "late.*"],
      ],
      queues: { other: { deadLetter: { exchange: "inner", key: "late.one" } } },
    },
    [...book, ...order],
  ],
  [
    "dead letters of a parked queue keep their own keys where no other is said",
    {
      exchanges,
      bindings: [
        ["fan", "other"],
        ["inner", "q", "*.placed"],
      ],
      queues: { other: { arguments: { "x-dead-letter-exchange": "inner" } } },
    },
    order,
  ],
  [
    "dead letters of dead letters go on, through parked queues in a circle too",
    {
      exchanges,
      bindings: [
        ["books", "first", "book.created"],
        ["inner", "first", "#"],
        ["inner", "q", "again"],
      ],
      queues: {
        first: { deadLetter: { exchange: "", key: "second" } },
        second: { deadLetter: { exchange: "inner", key: "again" } },
      },
    },
    ["book.created"],
  ],
  [
    "by its name alone a queue gets what the queue before it gets",
    {
      exchanges,
      bindings: [["books", "other", "book.created"]],
      queues: { other: { deadLetter: { exchange: "", key: "q" } } },
    },
    ["book.created"],
  ],
  [
    "dead letters of a parked queue that an open exchange feeds are any JSON",
    {
      exchanges,
      bindings: [
        ["free", "other", "k"],
        ["inner", "q", "#"],
      ],
      queues: { other: { deadLetter: { exchange: "inner", key: "k" } } },
    },
    null,
  ],
];

test.each(cases)("events of a queue: %s", (_rule, short, expected) => {
  const queues = Object.fromEntries(
    ["q", ...(short.bindings ?? []).map(([, destination]) => destination)]
      .filter((name) => !name.startsWith("x>"))
      .map((name) => [name, name === "q" ? handled : {}]),
  );
  const topology = topologyOf({ ...short, queues: { ...queues, ...short.queues } });
  expect(eventsOfQueue(topology, "q")).toEqual(expected);
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
