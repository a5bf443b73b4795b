import { expect, test } from "vitest";
import { WarrenError } from "../../src/errors.ts";
import { compileCheck } from "../../src/events/check.ts";
import { decodeJson } from "../../src/events/json.ts";
import { createEventReader, type RawMessage } from "../../src/events/reader.ts";
import { createRandom } from "../support/random.ts";
import { bombs, fuzzedBody } from "./bodies.ts";
import { bookshopEvents } from "./bookshop.ts";
import { leastCpuMs } from "./cpu.ts";
import { messageOf } from "./reading.ts";
import { randomSchema, randomValue } from "./schemas.ts";

/** For nobody to notice: what a thread may be blocked for by one body. */
const MAX_MS = 50;

const events = bookshopEvents();
const types = Object.keys(events);
const reader = createEventReader(events);
const samples = [
  { event_type: "book.created", book_id: "1", title: "t", isbn: "9781234567897", price: 39.99 },
  { event_type: "book.updated", data: { book_id: "1", price: 1, currency: "EUR" } },
  {
    event_type: "order.placed",
    order_id: "1",
    user_id: "2",
    email: "a@b.de",
    books: [{ book_id: "1", quantity: 2, price: 39.99 }],
  },
  { specversion: "1.0", id: "1", source: "/s", type: "order.shipped", data: { order_id: "1" } },
];

/** Reads it, and measures again what took long: it may have been somebody else's time. */
function readInTime(read: () => unknown, what: unknown): void {
  const started = performance.now();
  read();
  if (performance.now() - started < MAX_MS / 2) return;
  expect([what, leastCpuMs(read) < MAX_MS]).toEqual([what, true]);
}

test("a fuzzed body never throws, takes no longer than 50 ms, and is no event that breaks its schema", () => {
  const random = createRandom(17);
  const seen = { ok: 0, refused: 0 };
  for (let round = 0; round < 10_000; round++) {
    const body = fuzzedBody(random, samples);
    const contentType = random.pick(["application/json", "application/cloudevents+json"]);
    const message = messageOf(body, { contentType, routingKey: random.pick(types) });
    let read = reader.read(message, types);
    readInTime(() => {
      read = reader.read(message, types);
    }, body.toString());
    seen[read.ok ? "ok" : "refused"] += 1;
    if (read.ok) expect(isValid(read.type, read.event), body.toString()).toBe(true);
  }
  expect(seen.ok).toBeGreaterThan(500);
  expect(seen.refused).toBeGreaterThan(1_000);
});

function isValid(type: string | null, event: unknown): boolean {
  const { event_type, ...fields } = event as Record<string, unknown>;
  const required = events[type ?? ""]?.schema.required as readonly string[];
  return event_type === type && required.every((name) => Object.hasOwn(fields, name));
}

test.each(Object.entries(bombs))("%s: read or refused within 50 ms", (_what, make) => {
  for (const routingKey of ["book.created", "order.placed"]) {
    const message: RawMessage = messageOf(make(), { routingKey });
    expect(leastCpuMs(() => reader.read(message, types))).toBeLessThan(MAX_MS);
    expect(leastCpuMs(() => decodeJson(message.body))).toBeLessThan(MAX_MS);
  }
});

test("a random schema that compiles reads random values without throwing, in time, and as they came", () => {
  const random = createRandom(23);
  const seen = { schemas: 0, refused: 0, ok: 0, invalid: 0 };
  for (let round = 0; round < 150; round++) {
    const schema = randomSchema(random);
    const event = { type: "e", file: "e.json", schema, version: "0" };
    try {
      compileCheck(event);
    } catch (error) {
      expect(error).toBeInstanceOf(WarrenError);
      seen.refused += 1;
      continue;
    }
    seen.schemas += 1;
    const strange = createEventReader({ e: event });
    for (let count = 0; count < 25; count++) {
      const value = random.list(1 + random.below(4), () => [
        random.pick(["a", "b", "c", "title", "price"]),
        randomValue(random, 0),
      ]);
      const fields = Object.fromEntries(value);
      const message = messageOf({ event_type: "e", ...fields });
      let read = strange.read(message, ["e"]);
      readInTime(
        () => {
          read = strange.read(message, ["e"]);
        },
        { schema, fields },
      );
      seen[read.ok ? "ok" : "invalid"] += 1;
      if (read.ok) expect(read.event).toEqual({ event_type: "e", ...fields });
    }
  }
  expect(seen.schemas).toBeGreaterThan(100);
  expect(seen.ok).toBeGreaterThan(200);
  expect(seen.invalid).toBeGreaterThan(200);
});
