import type { Options } from "amqplib";
import type { Client } from "../support/client.ts";
import { startRunner, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";

const topology = `
defaults: { retry: none, deadLetter: dead }
exchanges:
  books: { type: topic, events: ["book.*"] }
  dead:  { type: topic }
queues:
  shelf: { bind: { books: "#" }, handler: shelve }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "book.created": {
    type: "object",
    required: ["book_id", "title"],
    properties: {
      book_id: { type: "string" },
      title: { type: "string" },
      price: { type: "number" },
      tags: { type: "array", items: { type: "string" } },
    },
    additionalProperties: false,
  },
};

const TYPE = "book.created";
const fields = { book_id: "1", title: "Überall 😀", price: 39.99, tags: ["a", "b"] };
const flat = { event_type: TYPE, ...fields };
const envelope = { event_type: TYPE, data: fields, sent_by: "a shop" };
const attributes = { specversion: "1.0", id: "7", source: "/shop", type: TYPE };
const structured = { ...attributes, data: fields };
const CLOUD_EVENT = "application/cloudevents+json; charset=utf-8";
const prefixed = (prefix: string) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prefix + name, value]));

/** A publish over HTTP: its path, body and headers. */
const http: Readonly<Record<string, readonly [path: string, body: unknown, headers?: object]>> = {
  flat: ["/publish/book", flat],
  "flat, by the event's name": ["/publish/book.created", fields],
  "flat, in a wrapper": ["/publish", { exchange: "books", routing_key: TYPE, message: flat }],
  "flat, its type the routing key": [
    "/publish",
    { exchange: "books", routing_key: TYPE, message: fields },
  ],
  envelope: ["/publish/book", envelope],
  "envelope, in a wrapper": ["/publish", { exchange: "books", message: envelope }],
  "envelope, by the event's name": ["/publish/book.created", { data: fields }],
  "CloudEvent, structured": ["/publish/book", structured, { "content-type": CLOUD_EVENT }],
  "CloudEvent, binary": ["/publish/book", fields, prefixed("ce-")],
  "CloudEvent, binary, with the prefix cloudEvents: in a wrapper": [
    "/publish",
    { exchange: "books", message: fields, headers: prefixed("cloudEvents:") },
  ],
  "CloudEvent, binary, with the prefix cloudEvents_ in a wrapper": [
    "/publish",
    { exchange: "books", message: fields, headers: prefixed("cloudEvents_") },
  ],
  "CloudEvent, binary, with the prefix ce- in a wrapper": [
    "/publish",
    { exchange: "books", message: fields, headers: prefixed("ce-") },
  ],
};

/** A publish by somebody who knows nothing of warren: its body, and its properties. */
const foreign: Readonly<Record<string, readonly [body: object, options?: Options.Publish]>> = {
  flat: [flat, { contentType: "application/json" }],
  "flat, without content type": [flat],
  "flat, its type the routing key": [fields],
  envelope: [envelope],
  "envelope, its type the routing key": [{ data: fields }],
  "CloudEvent, structured": [structured, { contentType: CLOUD_EVENT }],
  "CloudEvent, binary, with the prefix cloudEvents:": [
    fields,
    { headers: prefixed("cloudEvents:") },
  ],
  "CloudEvent, binary, with the prefix cloudEvents_": [
    fields,
    { headers: prefixed("cloudEvents_") },
  ],
  "CloudEvent, binary, with the prefix ce-": [fields, { headers: prefixed("ce-") }],
};

test("however an event is encoded and sent, its handler gets the same", async ({
  vhost,
  client,
}) => {
  const seen = new Map<string, unknown>();
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: { shelve: (event, { message }) => void seen.set(message.id, event) },
  });
  try {
    for (const what of Object.keys(http)) await sendByHttp(warren, what);
    for (const what of Object.keys(foreign)) await sendAsForeigner(client, what);
    const all = [...Object.keys(http).map((it) => `http ${it}`), ...Object.keys(foreign)];
    const count = async () => seen.size + ((await client.queueCounts("dead_letters"))?.ready ?? 0);
    await waitFor(async () => (await count()) >= all.length, { what: "every event" });
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(all.map((what) => [what, flat])));
  } finally {
    await warren.stop();
  }
});

async function sendByHttp(warren: TestRunner, what: string): Promise<void> {
  const [path, body, headers = {}] = http[what] ?? ["", ""];
  const id = { "idempotency-key": `http ${what}` };
  const { status, body: answer } = await warren.post(path, body, { ...id, ...headers });
  expect([what, status, answer]).toEqual([
    what,
    202,
    expect.objectContaining({ exchange: "books", routing_key: TYPE }),
  ]);
}

async function sendAsForeigner(client: Client, what: string): Promise<void> {
  const [body, options = {}] = foreign[what] ?? [{}];
  await client.publish("books", TYPE, body, { ...options, messageId: what });
}

test("a dead letter says which version of its schema an event breaks, and every violation", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: { shelve: () => undefined },
  });
  const schema = `${TYPE}@${warren.topology.events[TYPE]?.version}`;
  const wrong = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`field_${n}`, n]));
  const unknown = (count: number) =>
    Array.from({ length: count }, (_, n) => `/field_${n} is not a known field`);
  // Headers of others stay, also beside the most that violations may take.
  const headers = { theirs: "h".repeat(40_000) };
  const options = { contentType: "application/json", headers };
  try {
    await client.publish("books", TYPE, { title: 5, tags: ["a", 6], ...wrong(3) }, options);
    await client.publish("books", TYPE, { ...fields, ...wrong(5_000) }, options);
    const wide = Object.fromEntries(
      Object.entries(wrong(90)).map(([name, value]) => [name + "é".repeat(280), value]),
    );
    await client.publish("books", TYPE, { ...fields, ...wide }, options);
    await client.publish("books", TYPE, "[]", options);
    await vhost.waitForCounts("dead_letters", { ready: 4 });
  } finally {
    await warren.stop();
  }
  const dead = await client.peek("dead_letters");
  const lists = dead.map((message) => {
    const listed = JSON.parse(String(message.headers["x-warren-violations"]));
    return listed.map((it: { pointer: string; message: string }) => `${it.pointer} ${it.message}`);
  });
  expect(dead.map((message) => message.headers["x-warren-schema"])).toEqual([
    schema,
    schema,
    schema,
    undefined,
  ]);
  expect(dead.map((message) => message.headers.theirs)).toEqual(Array(4).fill(headers.theirs));
  const small = [
    "/book_id must be present",
    "/title must be string",
    "/tags/1 must be string",
    ...unknown(3),
  ];
  expect(lists[0].toSorted()).toEqual(small.toSorted());
  expect(lists[1]).toEqual([...unknown(100), " 4900 more are not listed"]);
  const { length } = lists[2];
  expect(length).toBeGreaterThan(20);
  expect(lists[2].at(-1)).toBe(` ${90 - (length - 1)} more are not listed`);
  expect(lists[3]).toEqual([" must be an object"]);
});
