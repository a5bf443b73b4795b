/** What is handled once, with the memory of one runner. */

import type { HandlerContext } from "../../../src/handler.ts";
import { Reject } from "../../../src/handler.ts";
import type { Client } from "../../support/client.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

const head = `
defaults: { retry: [50ms], deadLetter: dead, concurrency: 10 }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
`;
const parked = `
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "order.placed": {
    type: "object",
    properties: { order: { type: "object", properties: { id: { type: ["string", "number"] } } } },
  },
};

type Sent = {
  readonly body?: unknown;
  readonly id?: string;
  readonly headers?: Record<string, unknown>;
  readonly contentType?: string;
};

async function send(client: Client, exchange: string, key: string, sent: Sent): Promise<void> {
  const { body = {}, id, headers = {}, contentType = "application/json" } = sent;
  await client.publish(exchange, key, body, {
    ...(id === undefined ? {} : { messageId: id }),
    headers,
    contentType,
  });
}

/** Of a project whose types were not generated. */
type Tell = (exchange: string, key: string, event: object) => Promise<void>;

const flat = (id: unknown) => ({ body: { order: { id } } });
const envelope = (id: unknown) => ({
  body: { event_type: "order.placed", data: { order: { id } } },
});
const structured = (id: unknown) => ({
  body: { specversion: "1.0", type: "order.placed", id: "x", source: "/", data: { order: { id } } },
  contentType: "application/cloudevents+json",
});
const binary = (id: unknown) => ({
  ...flat(id),
  headers: { "cloudEvents:specversion": "1.0", "cloudEvents:type": "order.placed" },
});

/** What is sent, each a message of its own or one of those before. */
const cases: readonly (readonly [by: string, sent: readonly Sent[], runs: number])[] = [
  ["message_id", [{ id: "a" }, { id: "a" }, { id: "b" }, { id: "a" }], 2],
  ["message_id", [{}, {}, { id: "" }, { id: "" }], 4],
  [
    "header request-id",
    [
      { headers: { "request-id": "a" } },
      { headers: { "request-id": "a" }, id: "other" },
      { headers: { "request-id": 1 } },
      { headers: { "request-id": 1 } },
      { headers: { "request-id": "1" } },
    ],
    3,
  ],
  ["header request-id", [{ id: "a" }, { id: "a" }, { headers: { "request-id": true } }], 3],
  ["header __proto__", [{ id: "a" }, { id: "b" }], 2],
  [
    "/order/id",
    [flat("a"), envelope("a"), structured("a"), binary("a"), flat(7), envelope(7), flat("7")],
    3,
  ],
  ["/order/id", [{ body: {} }, { body: {} }, flat(""), flat("")], 4],
];

test("the same value of what `by` names is the same message, and none at all is none", async ({
  vhost,
  client,
}) => {
  const queues = cases.map(
    ([by], at) =>
      `  q${at}: { bind: { orders: order.placed }, handler: h${at}, idempotency: { by: ${by} } }`,
  );
  const runs = cases.map(() => 0);
  const count = (at: number) => () => {
    runs[at] = (runs[at] ?? 0) + 1;
  };
  const handlers = Object.fromEntries(cases.map((_, at) => [`h${at}`, count(at)]));
  const warren = await startRunner({
    url: vhost.url,
    topology: `${head}  orders: { type: topic, events: ["order.*"] }\nqueues:\n${queues.join("\n")}${parked}`,
    handlers,
    events,
  });
  // To a queue by its name, so that each has its own; the key still says what event it is.
  for (const [at, [, sent]] of cases.entries()) {
    for (const one of sent) {
      const { body = {} } = one;
      const named = { event_type: "order.placed", ...(body as object) };
      const isCloud = one.contentType !== undefined || "cloudEvents:type" in (one.headers ?? {});
      await send(client, "", `q${at}`, { ...one, body: isCloud ? body : named });
    }
  }
  const total = cases.reduce((sum, [, sent]) => sum + sent.length, 0);
  await waitFor(
    (seen) => {
      const { queues: all } = warren.runner.status();
      const duplicates = Object.values(all).reduce((sum, it) => sum + (it.duplicates ?? 0), 0);
      return seen(runs.reduce((sum, it) => sum + it, 0) + duplicates) === total;
    },
    { what: "the end of all" },
  );
  expect(runs).toEqual(cases.map(([, , expected]) => expected));
  const warnings = warren.log.filter(({ message }) => message.startsWith("a message can't be"));
  expect(warnings.map(({ queue }) => queue)).toEqual(["q1", "q3", "q4", "q6"]);
  await warren.stop();
});

test("a message is known in its queue alone, and each of its repetitions is traced", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology: `${head}
queues:
  a: { bind: { jobs: x }, handler: h, idempotency: { by: message_id } }
  b: { bind: { jobs: x }, handler: h, idempotency: { by: message_id } }
${parked}`,
    handlers: { h: () => undefined },
  });
  await send(client, "jobs", "x", { id: "m-1" });
  const outcomes = () => warren.runner.trace("m-1").map(({ queue, outcome }) => [queue, outcome]);
  await waitFor(() => outcomes().length === 2, { what: "the first" });
  await send(client, "jobs", "x", { id: "m-1" });
  await waitFor(() => outcomes().length === 4, { what: "the second" });
  expect(outcomes().slice(0, 2).sort()).toEqual([
    ["a", "handled"],
    ["b", "handled"],
  ]);
  expect(outcomes().slice(2).sort()).toEqual([
    ["a", "duplicate"],
    ["b", "duplicate"],
  ]);
  const { body } = await warren.get("/health");
  expect(body).toMatchObject({
    idempotency: { store: "memory", downSince: null, reason: null },
    queues: { a: { duplicates: 1 }, b: { duplicates: 1 } },
  });
  await warren.stop();
});

test("a message that was not handled is tried again, and is no repetition after its dead letter", async ({
  vhost,
  client,
}) => {
  const attempts: number[] = [];
  let isMended = false;
  const warren = await startRunner({
    url: vhost.url,
    topology: `${head}
