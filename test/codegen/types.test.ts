import { expect, test } from "vitest";
import { generateTypes } from "../../src/codegen/types.ts";
import { type Blocks, topologyOf } from "./topology.ts";

const header =
  "// Generated from topology.yaml and schemas/events by `npm run generate`: do not edit.\n";
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
