import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Answer, startApp, type TestApp, up, well } from "./app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());
afterEach(() => {
  app.status = well;
});

const event = { event_type: "book.created", id: "1", title: "t" };
const toContent = { exchange: "content", routing_key: "k", message: {} };

/** Every refusal has this form, and nothing reaches the broker. */
function expectRefusal(answer: Answer, status: number, code: string, pointers?: readonly string[]) {
  expect(answer.body).toEqual({
    type: `urn:warren:problem:${code}`,
    title: expect.any(String),
    status,
    code,
    detail: expect.any(String),
    ...(pointers && {
      violations: pointers.map((pointer) => ({ pointer, message: expect.any(String) })),
    }),
    request_id: answer.headers.get("x-request-id"),
  });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  expect(app.published).toEqual([]);
}

test.each([
  ["an array", [], [""]],
  ["nothing in it", {}, ["/exchange", "/message"]],
  [
    "members that are not known",
    { ...toContent, reply_to: "q", user_id: "u" },
    ["/reply_to", "/user_id"],
  ],
  [
    "wrong types",
    { exchange: 1, message: 1, routing_key: 2, headers: [] },
    ["/exchange", "/routing_key", "/headers"],
  ],
  ["no key for a topic exchange", { exchange: "content", message: {} }, ["/routing_key"]],
  ["no key for a direct exchange", { exchange: "tasks", message: {} }, ["/routing_key"]],
])(
  "a wrapper with %s is malformed, and every mistake is named",
  async (_what, wrapper, pointers) => {
    const answer = await app.post("/publish", wrapper);
    expectRefusal(answer, 400, "malformed", sortedLike(answer, pointers));
  },
);

// What amqplib throws for, closes a channel or the whole connection for, or flattens in silence.
test.each([
  ["/priority", [-1, 256, 1.5, "5", null, true, [1]]],
  ["/delivery_mode", [0, 3, "2", null]],
  ["/expiration", [-1, 1.5, 2 ** 32, "abc", "1000", null]],
  ["/routing_key", ["k".repeat(256), "é".repeat(128), "a\nb", "a\u0000", "\u0085", null, 1]],
  ["/message_id", ["", "i".repeat(256), "é".repeat(128), "a\r\n", null, 5]],
  ["/correlation_id", ["c".repeat(256), "\u007f", null, {}]],
  ["/exchange", ["x".repeat(256), "a\n", null]],
  [
    "/headers",
    ["text", 1, null, [], Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`h${n}`, 1]))],
  ],
])("%s: no wrong value is taken", async (pointer, values) => {
  for (const value of values) {
    const answer = await app.post("/publish", { ...toContent, [pointer.slice(1)]: value });
    expectRefusal(answer, 400, "malformed", [pointer]);
  }
});

test.each([
  "",
  "x-death",
  "X-Delay",
  "x-warren-attempt",
  "x-match",
  "CC",
  "cc",
  "BCC",
  "constructor",
  "prototype",
  "k".repeat(129),
  "a\nb",
  "é".repeat(65),
])("a header named %j is refused", async (name) => {
  const answer = await app.post("/publish", { ...toContent, headers: { [name]: "v" } });
  expectRefusal(answer, 400, "malformed", [`/headers/${name}`]);
});

test.each([
  "null",
  "[]",
  "{}",
  '{"!":"byte","value":9999}',
  "1e999",
  "-1e999",
  "1e300",
  "9007199254740993",
  "1125899906842624.5",
  `"${"v".repeat(1025)}"`,
  `"${"é".repeat(513)}"`,
  '"a\\nb"',
  '"\\u0000"',
])("a header of value %s is refused", async (value) => {
  const body = `{"exchange":"content","routing_key":"k","message":{},"headers":{"h":${value}}}`;
  expectRefusal(await app.post("/publish", body), 400, "malformed", ["/headers/h"]);
});

test("many bad headers at once are refused in a moment, 70 KB of them too", async () => {
  const headers = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, n) => [`x-${n}`, "v".repeat(20)]),
  );
  expectRefusal(await app.post("/publish", { ...toContent, headers }), 400, "malformed", [
    "/headers",
    ...Array.from({ length: 92 }, (_, n) => `/headers/x-${n}`),
    "",
  ]);
});

