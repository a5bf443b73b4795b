/** What it costs to know that an event is one: against JSON.parse alone of the same bodies. */
import { join } from "node:path";
import { createEventReader } from "../src/events/reader.ts";
import { load } from "../src/loader/load.ts";
import { eventsOfQueue, groupOf } from "../src/routing/events.ts";
import { address } from "../src/runtime/publish/address.ts";
import { REPOSITORY } from "../test/support/processes.ts";
import { compare, type Measurement } from "./measure.ts";

/** One of each group of the bookshop, one of them in an envelope: by the queue that gets it. */
const bodies: Readonly<Record<string, string>> = {
  book_created_queue:
    '{"event_type":"book.created","book_id":"book123","title":"Clean Code","author":"Robert Martin","isbn":"9780132350884","price":39.99,"currency":"EUR"}',
  order_payments:
    '{"event_type":"order.placed","order_id":"order456","user_id":"user789","email":"user@example.com","books":[{"book_id":"book123","quantity":2,"price":39.99}],"total_amount":79.98}',
  order_notifications:
    '{"event_type":"order.shipped","data":{"order_id":"order456","user_id":"user789","carrier":"post","shipped_at":"2026-01-01T10:00:00Z"}}',
  email_queue:
    '{"event_type":"notification.email","recipient":"user@example.com","subject":"Order Confirmation","message":"Your order has been confirmed!"}',
};

type Size = { readonly rounds: number; readonly checks: number };

/** Microseconds an event: of a publish to its group, and of a delivery, both with decoding. */
export async function benchValidation({ rounds, checks }: Size): Promise<Measurement[]> {
  const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env: {} });
  if (!loaded.ok) throw new Error("the bookshop does not load");
  const { topology } = loaded;
  const reader = createEventReader(topology.events);
  const messages = Object.entries(bodies).map(([queue, text]) => {
    const { event_type: type } = JSON.parse(text);
    const expected = eventsOfQueue(topology, queue);
    const body = Buffer.from(text);
    const request = {
      body,
      contentType: "application/json",
      messageId: null,
      publication: groupOf(type),
    };
    const message = {
      body,
      contentType: "application/json",
      contentEncoding: null,
      headers: {},
      routingKey: type,
    };
    if (expected === null || !expected.includes(type)) throw new Error(`${queue} gets no ${type}`);
    return { request, message, expected };
  });
  const time = (check: (one: (typeof messages)[number]) => boolean) => async () => {
    const started = performance.now();
    for (let count = 0; count < checks; count++) {
      for (const one of messages) if (!check(one)) throw new Error("the event is none");
    }
    return ((performance.now() - started) * 1_000) / (checks * messages.length);
  };
  const theirs = time(({ message }) => JSON.parse(message.body.toString()) !== null);
  const publish = time(({ request }) => address({ topology, reader }, request).ok);
  const consume = time(({ message, expected }) => reader.read(message, expected).ok);
  return [
    await compare("validation-per-publish", "µs", rounds, { ours: publish, theirs }),
    await compare("validation-per-consume", "µs", rounds, { ours: consume, theirs }),
  ];
}