queues:
  work: { bind: { jobs: x }, handler: h, idempotency: { by: message_id } }
${parked}`,
    handlers: {
      h: (_event: never, { attempt }: HandlerContext) => {
        attempts.push(attempt);
        if (!isMended) throw attempts.length < 3 ? new Error("no") : new Reject("never");
      },
    },
  });
  await send(client, "jobs", "x", { id: "m-1" });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await send(client, "jobs", "x", { id: "m-1" });
  await vhost.waitForCounts("dead_letters", { ready: 2 });
  isMended = true;
  await send(client, "jobs", "x", { id: "m-1" });
  await waitFor(() => attempts.length === 4, { what: "the last run" });
  await send(client, "jobs", "x", { id: "m-1" });
  await waitFor(() => warren.runner.status().queues.work?.duplicates === 1, { what: "its end" });
  expect(attempts).toEqual([1, 2, 1, 1]);
  await warren.stop();
});

test("a message whose twin is being handled waits, and others of its queue go on", async ({
  vhost,
  client,
}) => {
  const { opened, open } = gate();
  const runs: string[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: `${head}
queues:
  work: { bind: { jobs: x }, handler: h, idempotency: { by: message_id }, concurrency: 3 }
${parked}`,
    handlers: {
      h: async (_event: never, { message }: HandlerContext) => {
        runs.push(message.id);
        if (runs.length > 1 || message.id !== "slow") return;
        await opened;
        throw new Error("no");
      },
    },
  });
  await send(client, "jobs", "x", { id: "slow" });
  await send(client, "jobs", "x", { id: "slow" });
  for (let at = 0; at < 10; at++) await send(client, "jobs", "x", { id: `m-${at}` });
  await waitFor(() => runs.length === 11, { what: "the others" });
  const { queues } = warren.runner.status();
  expect(queues.work).toMatchObject({ inFlight: 2, duplicates: 0 });
  expect(runs.filter((id) => id === "slow")).toEqual(["slow"]);
  open();
  // One of the two runs again, the twin or the retry; the other one ends then.
  await waitFor(() => warren.runner.status().queues.work?.duplicates === 1, { what: "the end" });
  expect(runs.filter((id) => id === "slow")).toEqual(["slow", "slow"]);
  await warren.stop();
  expect(await client.get("dead_letters")).toBeUndefined();
});

test("a message that has to be known and is not is a dead letter", async ({ vhost, client }) => {
  let runs = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology: `${head}
queues:
  work: { bind: { jobs: x }, handler: h, idempotency: { by: /id, missing: reject } }
${parked}`,
    handlers: { h: () => runs++ },
  });
  await send(client, "jobs", "x", { id: "m-1", body: { id: null } });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  expect(runs).toBe(0);
  expect((await client.get("dead_letters"))?.headers).toMatchObject({
    "x-warren-reason": "no-idempotency-key",
    "x-warren-error": "the message has no /id, by which it would be handled once",
  });
});

test("an ordered queue keeps its order with repetitions in it", async ({ vhost, client }) => {
  const runs: string[] = [];
  let hasFailed = false;
  const warren = await startRunner({
    url: vhost.url,
    topology: `${head}
queues:
  work: { bind: { jobs: x }, handler: h, ordered: true, prefetch: 8, idempotency: { by: message_id } }
${parked}`,
    handlers: {
      h: (_event: never, { message }: HandlerContext) => {
        runs.push(message.id);
        if (message.id !== "b" || hasFailed) return;
        hasFailed = true;
        throw new Error("no");
      },
    },
  });
  for (const id of ["a", "a", "b", "b", "a", "c", "b", "d"]) {
    await send(client, "jobs", "x", { id });
  }
  await waitFor(() => runs.includes("d"), { what: "the last" });
  expect(runs).toEqual(["a", "b", "b", "c", "d"]);
  await warren.stop();
});

test("what a handler publishes before it fails three times is handled once each downstream", async ({
  vhost,
  client,
}) => {
  const seen: unknown[] = [];
  let attempts = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology: `
defaults: { retry: [20ms, 20ms, 20ms], deadLetter: dead }
exchanges: { jobs: { type: topic }, mails: { type: topic }, dead: { type: topic } }
queues:
  work: { bind: { jobs: x }, handler: work }
  mail: { bind: { mails: "#" }, handler: mail, idempotency: { by: message_id } }
${parked}`,
    handlers: {
      work: async (_event: never, { publish, attempt }: HandlerContext) => {
        attempts = attempt;
        const tell = publish as unknown as Tell;
        await tell("mails", "first", { to: "a" });
        await tell("mails", "second", { to: "b" });
        if (attempt <= 3) throw new Error("no");
      },
      mail: (event: unknown) => void seen.push(event),
    },
  });
  await send(client, "jobs", "x", { id: "m-1" });
  await waitFor(() => warren.runner.status().queues.mail?.duplicates === 6, { what: "six more" });
  expect(attempts).toBe(4);
  expect(seen).toHaveLength(2);
  expect(seen).toEqual(expect.arrayContaining([{ to: "a" }, { to: "b" }]));
  await warren.stop();
});