test.each([
  ["empty", ""],
  ["no JSON", "{"],
  ["not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ["UTF-16", Buffer.from(JSON.stringify(toContent), "utf16le")],
  ["with a byte order mark", `\ufeff${JSON.stringify(toContent)}`],
  ["with a lone surrogate", '{"exchange":"content","routing_key":"\\ud800","message":{}}'],
  [
    "with a key __proto__",
    '{"exchange":"content","routing_key":"k","message":{},"headers":{"__proto__":{"a":1}}}',
  ],
  [
    "with a message that has __proto__",
    '{"exchange":"content","routing_key":"k","message":{"__proto__":{}}}',
  ],
  [
    "too deep",
    `{"exchange":"content","routing_key":"k","message":${"[".repeat(65)}${"]".repeat(65)}}`,
  ],
  ["49,000 levels deep", "[".repeat(49_000) + "]".repeat(49_000)],
])("a body that is %s is malformed", async (_what, body) => {
  for (const path of ["/publish", "/publish/book"]) {
    const answer = await app.post(path, body);
    if (path === "/publish" || answer.status === 400) expectRefusal(answer, 400, "malformed");
    expect([400, 422]).toContain(answer.status);
  }
});

test("what names nothing is not found", async () => {
  expectRefusal(
    await app.post("/publish", { ...toContent, exchange: "kontent" }),
    404,
    "unknown-exchange",
  );
  expectRefusal(
    await app.post("/publish", { ...toContent, exchange: "" }),
    404,
    "unknown-exchange",
  );
  expectRefusal(
    await app.post("/publish", { ...toContent, exchange: "constructor" }),
    404,
    "unknown-exchange",
  );
  expectRefusal(
    await app.post("/publish", { ...toContent, exchange: "inner" }),
    404,
    "unknown-exchange",
  );
  expectRefusal(await app.post("/publish/film", event), 404, "unknown-event");
  expectRefusal(await app.post("/publish/__proto__", event), 404, "unknown-event");
  expectRefusal(
    await app.post("/publish", { exchange: "books", message: { event_type: "other" } }),
    404,
    "unknown-event",
  );
  expectRefusal(await app.post("/publish/book/created", event), 404, "unknown-route");
  expectRefusal(await app.request("/"), 404, "unknown-route");
});

test("an event that breaks its schema, its exchange or its key can't be processed", async () => {
  const book = { exchange: "books", message: event };
  const both = ["/title", "/id"];
  expectRefusal(
    await app.post("/publish/book", { event_type: "book.created", id: 5 }),
    422,
    "invalid-event",
    both,
  );
  expectRefusal(
    await app.post("/publish", {
      exchange: "books",
      routing_key: "book.created",
      message: { data: { id: 5 } },
    }),
    422,
    "invalid-event",
    both,
  );
  expectRefusal(await app.post("/publish/book", { id: "1", title: "t" }), 422, "invalid-event", [
    "/event_type",
  ]);
  expectRefusal(await app.post("/publish/book", []), 422, "invalid-event", [""]);
  expectRefusal(await app.post("/publish/book.deleted", event), 422, "unexpected-event");
  expectRefusal(
    await app.post("/publish", { exchange: "books", message: { event_type: "film.shown" } }),
    422,
    "unexpected-event",
  );
  expectRefusal(
    await app.post("/publish", { ...book, routing_key: "book.deleted" }),
    422,
    "key-mismatch",
  );
});

test.each([
  ["no content type", {}],
  ["text", { "content-type": "text/plain" }],
  ["a form", { "content-type": "application/x-www-form-urlencoded" }],
  ["JSON in another charset", { "content-type": "application/json; charset=latin1" }],
  ["JSON in two charsets", { "content-type": 'application/json; charset=utf-8; Charset="utf-16"' }],
  ["a CloudEvents batch", { "content-type": "application/cloudevents-batch+json" }],
])("%s is an unsupported media type", async (_what, headers) => {
  for (const path of ["/publish", "/publish/book"]) {
    const body = Buffer.from(JSON.stringify(event));
    expectRefusal(
      await app.request(path, { method: "POST", body, headers }),
      415,
      "unsupported-media-type",
    );
  }
});

test("a compressed body is an unsupported media type", async () => {
  for (const coding of ["gzip", "br", "x-other"]) {
    const answer = await app.post("/publish/book", gzipSync(JSON.stringify(event)), {
      "content-encoding": coding,
    });
    expectRefusal(answer, 415, "unsupported-media-type");
  }
});

test("a body of one byte more than 1 MiB is too large", async () => {
  const filled = (bytes: number) => `{"title":"","id":"${"i".repeat(bytes - 20)}"}`;
  const { length } = filled(1024 * 1024);
  expectRefusal(
    await app.post("/publish/book.created", filled(2 * 1024 * 1024 + 1 - length)),
    413,
    "body-too-large",
  );
  expectRefusal(
    await app.post("/publish", { ...toContent, message: "m".repeat(1024 * 1024 - 1) }),
    413,
    "body-too-large",
  );
  expectRefusal(await app.post("/publish", "x".repeat(3 * 1024 * 1024)), 413, "body-too-large");
});

test.each([
  ["an unknown option", "?proirity=5", ["/proirity"]],
  ["an option given twice", "?priority=5&priority=6", ["/priority"]],
  [
    "every wrong option",
    "?priority=x&expiration=-1&delivery_mode=3",
    ["/priority", "/expiration", "/delivery_mode"],
  ],
  ["an empty number", "?priority=", ["/priority"]],
  ["a control character", "?message_id=a%0Ab", ["/message_id"]],
  ["reply_to", "?reply_to=q", ["/reply_to"]],
])("a query with %s is malformed", async (_what, query, pointers) => {
  const answer = await app.post(`/publish/book${query}`, event);
  expectRefusal(answer, 400, "malformed", sortedLike(answer, pointers));
});

test.each(["/publish/book?message_id=%FF", "/publish/book?headers=1", "/publish/%FF"])(
  "POST %s is malformed",
  async (path) => {
    expectRefusal(await app.post(path, event), 400, "malformed");
  },
);

test("an Idempotency-Key that is no id, or another one than message_id, is malformed", async () => {
  for (const key of ["", "k".repeat(256), "ü", "a\tb"]) {
    expectRefusal(
      await app.post("/publish/book", event, { "idempotency-key": key }),
      400,
      "malformed",
    );
  }
  const other = { "idempotency-key": "a" };
  expectRefusal(await app.post("/publish/book?message_id=b", event, other), 400, "malformed", [
    "/message_id",
  ]);
  expectRefusal(
    await app.post("/publish", { ...toContent, message_id: "b" }, other),
    400,
    "malformed",
    ["/message_id"],
  );
});

test("CloudEvents headers that are no AMQP headers are malformed", async () => {
  const headers = { "ce-specversion": "1.0", "ce-type": "book.created" };
  const long = { ...headers, "ce-subject": "s".repeat(1025) };
  const body = { id: "1", title: "t" };
  expectRefusal(await app.post("/publish/book", body, long), 400, "malformed", [
    "/headers/cloudEvents_subject",
  ]);
  expectRefusal(
    await app.post("/publish/book", body, { ...headers, "ce-subject": "%FF" }),
    400,
    "malformed",
  );
});

test("a method that a route does not have is named with those that it has", async () => {
  const methods = {
    "/publish": "POST",
    "/publish/book": "POST",
    "/health": "GET, HEAD",
    "/livez": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/trace/1": "GET, HEAD",
  };
  for (const [path, allowed] of Object.entries(methods)) {
    for (const method of ["PUT", "DELETE", "OPTIONS"]) {
      const answer = await app.request(path, { method });
      expectRefusal(answer, 405, "method-not-allowed");
      expect(answer.headers.get("allow")).toBe(allowed);
    }
  }
});

test("every answer forbids guessing and keeping, and does not say what made it", async () => {
  for (const path of ["/health", "/nothing"]) {
    const { headers } = await app.request(path);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
    expect([headers.get("x-powered-by"), headers.get("etag")]).toEqual([null, null]);
  }
});

test("health is in words, liveness always, readiness only when all is well", async () => {
  expect((await app.request("/health")).body).toEqual({
    status: "ok",
    summary: "connected, topology verified, all consumers live",
    ...well,
  });
  expect(await statuses()).toEqual([200, 200, 200]);
  app.status = {
    ...well,
    connections: {
      publish: {
        state: "down",
        downSince: "2026-01-02T03:04:05.000Z",
        lastFailure: { at: "2026-01-02T03:04:06.000Z", reason: "nobody there" },
        nextAttempt: "2026-01-02T03:04:07.000Z",
      },
      consume: up,
    },
    topology: "conflict",
    queues: { q: { consumer: "held", pauses: [], breaker: null, inFlight: 1 } },
  };
  expect((await app.request("/health")).body).toMatchObject({
    status: "degraded",
    summary:
      "the publish connection is down since 2026-01-02T03:04:05.000Z: nobody there; the topology is in conflict with the broker; the consumer of q is held",
  });
  expect(await statuses()).toEqual([200, 200, 503]);
  app.status = { ...well, stopping: true };
  expect((await app.request("/health")).body).toMatchObject({
    status: "stopping",
    summary: "stopping",
  });
  expect(await statuses()).toEqual([200, 200, 503]);
});

// The last test: it is the one that reaches the publisher.
test("what the broker's client says does not get into an answer", async () => {
  const answer = await app.post("/publish", { ...toContent, message_id: "m1" });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(answer.body).toMatchObject({ code: "disconnected", message_id: "m1" });
  expect(JSON.stringify(answer.body)).not.toContain("secret");
});

async function statuses(): Promise<number[]> {
  const answers = await Promise.all(
    ["/health", "/livez", "/readyz"].map((path) => app.request(path)),
  );
  return answers.map(({ status }) => status);
}

/** The order of violations is nobody's promise: the expected ones in the order of the answer. */
function sortedLike({ body }: Answer, pointers: readonly string[]): readonly string[] {
  const given = (body.violations as { pointer: string }[] | undefined) ?? [];
  const order = (pointer: string) => given.findIndex((one) => one.pointer === pointer);
  return [...pointers].sort((one, other) => order(one) - order(other));
}
