import type { ConsumeMessage, Options } from "amqplib";
import { Reject } from "../../../src/handler.ts";
import type { Client } from "../../support/client.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

/** A queue of each type that replies, and one that retries before. */
const topology = `
defaults: { retry: none, deadLetter: dead }
exchanges:
  tasks: { type: direct }
  prices: { type: topic, events: ["price.*"] }
  dead:  { type: fanout }
queues:
  quick: { type: classic, rpc: true, bind: { tasks: quick }, handler: work, deadLetter: none }
  safe: { type: quorum, rpc: true, bind: { tasks: safe }, handler: work }
  later: { type: classic, rpc: true, bind: { tasks: later }, handler: later, retry: [100ms, 100ms] }
  ordered: { rpc: true, ordered: true, bind: { tasks: ordered }, handler: later, retry: [10ms, 10ms] }
  priced: { type: classic, rpc: true, bind: { prices: price.asked }, handler: work }
  dead_letters: { bind: dead, handler: none, deadLetter: none }
`;
const events = { "price.asked": { type: "object", required: ["book"] } };
const replies = { quick: { type: ["object", "number", "string", "null"], maxProperties: 1 } };

type Request = { readonly [key: string]: unknown };

/** What handlers of these tests are asked to do. */
const handlers = {
  work: (request: Request) => {
    if ("reject" in request) throw new Reject(String(request.reject));
    if ("fail" in request) throw new TypeError(String(request.fail));
    if ("big" in request) return "x".repeat(1024 * 1024);
    if ("cycle" in request) {
      const cycle: { it?: object } = {};
      cycle.it = cycle;
      return cycle;
    }
    if ("getter" in request) {
      return {
        get it() {
          throw new Error("no text");
        },
      };
    }
    if ("function" in request) return () => undefined;
    if ("date" in request) return new Date(0);
    return "answer" in request ? request.answer : undefined;
  },
  later: ({ until }: { until: number }, { attempt }: { attempt: number }) => {
    if (attempt < until) throw new Error(`attempt ${attempt}`);
    return { attempt };
  },
};

/** A caller that knows nothing of warren: it asks over direct reply-to, one after another. */
async function foreigner({ channel, publish }: Client) {
  const replies: ConsumeMessage[] = [];
  const accept = (reply: ConsumeMessage | null) => void (reply && replies.push(reply));
  await channel.consume("amq.rabbitmq.reply-to", accept, { noAck: true });
  const ask = async (key: string, request: unknown, options: Options.Publish = {}) => {
    const count = replies.length;
    const address = { replyTo: "amq.rabbitmq.reply-to", correlationId: `c${count}` };
    const exchange = key.startsWith("price.") ? "prices" : "tasks";
    await publish(exchange, key, request, { ...address, ...options });
    await waitFor(() => replies.length > count, {
      what: `the reply to ${JSON.stringify(request)}`,
    });
    const { content, properties } = replies[count] as ConsumeMessage;
    const { correlationId, contentType, headers } = properties;
    return {
      correlationId,
      contentType,
      reason: headers?.["x-warren-reason"] ?? null,
      body: JSON.parse(content.toString("utf8")) as unknown,
    };
  };
  return { ask, replies };
}

const answers = [
  { name: "an object", request: { answer: { price: 5 } }, body: { price: 5 } },
  { name: "a number", request: { answer: 0 }, body: 0 },
  { name: "null", request: { answer: null }, body: null },
  { name: "nothing, which is null", request: {}, body: null },
  { name: "a date, which is a text", request: { date: 1 }, body: "1970-01-01T00:00:00.000Z" },
];

const failures = [
  {
    name: "Reject",
    request: { reject: "no such book" },
    reason: "rejected",
    detail: "no such book",
  },
  {
    name: "any error at its last attempt",
    request: { fail: "broken" },
    reason: "handler-failed",
    detail: "TypeError: broken",
  },
  {
    name: "an answer that breaks its schema",
    request: { answer: { a: 1, b: 2 } },
    reason: "handler-failed",
    detail: "the reply is invalid: the whole must NOT have more than 1 properties",
  },
  {
    name: "an answer over the limit",
    request: { big: true },
    reason: "handler-failed",
    detail: "the reply is invalid: is 1048578 bytes, at most 1048576 are taken",
  },
  {
    name: "a cycle",
    request: { cycle: true },
    reason: "handler-failed",
    detail: expect.stringMatching(/^the reply is invalid: can't be sent: .*circular/),
  },
  {
    name: "a getter that throws",
    request: { getter: true },
    reason: "handler-failed",
    detail: "the reply is invalid: can't be sent: no text",
  },
  {
    name: "a function",
    request: { function: true },
    reason: "handler-failed",
    detail: "the reply is invalid: JSON has no function",
  },
  { name: "no JSON", request: "{", reason: "undecodable", detail: expect.any(String) },
];

test("what a handler returns comes back with the correlation id, and an error once, as a problem", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({ url: vhost.url, topology, events, replies, handlers });
  const { ask, replies: all } = await foreigner(client);
  let asked = 0;
  for (const { request, body } of answers) {
    const correlationId = `c${asked++}`;
    const answer = { correlationId, contentType: "application/json", reason: null, body };
    expect(await ask("quick", request)).toEqual(answer);
  }
  for (const { request, reason, detail } of failures) {
    expect(await ask("quick", request)).toEqual({
      correlationId: `c${asked++}`,
      contentType: "application/problem+json",
      reason,
      body: expect.objectContaining({ type: `urn:warren:problem:${reason}`, code: reason, detail }),
    });
  }
  await warren.stop();
  expect(all).toHaveLength(asked);
  expect(await vhost.queueCounts("quick")).toEqual({ ready: 0, consumers: 0 });
});

