import { expect, test } from "vitest";
import { generateTypes } from "../../src/codegen/types.ts";
import { topologyOf as build } from "../support/topology.ts";
import { type Blocks, handled, topologyOf } from "./topology.ts";

const header = "// Generated from topology.yaml and schemas by `npm run generate`: do not edit.\n";
const books: Blocks = {
  exchanges: { books: ["book.created", "book.deleted"], content: null },
  queues: {
    created: [["books", "book.created"]],
    all: [["books", "book.*"]],
    articles: [["content", "#"]],
    parked: null,
  },
  events: {
    "book.created": {
      title: "never the type's name",
      description: "A book came.",
      required: ["id"],
      properties: {
        id: { type: "string", description: "The shop's own." },
        tags: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 2 },
      },
    },
    "book.deleted": { properties: {} },
  },
};

async function generated(blocks: Blocks): Promise<Readonly<Record<string, string>>> {
  const files = await generateTypes(topologyOf(blocks));
  return Object.fromEntries(files.map(({ path, content }) => [path, content]));
}

test("every event has a type, documented as its schema is, and every group a union", async () => {
  expect((await generated(books))["events.ts"]).toBe(`${header}
/**
 * A book came.
 */
export interface BookCreated {
  event_type: "book.created";
  /**
   * The shop's own.
   */
  id: string;
  /**
   * @minItems 1
   * @maxItems 2
   */
  tags?: string[];
}

export interface BookDeleted {
  event_type: "book.deleted";
}

export type BookEvent = BookCreated | BookDeleted;
`);
});

test("a queue's events follow its bindings; parked queues have none", async () => {
  expect((await generated(books))["topology.ts"]).toBe(`${header}
import type {
  BookCreated,
  BookDeleted,
} from "./events.ts";

declare module "warren" {
  interface QueueEvents {
    "all": BookCreated | BookDeleted;
    "articles": unknown;
    "created": BookCreated;
  }
  interface ExchangeEvents {
    "books": {
      "book.created": BookCreated;
      "book.deleted": BookDeleted;
    };
    "content": unknown;
  }
  interface QueueReplies {
  }
  interface ExchangeReplies {
  }
}
`);
});

const money = { $ref: "#/$defs/common~1money.json" };
const $defs = {
  "common/money.json": {
    description: "An amount in a currency.",
    type: "object",
    properties: {
      amount: { $ref: "#/$defs/common~1money.json~1$defs~1amount", description: "What is owed." },
      change: money,
      // A property may be named as a keyword.
      enum: { type: "array", items: { $ref: "#/$defs/common~1money.json~1$defs~1amount" } },
      back: { $ref: "#" },
    },
    examples: [{ $ref: "#/$defs/common~1money.json" }],
  },
  "common/money.json/$defs/amount": { type: "number" },
};

test("what schemas share is one type, by the name of its file and the words of its part", async () => {
  const files = await generated({
    exchanges: {},
    queues: { till: [] },
    events: {
      "sale.made": { properties: { total: money }, $defs },
      "sale.undone": { ...money, required: ["change"], $defs: { ...$defs, note: {} } },
    },
    replies: { till: { oneOf: [money, { type: "null" }], $defs } },
  });
  expect(files["events.ts"]).toBe(`${header}
export interface SaleMade {
  event_type: "sale.made";
  total?: Money;
}

export type SaleUndone = Money & {
  event_type: "sale.undone";
};

export type TillReply = Money | null;

/**
 * An amount in a currency.
 */
export interface Money {
  /**
   * What is owed.
   */
  amount?: MoneyAmount;
  change?: Money;
  enum?: MoneyAmount[];
  back?: unknown;
}

export type MoneyAmount = number;

export type SaleEvent = SaleMade | SaleUndone;
`);
});

