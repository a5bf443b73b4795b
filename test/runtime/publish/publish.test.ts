import type { HandlerContext } from "../../../src/handler.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

const topology = `
defaults: { retry: [200ms], deadLetter: dead }
exchanges:
  jobs:  { type: topic }
  news:  { type: topic, events: ["news.*"] }
  dead:  { type: topic }
queues:
  work:   { bind: { jobs: "#" }, handler: work }
  work_2: { bind: { jobs: "#" }, handler: work }
  inbox:  { bind: { news: "news.told" }, handler: none, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "news.told": {
    type: "object",
    required: ["text"],
    properties: { text: { type: "string", maxLength: 100 } },
  },
  "news.lost": { type: "object" },
};
type Tell = (exchange: string, key: string, event: unknown) => Promise<void>;
const tell = (context: HandlerContext) => context.publish as unknown as Tell;

test("what a handler publishes is confirmed before its message is acked, awaited or not", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      work: (_event, context) => {
        if (context.message.queue === "work")
          void tell(context)("news", "news.told", { text: "a" });
      },
    },
  });
  await client.publish("jobs", "x", {});
  await vhost.waitForCounts("inbox", { ready: 1 });
  await warren.stop();
  expect(await client.get("inbox")).toMatchObject({
    body: '{"event_type":"news.told","text":"a"}',
    routingKey: "news.told",
    properties: { contentType: "application/json", type: "news.told", deliveryMode: 2 },
  });
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
});

test("a handler that is run again publishes the same ids again, and each queue its own", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      work: async (_event, context) => {
        await tell(context)("news", "news.told", { text: "first" });
        await tell(context)("news", "news.told", { text: "second" });
        if (context.attempt === 1) throw new Error("after publishing");
      },
    },
  });
  await client.publish("jobs", "x", {}, { messageId: "parent" });
  await vhost.waitForCounts("inbox", { ready: 8 });
  await warren.stop();
  const ids = (await client.peek("inbox")).map(({ properties }) => properties.messageId);
  // Two queues, two publishes each; the retries repeat them.
  expect(new Set(ids).size).toBe(4);
  for (const id of ids) expect(ids.filter((other) => other === id)).toHaveLength(2);
});

test("a handler's mistake in what it publishes fails its attempt, even if it does not wait", async ({
  vhost,
  client,
}) => {
  const mistakes: [string, string, unknown][] = [
    ["news", "news.told", { text: 7 }],
    ["nowhere", "x", {}],
    ["news", "news.told", { text: 1n }],
  ];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      work: ({ n }: { n: number }, context) => {
        const mistake = mistakes[n];
        if (mistake) void tell(context)(...mistake);
      },
    },
  });
  for (const n of mistakes.keys()) await client.publish("jobs", "x", { n });
  await vhost.waitForCounts("dead_letters", { ready: 6 });
  await warren.stop();
  const dead = await client.peek("dead_letters");
  const errors = dead.map(({ headers }) => String(headers["x-warren-error"]).split(":")[0]);
  expect(errors.sort()).toEqual(
    ["invalid-event", "malformed", "unknown-exchange"].flatMap((code) => [code, code]),
  );
  for (const { headers } of dead) expect(headers["x-warren-attempts"]).toBe(2);
});

test("a publish that no queue takes holds the message, without an attempt, until one does", async ({
  vhost,
  client,
}) => {
  const attempts: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    events,
    handlers: {
      work: async (_event, context) => {
        if (context.message.queue !== "work") return;
        attempts.push(context.attempt);
        await tell(context)("news", "news.lost", {});
      },
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => attempts.length === 2, { what: "a second run" });
  expect(warren.runner.status().queues).toMatchObject({ work_2: { consumer: "live" } });
  await client.channel.bindQueue("inbox", "news", "news.lost");
  await vhost.waitForCounts("inbox", { ready: 1 });
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await warren.stop();
  expect(new Set(attempts)).toEqual(new Set([1]));
  expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
});