test("a request that is retried is answered in the end, also in order", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({ url: vhost.url, topology, events, replies, handlers });
  const { ask, replies: all } = await foreigner(client);
  for (const key of ["later", "ordered"]) {
    expect(await ask(key, { until: 3 })).toMatchObject({ reason: null, body: { attempt: 3 } });
    const failed = { reason: "handler-failed", body: { detail: "Error: attempt 3" } };
    expect(await ask(key, { until: 4 })).toMatchObject(failed);
  }
  await warren.stop();
  expect(all).toHaveLength(4);
  expect((await vhost.peek("dead_letters")).map(({ body }) => body)).toEqual([
    '{"until":4}',
    '{"until":4}',
  ]);
});

test("a request to a quorum queue, or with an event, is answered; an invalid event is an error and a dead letter", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({ url: vhost.url, topology, events, replies, handlers });
  const { ask } = await foreigner(client);
  expect(await ask("safe", { answer: [1] })).toMatchObject({ reason: null, body: [1] });
  const asked = { event_type: "price.asked", book: "b1", answer: 7 };
  expect(await ask("price.asked", asked)).toMatchObject({ reason: null, body: 7 });
  expect(await ask("price.asked", { event_type: "price.asked" })).toMatchObject({
    reason: "invalid-event",
    body: { violations: [{ pointer: "/book", message: expect.any(String) }] },
  });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
});

test("a reply goes to any queue of the caller's; where there is none it is dropped and counted, and the request is done", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({ url: vhost.url, topology, events, replies, handlers });
  const { queue } = await client.channel.assertQueue("", { exclusive: true });
  const { messages } = await client.consume(queue);
  await client.publish("tasks", "quick", { answer: 1 }, { replyTo: queue, correlationId: "mine" });
  await waitFor(() => messages.length === 1, { what: "the reply" });
  expect(messages[0]).toMatchObject({ body: "1", properties: { correlationId: "mine" } });
  await client.publish("tasks", "quick", { answer: 2 }, { replyTo: "nobody", messageId: "m2" });
  await client.publish("tasks", "quick", { fail: "x" }, { replyTo: "nobody", messageId: "m3" });
  await client.publish("tasks", "quick", { answer: 3 }, { messageId: "m4" });
  const outcomes = () => ["m2", "m3", "m4"].map((id) => warren.runner.trace(id).at(-1)?.outcome);
  await waitFor(() => !outcomes().includes(undefined), { what: "the ends of all" });
  expect(outcomes()).toEqual(["handled", "dropped", "handled"]);
  expect(warren.runner.status().rpc).toMatchObject({ lateReplies: 0, droppedReplies: 2 });
  await warren.stop();
  expect(messages).toHaveLength(1);
});

/** RabbitMQ 3.10 ends the whole connection for some of them: not base64, half a process, a node of old. */
const forged = [
  "gone",
  "!!.x",
  "g2dkAA==.x",
  "g1h2AA5yZXBseUA3MzgwNDUxMAAAA2wAAAAAawduXg==.B05fV5qHIGR33xiRgrAFWQ==",
];

test("a request whose caller has gone, or that names none, is handled once, and its reply harms nobody", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({ url: vhost.url, topology, events, replies, handlers });
  for (const address of forged) {
    const options = { replyTo: `amq.rabbitmq.reply-to.${address}`, messageId: address };
    await client.publish("tasks", "quick", { answer: 1 }, options);
  }
  const traces = () => forged.map((id) => warren.runner.trace(id));
  await waitFor(() => traces().every(({ length }) => length > 0), { what: "their ends" });
  expect(traces()).toMatchObject(forged.map(() => [{ outcome: "handled", attempt: 1 }]));
  const isReady = async () => (await warren.get("/readyz")).status === 200;
  await waitFor(isReady, { what: "readiness" });
  const { ask } = await foreigner(client);
  expect(await ask("quick", { answer: 2 })).toMatchObject({ body: 2 });
  await warren.stop();
});