test("names are taken by events, groups, replies and shared parts in turn, and none twice", async () => {
  const part = { type: "string" };
  const files = await generated({
    exchanges: {},
    queues: { book: [], "book.created": [] },
    events: {
      "book.created": {
        properties: {},
        $defs: {
          "a/money.json": part,
          "b/money.json": part,
          "book-event.json": part,
          "events/book.reply.json": part,
          "common/object.json": part,
        },
      },
      "book.reply": { properties: {} },
    },
    replies: { book: {}, "book.created": { type: "null" } },
  });
  expect(files["events.ts"]?.match(/(?<=export (type|interface) )\w+/g)).toEqual([
    ...["BookCreated", "BookReply", "BookReply2", "BookCreatedReply"],
    ...["AMoney", "BMoney", "BookEvent2", "Object", "BookReplyFields", "BookEvent"],
  ]);
});

test("a queue's reply is told to its handler, and to those who publish what reaches it", async () => {
  const topology = build({
    exchanges: {
      tasks: { type: "direct" },
      jobs: { events: ["job.asked", "job.told"] },
      all: { type: "fanout" },
      inner: { internal: true },
      free: {},
      mixed: {},
      quiet: {},
    },
    queues: { quote: handled, count: handled, other: handled, loose: { ...handled, rpc: true } },
    bindings: [
      ["tasks", "loose", "loose"],
      ["mixed", "quote", "a.#"],
      ["mixed", "count", "b"],
      ["tasks", "quote", "price.quote"],
      ["tasks", "count", "count"],
      ["tasks", "other", "other"],
      ["jobs", "x>inner", "job.asked"],
      ["inner", "count", "#"],
      ["all", "quote"],
      ["all", "count"],
      ["free", "quote", "a.*"],
      ["quiet", "other", "#"],
    ],
    schemas: { "job.asked": {}, "job.told": {} },
    replies: { quote: { type: "object" }, count: { type: "integer" }, "o.t": { type: "null" } },
  });
  const files = await generateTypes(topology);
  const content = files.find(({ path }) => path === "topology.ts")?.content ?? "";
  expect(content.slice(content.indexOf("  interface QueueReplies"))).toBe(`\
  interface QueueReplies {
    "count": CountReply;
    "o.t": OTReply;
    "quote": QuoteReply;
  }
  interface ExchangeReplies {
    "all": {
      [key: string]: CountReply | QuoteReply;
    };
    "free": {
      [key: string]: QuoteReply;
    };
    "jobs": {
      "job.asked": CountReply;
    };
    "mixed": {
      "b": CountReply;
      [key: string]: unknown;
    };
    "tasks": {
      "count": CountReply;
      "loose": unknown;
      "price.quote": QuoteReply;
    };
  }
}
`);
});

test("the order of blocks changes nothing", async () => {
  const reversed = <T>(record: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(record).reverse());
  const backwards = {
    exchanges: reversed(books.exchanges),
    queues: reversed(books.queues),
    events: reversed(books.events),
  };
  expect(await generated(backwards)).toEqual(await generated(books));
});

test("an internal exchange is not for publishing", async () => {
  const topology = topologyOf({ ...books, queues: {} });
  const exchanges = Object.fromEntries(
    Object.entries(topology.exchanges).map(([name, x]) => [name, { ...x, internal: true }]),
  );
  const files = await generateTypes({ ...topology, exchanges });
  expect(files.find(({ path }) => path === "topology.ts")?.content).toBe(`${header}
export {};

declare module "warren" {
  interface QueueEvents {
  }
  interface ExchangeEvents {
  }
  interface QueueReplies {
  }
  interface ExchangeReplies {
  }
}
`);
});

test("a reference out of the schema is refused, with the schema's file", async () => {
  const events = { "book.created": { properties: { price: { $ref: "https://example.com/a" } } } };
  await expect(
    generateTypes(topologyOf({ exchanges: {}, queues: {}, events })),
  ).rejects.toMatchObject({
    code: "bad-event-schema",
    message: expect.stringContaining("schemas/events/book.created.json"),
  });
});
