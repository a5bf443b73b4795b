import { publishNested } from "../../support/protocol.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { CLASSIC, PAIRS, QUORUM, replace } from "./replacing.ts";
import { headersIn, rawProperties } from "./wire.ts";

const LIMITED = { ...CLASSIC, "x-message-ttl": 3_600_000 };
const CHANGE = { queue: "q", from: CLASSIC, to: LIMITED };

test("headers arrive byte for byte, each with its type, whatever amqplib makes of them", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", { arguments: CLASSIC });
  const typed = (type: string, value: unknown) => ({ "!": type, value });
  const headers = Object.assign(Object.create(null), {
    byte: typed("byte", -5),
    unsignedbyte: typed("unsignedbyte", 200),
    short: typed("short", 5),
    unsignedshort: typed("unsignedshort", 60_000),
    int: typed("int", 5),
    unsignedint: typed("unsignedint", 4_000_000_000),
    long: typed("long", 5),
    wide: typed("long", 2n ** 53n + 1n),
    lowest: typed("long", -(2n ** 63n)),
    float: typed("float", 1),
    double: typed("double", 1),
    fraction: 0.1,
    decimal: typed("decimal", { places: 2, digits: 1234 }),
    timestamp: typed("timestamp", 2n ** 60n),
    text: "naïve 🐇",
    empty: "",
    bytes: Buffer.from([0, 255, 128]),
    yes: true,
    nothing: null,
    list: [typed("int", 1), "two", [typed("long", 3)], null],
    table: { deep: { deeper: typed("short", 7) }, wide: typed("long", 2n ** 62n) },
  });
  Object.defineProperty(headers, "__proto__", { value: "a name", enumerable: true });
  await client.publish("", "q", "m", { headers });
  const before = headersIn(await rawProperties(vhost.url, "q"));

  await replace(vhost, CHANGE);

  const after = headersIn(await rawProperties(vhost.url, "q")).toString("hex");
  const name = "x-warren-moved-exchange";
  const added = Buffer.concat([Buffer.from([name.length]), Buffer.from(`${name}S\0\0\0\0`)]);
  // 4.x puts them in order.
  expect(after.replace(added.toString("hex"), "")).toBe(before.toString("hex"));
  expect(after.length).toBe(2 * (before.length + added.length));
});

test("properties, routing key, priority and order arrive as they were", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  const priorities = { ...CLASSIC, "x-max-priority": 5 };
  await channel.assertQueue("q", { arguments: priorities });
  await channel.assertExchange("jobs", "topic");
  await channel.bindQueue("q", "jobs", "#");
  const all = {
    contentType: "application/json",
    contentEncoding: "gzip",
    correlationId: "c",
    replyTo: "answers",
    messageId: "m1",
    timestamp: 1_700_000_000,
    type: "job.done",
    appId: "shop",
    priority: 1,
    persistent: false,
  };
  await client.publish("jobs", "low", "low", all);
  await client.publish("jobs", "middle", "middle", { priority: 3 });
  await client.publish("jobs", "high", "high", { priority: 5 });
  await client.publish("jobs", "none", Buffer.alloc(0));

  const to = { ...priorities, "x-message-ttl": 3_600_000 };
  await replace(vhost, { ...CHANGE, from: priorities, to });

  const { messages } = await client.consume("q");
  await waitFor((seen) => seen(messages.length) >= 4, { what: "every message" });
  expect(messages.map(({ body, routingKey }) => [body, routingKey])).toEqual([
    ["high", "high"],
    ["middle", "middle"],
    ["low", "low"],
    ["", "none"],
  ]);
  const { persistent, ...kept } = all;
  const headers = { "x-warren-moved-exchange": "jobs" };
  expect(JSON.parse(JSON.stringify(messages[2]?.properties))).toEqual({
    ...kept,
    deliveryMode: 1,
    headers,
  });
});

