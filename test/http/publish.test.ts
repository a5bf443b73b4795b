import { startRunner, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";

const topology = `
exchanges:
  books: { type: topic, events: ["book.*"], alternate: unrouted }
  news: { type: fanout, events: ["news.*"] }
  content: { type: topic }
  tasks: { type: direct }
  docs: { type: headers }
  unrouted: { type: fanout }
  full: { type: fanout }
queues:
  created: { bind: { books: book.created }, handler: none, deadLetter: none, type: classic }
  all_news: { bind: news, handler: none, deadLetter: none, type: classic }
  articles: { bind: { content: "article.*" }, handler: none, deadLetter: none, type: classic }
  pdfs: { bind: { docs: { headers: { type: pdf } } }, handler: none, deadLetter: none, type: classic }
  rest: { bind: unrouted, handler: none, deadLetter: none, type: classic }
  one: { bind: full, handler: none, deadLetter: none, type: classic, limits: { messages: 1, overflow: reject-publish } }
`;
const book = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "string" }, isbn: { type: "integer" } },
};
const events = { "book.created": book, "book.deleted": book, "news.told": { type: "object" } };

async function start(vhost: Vhost): Promise<TestRunner> {
  return await startRunner({ url: vhost.url, topology, events });
}

const uuid = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/,
);

test("an event goes to the exchange that lists it, with its type as key, as it was sent", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  const sent =
    '{ "event_type": "book.created",  "data": {"id":"1", "isbn": 9780132350884000000001} }';
  for (const name of ["book", "book.created"]) {
    const answer = await warren.post(`/publish/${name}`, sent);
    expect(answer).toMatchObject({
      status: 202,
      body: {
        status: "published",
        message_id: uuid,
        exchange: "books",
        routing_key: "book.created",
      },
    });
    expect(answer.body).not.toHaveProperty("via");
    expect(await vhost.get("created")).toMatchObject({
      body: sent,
      exchange: "books",
      routingKey: "book.created",
      properties: {
        messageId: answer.body.message_id,
        contentType: "application/json",
        type: "book.created",
        deliveryMode: 2,
        timestamp: expect.any(Number),
      },
    });
  }
  await warren.stop();
});

test("the message of POST /publish goes on the wire as its bytes stand in the request", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  const message = '{"id": 12345678901234567890, "tiny": 1e-400, "text":"\\u00e9 é"}';
  const body = `{"message": ${message} , "exchange":"content","routing_key":"article.new"}`;
  expect(await warren.post("/publish", body)).toMatchObject({ status: 202 });
  expect(await vhost.get("articles")).toMatchObject({ body: message, routingKey: "article.new" });
  await warren.stop();
});

test("every option reaches the message", async ({ vhost }) => {
  const warren = await start(vhost);
  const headers = {
    type: "pdf",
    n: 5,
    half: 0.5,
    big: 2 ** 53 - 1,
    yes: true,
    "cloudEvents:x": "é",
  };
  const answer = await warren.post("/publish", {
    exchange: "docs",
    message: [1],
    headers,
    priority: 255,
    message_id: "é".repeat(127),
    correlation_id: "c".repeat(255),
    expiration: 2 ** 32 - 1,
    delivery_mode: 1,
  });
  expect(answer).toMatchObject({
    status: 202,
    body: { exchange: "docs", routing_key: "", message_id: "é".repeat(127) },
  });
  const message = await vhost.get("pdfs");
  expect(message).toMatchObject({
    body: "[1]",
    properties: {
      priority: 255,
      correlationId: "c".repeat(255),
      expiration: "4294967295",
      deliveryMode: 1,
    },
  });
  expect(message?.headers).toMatchObject(headers);
  await warren.stop();
});

test("options of a group's publish are in the query, its id in Idempotency-Key", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  const query = "?priority=0&correlation_id=a%20b+c&expiration=60000&delivery_mode=1";
  const event = { event_type: "book.created", id: "1" };
  const answer = await warren.post(`/publish/book${query}`, event, { "idempotency-key": "key-1" });
  expect(answer).toMatchObject({ status: 202, body: { message_id: "key-1" } });
  expect(await vhost.get("created")).toMatchObject({
    properties: {
      messageId: "key-1",
      priority: 0,
      correlationId: "a b c",
      expiration: "60000",
      deliveryMode: 1,
    },
  });
  await warren.stop();
});

test("a CloudEvent keeps its mode: its content type, or its attributes as headers", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  const event = {
    specversion: "1.0",
    id: "1",
    source: "/shop",
    type: "book.created",
    data: { id: "1" },
  };
  const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };
  expect(await warren.post("/publish/book", event, structured)).toMatchObject({
    status: 202,
    body: { routing_key: "book.created" },
  });
  expect(await vhost.get("created")).toMatchObject({
    body: JSON.stringify(event),
    properties: { contentType: "application/cloudevents+json" },
  });
  const binary = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "book.created",
    "ce-subject": "B%C3%BCcher",
  };
  expect(await warren.post("/publish/book", { id: "1" }, binary)).toMatchObject({ status: 202 });
  const message = await vhost.get("created");
  expect(message).toMatchObject({
    body: '{"id":"1"}',
    properties: { contentType: "application/json" },
  });
  expect(message?.headers).toMatchObject({
    cloudEvents_specversion: "1.0",
    cloudEvents_type: "book.created",
    cloudEvents_subject: "Bücher",
  });
  await warren.stop();
});

test("what an alternate exchange took says so", async ({ vhost }) => {
  const warren = await start(vhost);
  const answer = await warren.post("/publish/book", { event_type: "book.deleted", id: "1" });
  expect(answer).toMatchObject({ status: 202, body: { exchange: "books", via: "unrouted" } });
  expect(await vhost.get("rest")).toMatchObject({ routingKey: "book.deleted" });
  await warren.stop();
});

test("what no queue takes is unroutable, what a full queue refuses is nacked", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  const lost = await warren.post("/publish", {
    exchange: "content",
    routing_key: "film.new",
    message: {},
    message_id: "m",
  });
  expect(lost).toMatchObject({ status: 422, body: { code: "unroutable", message_id: "m" } });
  const full = { exchange: "full", message: {}, message_id: "n" };
  const answers = [];
  for (let count = 0; count < 3; count++) answers.push(await warren.post("/publish", full));
  expect(answers.map(({ status }) => status)).toEqual([202, 502, 502]);
  expect(answers[1]?.body).toMatchObject({ code: "nacked", message_id: "n" });
  await warren.stop();
});

test("with the broker away a publish is refused at once, and told when to come again", async ({
  vhost,
  proxy,
}) => {
  const warren = await startRunner({ url: proxy.url(vhost.url), topology, events });
  await proxy.close();
  await expect.poll(async () => (await warren.get("/readyz")).status).toBe(503);
  const answer = await warren.post("/publish/book", { event_type: "book.created", id: "1" });
  expect(answer).toMatchObject({ status: 503, body: { code: "disconnected", message_id: uuid } });
  expect(answer.headers.get("retry-after")).toBe("1");
  expect((await warren.get("/health")).body).toMatchObject({ status: "degraded" });
  await warren.stop();
});
