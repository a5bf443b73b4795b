import { Reject, Retry } from "../../../src/handler.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

const topology = `
defaults: { retry: [300ms, 900ms], deadLetter: dead }
exchanges:
  jobs: { type: topic, events: ["job.*"] }
  free: { type: topic }
  dead: { type: topic }
queues:
  work:  { bind: { jobs: "#" }, handler: work }
  plain: { type: classic, bind: { free: "plain.#" }, handler: plain, maxPriority: 5 }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "job.done": {
    type: "object",
    required: ["id"],
    properties: { id: { type: "string", maxLength: 20 }, size: { type: "integer" } },
  },
};
const nothing = () => undefined;

test("a throwing handler is retried after its declared delays, then dead-lettered with its cause", async ({
  vhost,
  client,
}) => {
  const runs: { at: number; attempt: number; routingKey: string }[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      plain: nothing,
      work: (_event, { attempt, message }) => {
        runs.push({ at: Date.now(), attempt, routingKey: message.routingKey });
        throw new TypeError(`no luck at attempt ${attempt}`);
      },
    },
  });
  const sent = Date.now();
  const answer = await warren.post("/publish/job.done", { id: "a" });
  expect(answer.status).toBe(202);
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();

  expect(runs.map(({ attempt, routingKey }) => [attempt, routingKey])).toEqual([
    [1, "job.done"],
    [2, "job.done"],
    [3, "job.done"],
  ]);
  const [first, second, third] = runs.map(({ at }) => at);
  // Never early. A broker's clock and ours tick in whole milliseconds each.
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(298);
  expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(898);
  expect((third ?? 0) - sent).toBeLessThan(15_000);

  const dead = await client.get("dead_letters");
  expect(dead).toMatchObject({
    body: '{"id":"a"}',
    exchange: "dead",
    routingKey: "work",
    properties: { messageId: answer.body.message_id, deliveryMode: 2, type: "job.done" },
    headers: {
      "x-warren-reason": "handler-failed",
      "x-warren-error": "TypeError: no luck at attempt 3",
      "x-warren-attempts": 3,
      "x-warren-queue": "work",
      "x-warren-exchange": "jobs",
      "x-warren-routing-key": "job.done",
    },
  });
  expect(dead?.headers).not.toHaveProperty("x-death");
});

test("a handler that succeeds at its second attempt ends it", async ({ vhost }) => {
  const attempts: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      plain: (_event, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("once");
      },
      work: nothing,
    },
  });
  await warren.post("/publish", { exchange: "free", routing_key: "plain.a", message: [1] });
  await waitFor(() => attempts.length === 2, { what: "two attempts" });
  await warren.stop();
  expect(attempts).toEqual([1, 2]);
  expect(await vhost.queueCounts("plain")).toEqual({ ready: 0, consumers: 0 });
  expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
});

test("Reject dead-letters at once", async ({ vhost, client }) => {
  let runs = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      plain: nothing,
      work: () => {
        runs += 1;
        throw new Reject("no such book");
      },
    },
  });
  await warren.post("/publish/job.done", { id: "a" });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  expect(runs).toBe(1);
  expect((await client.get("dead_letters"))?.headers).toMatchObject({
    "x-warren-reason": "rejected",
    "x-warren-error": "no such book",
    "x-warren-attempts": 1,
  });
});

test("Retry waits for the next declared delay that is as long", async ({ vhost }) => {
  const runs: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      plain: nothing,
      work: (_event, { attempt }) => {
        runs.push(Date.now());
        if (attempt === 1) throw new Retry({ after: 400 });
      },
    },
  });
  await warren.post("/publish/job.done", { id: "a" });
  await waitFor(() => runs.length === 2, { what: "two attempts" });
  await warren.stop();
  expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThanOrEqual(898);
});

test("a handler past its timeout is retried, told to stop, and can't publish any more", async ({
  vhost,
  client,
}) => {
  const seen: { aborted: boolean; late: string }[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: `${topology}  slow: { bind: { free: slow }, handler: slow, timeout: 100ms, retry: none }\n`,
    events,
    handlers: {
      plain: nothing,
      work: nothing,
      slow: async (_event, { signal, publish }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        const late = await (publish as (...args: unknown[]) => Promise<void>)("free", "plain.b", 1)
          .then(() => "published")
          .catch((error: Error) => error.message);
        seen.push({ aborted: signal.aborted, late });
      },
    },
  });
  await warren.post("/publish", { exchange: "free", routing_key: "slow", message: {} });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await waitFor(() => seen.length === 1, { what: "the handler's end" });
  await warren.stop();
  expect(seen).toEqual([{ aborted: true, late: expect.stringContaining("run is over") }]);
  expect((await client.get("dead_letters"))?.headers).toMatchObject({
    "x-warren-reason": "handler-timeout",
    "x-warren-error": "the handler ran longer than 100 ms",
  });
});

const unusable = [
  { body: "{", reason: "undecodable", error: expect.any(String) },
  { body: "", reason: "undecodable", error: expect.any(String) },
  { body: '{"size":"big"}', reason: "invalid-event", error: expect.any(String) },
  {
    body: '{"event_type":"job.lost","id":"a"}',
    reason: "unexpected-event",
    error: expect.any(String),
  },
];

test("undecodable, invalid and unexpected messages are dead-lettered at once, never handled", async ({
  vhost,
  client,
}) => {
  let runs = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: { plain: nothing, work: () => runs++ },
  });
  for (const { body } of unusable) await client.publish("jobs", "job.done", body);
  await vhost.waitForCounts("dead_letters", { ready: unusable.length });
  await warren.stop();
  expect(runs).toBe(0);
  const dead = await client.peek("dead_letters");
  expect(
    dead.map(({ body, headers }) => ({
      body,
      reason: headers["x-warren-reason"],
      error: headers["x-warren-error"],
    })),
  ).toEqual(unusable);
  expect(dead.map(({ headers }) => headers["x-warren-attempts"])).toEqual([1, 1, 1, 1]);
  const violations = JSON.parse(String(dead[2]?.headers["x-warren-violations"]));
  expect(violations.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
    "/id",
    "/size",
  ]);
});

test("with retry none and deadLetter none a failure is dropped, and the log says so", async ({
  vhost,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology: `