test("what a broker would act on once more is put aside", async ({ vhost, client }) => {
  const { channel } = client;
  await channel.assertQueue("q", { arguments: CLASSIC });
  await channel.assertQueue("elsewhere");
  await channel.assertExchange("jobs", "direct");
  await channel.bindQueue("q", "jobs", "job");
  const death = [{ count: 3, reason: "rejected", queue: "q", exchange: "jobs" }];
  const headers = {
    "x-death": death,
    "x-first-death-queue": "q",
    "x-last-death-reason": "rejected",
    CC: ["other"],
    kept: true,
  };
  await client.publish("jobs", "job", "m", { headers, userId: "guest" });

  await replace(vhost, CHANGE);

  expect(
    (await vhost.peek("q")).map((message) => [message.properties.userId, message.headers]),
  ).toEqual([
    [
      undefined,
      {
        "x-warren-moved-exchange": "jobs",
        "x-warren-moved-x-death": death,
        "x-warren-moved-x-first-death-queue": "q",
        "x-warren-moved-x-last-death-reason": "rejected",
        "x-warren-moved-cc": ["other"],
        "x-warren-moved-user-id": "guest",
        kept: true,
      },
    ],
  ]);
});

test("a message's own time to live begins anew in the new queue, and the report says so", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", { arguments: CLASSIC });
  await client.publish("", "q", "m", { expiration: 600_000 });

  const report = await replace(vhost, CHANGE);

  expect(report.counts).toMatchObject({ moved: 1, refilled: 1, expiring: 1 });
  const [message] = await vhost.peek("q");
  expect([message?.properties.expiration, message?.headers]).toEqual([
    "600000",
    { "x-warren-moved-exchange": "" },
  ]);
});

test("a message that was moved before is moved again, and keeps where it came from", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  await channel.assertQueue("q", { arguments: CLASSIC });
  await channel.assertExchange("jobs", "topic");
  await channel.bindQueue("q", "jobs", "#");
  await client.publish("jobs", "job.one", "m", {
    headers: { "x-warren-moved-exchange": "forged" },
  });
  await replace(vhost, CHANGE);
  await replace(vhost, { queue: "q", from: LIMITED, to: CLASSIC });
  const [message] = await vhost.peek("q");
  expect([message?.routingKey, message?.headers]).toEqual([
    "job.one",
    { "x-warren-moved-exchange": "jobs" },
  ]);
});

test("what expires while the queue is replaced is dead-lettered, by its own key", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  const [, to] = PAIRS.c2q ?? [];
  const deadLetters = { "x-dead-letter-exchange": "dead" };
  await channel.assertExchange("dead", "direct");
  await channel.assertQueue("late");
  await channel.bindQueue("late", "dead", "job.late");
  await channel.assertExchange("jobs", "topic");
  await channel.assertQueue("q", { arguments: { ...CLASSIC, ...deadLetters } });
  await channel.bindQueue("q", "jobs", "#");
  let isSent = false;
  const change = {
    queue: "q",
    from: { ...CLASSIC, ...deadLetters },
    to: { ...QUORUM, ...to, ...deadLetters },
  };
  await replace(vhost, change, {
    onProgress: ({ step }) => {
      if (step !== 4 || isSent) return;
      isSent = true;
      void client.publish("jobs", "job.late", "late", { expiration: 100 });
    },
  });
  expect((await vhost.peek("late")).map(({ body, routingKey }) => [body, routingKey])).toEqual([
    ["late", "job.late"],
  ]);
});

test("headers nested a thousand levels deep are moved as well", async ({ vhost, client }) => {
  await client.channel.assertQueue("q", { arguments: CLASSIC });
  publishNested(client.channel, { exchange: "", key: "q", depth: 1_000 });
  await vhost.waitForCounts("q", { ready: 1 });
  await replace(vhost, CHANGE);
  const [message] = await vhost.peek("q");
  let depth = 0;
  for (let at: unknown = message?.headers.a; at !== undefined; depth++) {
    at = (at as { readonly a?: unknown }).a;
  }
  expect([depth, message?.headers.kept]).toEqual([1_000, true]);
});
