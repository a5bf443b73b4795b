import type { Client } from "../support/client.ts";
import { type Answer, startRunner, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { up } from "./app.ts";

const topology = `
defaults: { type: classic, deadLetter: none }
exchanges:
  books:    { type: topic, events: ["book.*"], alternate: unrouted }
  orders:   { type: topic, events: ["order.*"] }
  content:  { type: topic }
  unrouted: { type: fanout }
queues:
  created:  { bind: { books: book.created }, handler: none }
  placed:   { bind: { orders: order.placed }, handler: none }
  articles: { bind: { content: "article.*" }, handler: none }
  rest:     { bind: unrouted, handler: none }
`;
const order = {
  type: "object",
  required: ["order_id", "user_id"],
  properties: {
    order_id: { type: "string" },
    user_id: { type: "string" },
    total: { type: "number", minimum: 0 },
    books: {
      type: "array",
      items: { type: "object", properties: { quantity: { type: "integer", minimum: 1 } } },
    },
    state: { enum: ["new", "paid"] },
  },
  additionalProperties: false,
};
const book = { type: "object", required: ["id"], properties: { id: { type: "string" } } };
const events = {
  "book.created": book,
  "book.deleted": book,
  "order.placed": order,
  "order.cancelled": order,
};
const QUEUES = ["created", "placed", "articles", "rest"];
const BOOK = { event_type: "book.created", id: "1" };
const CREATED = { exchange: "books", routing_key: "book.created" };

const uuid = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/,
);