exchanges: { free: { type: fanout } }
queues: { q: { bind: free, handler: fail, retry: none, deadLetter: none } }
`,
    handlers: {
      fail: () => {
        throw new Error("no");
      },
    },
  });
  await warren.post("/publish", { exchange: "free", message: {} });
  const dropped = () => warren.log.filter(({ message }) => message.startsWith("message dropped"));
  await waitFor(() => dropped().length === 1, { what: "the log line" });
  await warren.stop();
  expect(dropped()).toMatchObject([{ level: "error", queue: "q", reason: "handler-failed" }]);
});

test("a retried message keeps its id, properties, headers and priority", async ({
  vhost,
  client,
}) => {
  const seen: object[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      plain: (event, { attempt, message }) => {
        seen.push({ event, attempt, message: { ...message, body: message.body.toString() } });
        if (attempt === 1) throw new Error("once");
      },
      work: nothing,
    },
  });
  await client.publish(
    "free",
    "plain.x",
    { n: 1 },
    {
      messageId: "m-1",
      correlationId: "c-1",
      priority: 4,
      contentType: "application/json",
      headers: { tenant: "a", count: 7 },
      expiration: "60000",
    },
  );
  await waitFor(() => seen.length === 2, { what: "two attempts" });
  await warren.stop();
  const message = {
    id: "m-1",
    queue: "plain",
    exchange: "free",
    routingKey: "plain.x",
    body: '{"n":1}',
    contentType: "application/json",
    contentEncoding: null,
    correlationId: "c-1",
    priority: 4,
    redelivered: false,
  };
  expect(seen).toMatchObject([
    { event: { n: 1 }, attempt: 1, message },
    { event: { n: 1 }, attempt: 2, message },
  ]);
  for (const {
    message: { headers },
  } of seen as { message: { headers: object } }[]) {
    expect(headers).toMatchObject({ tenant: "a", count: 7 });
  }
});