/** Runs `use` against a runner of this file's topology. */
async function withRunner(vhost: Vhost, use: (warren: TestRunner) => Promise<void>): Promise<void> {
  const warren = await startRunner({ url: vhost.url, topology, events });
  await use(warren);
  await warren.stop();
  expect(warren.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
}

function published(target: object, more: object = {}): object {
  return { status: "published", message_id: uuid, ...target, ...more };
}

/** Takes a message as anybody's program would: its bytes, and the properties that are set. */
async function take({ channel }: Client, queue: string) {
  const message = await channel.get(queue, { noAck: true });
  if (message === false) return null;
  const { content, fields, properties } = message;
  const { exchange, routingKey } = fields;
  const set = Object.entries(properties).filter(([, value]) => value !== undefined);
  return { body: content.toString(), exchange, routingKey, ...Object.fromEntries(set) };
}

const CLOUD_EVENT = {
  specversion: "1.0",
  id: "1",
  source: "/shop",
  type: "book.created",
  data: { id: "1" },
};
const STRUCTURED = "application/cloudevents+json";

// What is sent: its body, to the byte, and its HTTP headers. What is on the queue besides.
const encodings: readonly [string, string, Record<string, string>, object][] = [
  ["flat", '{ "event_type": "book.created", "id":"1", "isbn": 9007199254740993 }', {}, {}],
  ["in an envelope", '{"data":{"id":"\\u00e9"},  "event_type":"book.created"}', {}, {}],
  [
    "a structured CloudEvent",
    JSON.stringify(CLOUD_EVENT, null, 1),
    { "content-type": `${STRUCTURED}; charset=utf-8` },
    { contentType: STRUCTURED },
  ],
  [
    "a binary CloudEvent",
    '{"id" : "1"}',
    {
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": "/shop",
      "ce-type": "book.created",
      "ce-subject": "B%C3%BCcher",
    },
    {
      headers: {
        cloudEvents_specversion: "1.0",
        cloudEvents_id: "1",
        cloudEvents_source: "/shop",
        cloudEvents_type: "book.created",
        cloudEvents_subject: "Bücher",
      },
    },
  ],
];

test.for(encodings)(
  "202: an event that is %s is in its queue, byte for byte, for anybody to read",
  async ([, body, headers, more], { vhost, client }) => {
    const started = Math.floor(Date.now() / 1000);
    await withRunner(vhost, async (warren) => {
      const answer = await warren.post("/publish/book", body, headers);
      expect([answer.status, answer.body]).toEqual([202, published(CREATED)]);
      const message = await take(client, "created");
      const { headers: own = {}, ...rest } = more as { headers?: object };
      expect(message).toEqual({
        body,
        exchange: "books",
        routingKey: "book.created",
        contentType: "application/json",
        deliveryMode: 2,
        messageId: answer.body.message_id,
        type: "book.created",
        timestamp: expect.any(Number),
        headers: { ...own, "x-warren-publish": expect.any(Number) },
        ...rest,
      });
      const { timestamp } = message as { timestamp?: number };
      expect(timestamp).toBeGreaterThanOrEqual(started);
      expect(timestamp).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    });
  },
);

test("202: a message is in its queue as it stands in the request, with every option", async ({
  vhost,
  client,
}) => {
  await withRunner(vhost, async (warren) => {
    const message = '{"a" : 1e999, "b":12345678901234567890 }';
    const options = {
      exchange: "content",
      routing_key: "article.new",
      correlation_id: "c",
      priority: 7,
      expiration: 60_000,
      delivery_mode: 1,
      headers: { tenant: "t", n: 2 ** 53 - 1, half: 0.5, yes: true },
    };
    const body = `{"message": ${message} ,${JSON.stringify(options).slice(1)}`;
    const answer = await warren.post("/publish", body, { "idempotency-key": "once" });
    const target = { exchange: "content", routing_key: "article.new" };
    expect([answer.status, answer.body]).toEqual([202, published(target, { message_id: "once" })]);
    expect(await take(client, "articles")).toEqual({
      body: message,
      exchange: "content",
      routingKey: "article.new",
      contentType: "application/json",
      deliveryMode: 1,
      messageId: "once",
      correlationId: "c",
      priority: 7,
      expiration: "60000",
      timestamp: expect.any(Number),
      headers: { ...options.headers, "x-warren-publish": expect.any(Number) },
    });
  });
});

test("202: what the alternate exchange took names it", async ({ vhost, client }) => {
  await withRunner(vhost, async (warren) => {
    const answer = await warren.post("/publish/book.deleted", { id: "1" });
    const target = { exchange: "books", routing_key: "book.deleted", via: "unrouted" };
    expect([answer.status, answer.body]).toEqual([202, published(target)]);
    expect(await take(client, "rest")).toMatchObject({ body: '{"id":"1"}', exchange: "books" });
    expect(await take(client, "created")).toBeNull();
  });
});

/** What is sent where, and all of the answer but its `title`, `type` and `request_id`. */
type Refused = {
  readonly path?: string;
  readonly body: unknown;
  readonly answer: { readonly status: number; readonly code: string; readonly detail: string };
  readonly violations?: readonly { readonly pointer: string; readonly message: string }[];
};

const WRONG = { order_id: 5, total: -1, books: [{ quantity: 1 }, { quantity: 0.5 }], state: "x" };
const MISTAKES = [
  { pointer: "/user_id", message: "must be present" },
  { pointer: "/order_id", message: "must be string" },
  { pointer: "/total", message: "must be >= 0" },
  { pointer: "/books/1/quantity", message: "must be integer" },
  { pointer: "/books/1/quantity", message: "must be >= 1" },
  { pointer: "/state", message: 'must be one of "new", "paid"' },
  { pointer: "/a~1b", message: "is not a known field" },
];
const invalid = {
  status: 422,
  code: "invalid-event",
  detail: expect.stringMatching(/^event "order\.placed" is invalid: \//),
};

const refusals: Readonly<Record<string, Refused>> = {
  "an exchange that nobody declared": {
    body: { exchange: "bocks", message: {} },
    answer: {
      status: 404,
      code: "unknown-exchange",
      detail: 'no exchange "bocks" is declared',
    },
  },
  "an exchange of the broker's own": {
    body: { exchange: "amq.topic", message: {} },
    answer: {
      status: 404,
      code: "unknown-exchange",
      detail: 'no exchange "amq.topic" is declared',
    },
  },
  "a group that nobody listed": {
    path: "/publish/film",
    body: {},
    answer: {
      status: 404,
      code: "unknown-event",
      detail: 'no exchange lists an event or a group "film"',
    },
  },
  "an event without a schema": {
    path: "/publish/book",
    body: { event_type: "book.burned" },
    answer: { status: 404, code: "unknown-event", detail: 'no schema for event "book.burned"' },
  },
  "an event that breaks its schema, flat": {
    path: "/publish/order",
    body: { event_type: "order.placed", ...WRONG, "a/b": 1 },
    answer: invalid,
    violations: MISTAKES,
  },
  "an event that breaks its schema, in an envelope": {
    body: {
      exchange: "orders",
      message: { event_type: "order.placed", data: { ...WRONG, "a/b": 1 } },
    },
    answer: invalid,
    violations: MISTAKES,
  },
  "a key that is not the event": {
    body: { exchange: "books", routing_key: "book.deleted", message: BOOK },
    answer: {
      status: 422,
      code: "key-mismatch",
      detail: 'the event is "book.created", the routing key "book.deleted"',
    },
  },
  "an event of another exchange": {
    body: { exchange: "orders", message: BOOK },
    answer: {
      status: 422,
      code: "unexpected-event",
      detail: 'event "book.created" has no place here',
    },
  },
  "an event of another group": {
    path: "/publish/order",
    body: BOOK,
    answer: {
      status: 422,
      code: "unexpected-event",
      detail: 'event "book.created" has no place here',
    },
  },
  "an event under another event's name": {
    path: "/publish/book.deleted",
    body: BOOK,
    answer: {
      status: 422,
      code: "unexpected-event",
      detail: 'event "book.created" has no place here',
    },
  },
};

test("what can't be published is refused in words, with every violation, and goes nowhere", async ({
  vhost,
}) => {
  await withRunner(vhost, async (warren) => {
    for (const [what, { path = "/publish", body, answer, violations }] of Object.entries(
      refusals,
    )) {
      const given = await warren.post(path, body);
      expect([given.status, given.headers.get("content-type")], what).toEqual([
        answer.status,
        "application/problem+json; charset=utf-8",
      ]);
      expect(inOrder(given.body), what).toEqual(
        inOrder({
          type: `urn:warren:problem:${answer.code}`,
          title: expect.any(String),
          ...answer,
          ...(violations && { violations }),
          request_id: given.headers.get("x-request-id"),
        }),
      );
    }
    await expectEmpty(vhost);
  });
});

test("422: what no queue takes is nowhere, and the channel goes on", async ({ vhost, client }) => {
  await withRunner(vhost, async (warren) => {
    const nowhere = { exchange: "orders", message: orderOf("order.cancelled"), message_id: "m" };
    const answer = await warren.post("/publish", nowhere);
    expect([answer.status, answer.body]).toEqual([
      422,
      {
        type: "urn:warren:problem:unroutable",
        title: "Unroutable",
        status: 422,
        code: "unroutable",
        detail: "no queue takes a message with this key from this exchange",
        message_id: "m",
        request_id: answer.headers.get("x-request-id"),
      },
    ]);
    await expectEmpty(vhost);
    // Between those that are routed, under the same id: each has its own answer.
    const bodies = Array.from({ length: 60 }, (_, n) => ({
      exchange: "orders",
      message: orderOf(n % 3 === 0 ? "order.cancelled" : "order.placed"),
      message_id: "same",
    }));
    const answers = await Promise.all(bodies.map((body) => warren.post("/publish", body)));
    expect(answers.map(({ status }) => status)).toEqual(
      bodies.map((_, n) => (n % 3 === 0 ? 422 : 202)),
    );
    expect(await client.queueCounts("placed")).toEqual({ ready: 40, consumers: 0 });
  });
});

test.for(["classic", "quorum"])(
  "502: of a full %s queue exactly what is stored was accepted; drained, it takes again",
  async (type, { vhost, client }) => {
    const warren = await startRunner({
      url: vhost.url,
      topology: `
exchanges: { jobs: { type: fanout }, copies: { type: fanout } }
queues:
  small: { type: ${type}, bind: [jobs, copies], handler: none, deadLetter: none, limits: { messages: 1, overflow: reject-publish } }
  large: { type: ${type}, bind: copies, handler: none, deadLetter: none }
`,
    });
    const publish = (exchange: string, id: string) =>
      warren.post("/publish", { exchange, message: { id }, message_id: id });
    const ids = Array.from({ length: 60 }, (_, n) => `m${n}`);
    const answers = new Map<string, Answer>();
    for (let from = 0; from < ids.length; from += 20) {
      const some = ids.slice(from, from + 20);
      await Promise.all(some.map(async (id) => answers.set(id, await publish("jobs", id))));
    }
    const accepted = ids.filter((id) => answers.get(id)?.status === 202);
    const refused = ids.filter((id) => answers.get(id)?.status === 502);
    expect([...accepted, ...refused].sort()).toEqual([...ids].sort());
    expect(refused.length).toBeGreaterThan(0);
    const [first = ""] = refused;
    expect(answers.get(first)?.body).toEqual({
      type: "urn:warren:problem:nacked",
      title: "Nacked",
      status: 502,
      code: "nacked",
      detail: "the broker refused the message; where it goes to several queues, some may have it",
      message_id: first,
      request_id: answers.get(first)?.headers.get("x-request-id"),
    });
    // Of two queues one is full: not accepted, though the other may have it.
    expect((await publish("copies", "copy")).status).toBe(502);
    const stored: unknown[] = [];
    for (;;) {
      const message = await client.get("small");
      if (message === undefined) break;
      stored.push(message.properties.messageId);
    }
    expect(stored.sort()).toEqual([...accepted].sort());
    await waitFor(async () => (await publish("jobs", "after")).status === 202, {
      what: "the drained queue to take again",
    });
    await warren.stop();
    expect(warren.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  },
);

/** Of a runner whose connections are up. */
test("health is in words and in facts", async ({ vhost }) => {
  await withRunner(vhost, async (warren) => {
    expect(await probe(warren)).toEqual({ health: 200, livez: 200, readyz: 200 });
    expect((await warren.get("/health")).body).toEqual({
      status: "ok",
      summary: "connected, topology verified, all consumers live",
      project: "test",
      stopping: false,
      connections: { publish: up, consume: up },
      topology: "verified",
      topologyGeneration: 1,
      drift: null,
      problems: [],
      queues: {},
      idempotency: null,
      handlers: { state: "ready", problems: [], restarts: 0, finishing: 0, quarantined: 0 },
      rpc: { waiting: 0, lateReplies: 0, droppedReplies: 0, expiredRequests: 0 },
      mainLoop: {
        p50Ms: expect.any(Number),
        p99Ms: expect.any(Number),
        maxMs: expect.any(Number),
        worstMs: expect.any(Number),
      },
      reload: { generation: 1, at: expect.any(String), pending: null, problems: [] },
    });
  });
});

function orderOf(event_type: string): object {
  return { event_type, order_id: "1", user_id: "1" };
}

/** The order of violations is nobody's promise. */
function inOrder(body: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(body.violations)) return body;
  const text = (one: unknown) => JSON.stringify(one);
  const violations = body.violations.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
  return { ...body, violations };
}

async function expectEmpty(vhost: Vhost): Promise<void> {
  const counts = await Promise.all(QUEUES.map((queue) => vhost.queueCounts(queue)));
  expect(counts).toEqual(QUEUES.map(() => ({ ready: 0, consumers: 0 })));
}

async function probe(warren: TestRunner): Promise<Record<string, number>> {
  const names = ["health", "livez", "readyz"];
  const answers = await Promise.all(names.map((name) => warren.get(`/${name}`)));
  return Object.fromEntries(answers.map(({ status }, index) => [names[index], status]));
}
