import { setTimeout as delay } from "node:timers/promises";
import { Reject } from "../../src/handler.ts";
import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { gate, nothing, topology } from "./jobs.ts";

/** The frame of a basic.ack: type 1, channel, 13 bytes, class 60, method 80. */
const ACK_FRAME = Buffer.from([0, 0, 0, 13, 0, 60, 0, 80]);

test("an ack from before a reconnect never settles another delivery", async ({
  vhost,
  proxy,
  client,
}) => {
  const [first, second] = [gate(), gate()];
  const started: string[] = [];
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology: topology.replace("handler: work", "handler: work, concurrency: 2"),
    handlers: {
      other: nothing,
      work: async (event: { id: string }) => {
        started.push(event.id);
        await (event.id === "A" ? first.opened : second.opened);
      },
    },
  });
  await client.publish("jobs", "a", { id: "A" });
  await waitFor(() => started.length === 1, { what: "A to start" });
  // A goes to somebody else while the runner is away; B gets the tag that A had.
  proxy.stall();
  proxy.cut();
  const taken = await waitFor(() => client.get("work"), { what: "A to be back in its queue" });
  expect(taken.body).toBe('{"id":"A"}');
  await client.publish("jobs", "b", { id: "B" });
  proxy.resume();
  await waitFor(() => started.length === 2, { what: "B to start" });
  expect(started).toEqual(["A", "B"]);
  first.open();
  // Whatever the late ack did has arrived before the answers to what follows it.
  await delay(200);
  proxy.cut();
  await waitFor(() => started.length === 3, { what: "B to come again" });
  expect(started[2]).toBe("B");
  second.open();
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await warren.stop();
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
});

test("a crash between the retry copy and the ack repeats the message and never loses it", async ({
  vhost,
  proxy,
  client,
}) => {
  const ids = Array.from({ length: 50 }, (_, index) => `m${index}`);
  const handled = new Map<string, number>();
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology,
    handlers: {
      other: nothing,
      work: (event: { id: string }, { attempt }) => {
        if (attempt === 1) throw new Error("once");
        handled.set(event.id, (handled.get(event.id) ?? 0) + 1);
      },
    },
  });
  let cuts = 0;
  for (const id of ids) {
    // Its copy is confirmed when the ack is about to leave.
    const cut = proxy.cutBefore(ACK_FRAME);
    await client.publish("jobs", "x", { id });
    await cut;
    cuts += 1;
    await waitFor(() => handled.has(id), { what: `${id} to be handled` });
  }
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await vhost.waitForCounts("work", { ready: 0 });
  await warren.stop();
  expect([...handled.keys()].sort()).toEqual([...ids].sort());
  expect(cuts).toBe(50);
  const duplicates = [...handled.values()].reduce((sum, count) => sum + count - 1, 0);
  // Each cut repeats what was unacknowledged: this message, or the one before it.
  expect(duplicates).toBeLessThanOrEqual(2 * cuts);
  console.log(`retry crash: ${cuts} cuts, ${handled.size} of 50 handled, ${duplicates} duplicates`);
});

test("a retry copy without a route is held until it has one; nothing is lost", async ({
  vhost,
  client,
}) => {
  const attempts: number[] = [];
  const { opened, open } = gate();
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: async (_event, { attempt }) => {
        attempts.push(attempt);
        await opened;
        if (attempt === 1) throw new Error("once");
      },
    },
  });
  await client.publish("jobs", "x", { id: "A" });
  await waitFor(() => attempts.length === 1, { what: "the first attempt" });
  await client.channel.unbindQueue("warren.test.retry.200ms", "warren.test.retry", "200ms.#");
  open();
  await waitFor(() => attempts.length === 2, { what: "the second attempt" });
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await warren.stop();
  expect(attempts).toEqual([1, 2]);
  expect(warren.log.filter(({ message }) => message.startsWith("message held"))).not.toEqual([]);
});

test("a message that is held takes its own slot alone: the others of its queue go on", async ({
  vhost,
  client,
}) => {
  const handled: string[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: topology.replace(
      "dead_letters: {",
      "dead_letters: { limits: { messages: 1, overflow: reject-publish },",
    ),
    handlers: {
      other: nothing,
      work: ({ id }: { id: string }) => {
        if (id === "bad") throw new Reject("no good");
        handled.push(id);
      },
    },
  });
  // A quorum queue takes a few messages more than its limit.
  for (let n = 0; n < 10; n++) await client.publish("jobs", "x", { id: "bad" });
  const held = () =>
    new Set(
      warren.log
        .filter(({ message }) => message.startsWith("message held"))
        .map(({ messageId }) => messageId),
    ).size;
  const inFlight = () => warren.runner.status().queues.work?.inFlight;
  await waitFor(() => held() > 0 && held() === inFlight(), { what: "what no queue takes" });
  for (let n = 0; n < 50; n++) await client.publish("jobs", "x", { id: `good-${n}` });
  await waitFor(() => handled.length === 50, { what: "all others to be handled" });
  expect(warren.runner.status().queues.work?.consumer).toBe("held");
  await waitFor(
    async () => {
      await client.channel.purgeQueue("dead_letters");
      return inFlight() === 0;
    },
    { what: "the copies to be taken" },
  );
  await warren.stop();
});

test("one poison message in a thousand has exactly its attempts, and the others one each", async ({
  vhost,
}) => {
  const attempts = new Map<number, number>();
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: ({ n }: { n: number }) => {
        attempts.set(n, (attempts.get(n) ?? 0) + 1);
        if (n === 500) throw new Error("poison");
      },
    },
  });
  const numbers = Array.from({ length: 1_000 }, (_, n) => n);
  for (let from = 0; from < 1_000; from += 50) {
    await Promise.all(
      numbers
        .slice(from, from + 50)
        .map((n) =>
          warren.post("/publish", { exchange: "jobs", routing_key: "x", message: { n } }),
        ),
    );
  }
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await waitFor(() => attempts.size === 1_000, { what: "all to be handled" });
  await warren.stop();
  expect(attempts.get(500)).toBe(2);
  expect([...attempts].filter(([n, count]) => n !== 500 && count !== 1)).toEqual([]);
});

test("two runners of one queue keep one count of attempts", async ({ vhost, client }) => {
  const attempts: number[] = [];
  const files = {
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: (_event: never, { attempt }: { attempt: number }) => {
        attempts.push(attempt);
        throw new Error("always");
      },
    },
  };
  const runners = await Promise.all([startRunner(files), startRunner(files)]);
  for (let n = 0; n < 20; n++) await client.publish("jobs", "x", { n });
  await vhost.waitForCounts("dead_letters", { ready: 20 });
  await Promise.all(runners.map(({ stop }) => stop()));
  expect(attempts.filter((attempt) => attempt === 1)).toHaveLength(20);
  expect(attempts.filter((attempt) => attempt === 2)).toHaveLength(20);
  expect(attempts).toHaveLength(40);
});

test("a forged x-death from a foreign publisher is parked by a copy without it", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      work: nothing,
      other: (_event, { attempt }) => {
        throw new Error(`attempt ${attempt}`);
      },
    },
  });
  await client.publish(
    "others",
    "x",
    { id: "A" },
    {
      messageId: "forged",
      CC: ["another.key"],
      headers: {
        "x-death": ["a"],
        "x-warren-attempt": 999,
        "x-warren-exchange": "elsewhere",
        tenant: "kept",
      },
    },
  );
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  const parked = await client.peek("dead_letters");
  expect(parked).toHaveLength(1);
  expect(parked[0]?.headers).toMatchObject({
    "x-warren-attempts": 2,
    "x-warren-error": "Error: attempt 2",
    "x-warren-exchange": "others",
    tenant: "kept",
  });
  expect(parked[0]?.headers).not.toHaveProperty("x-death");
  expect(parked[0]?.headers).not.toHaveProperty("CC");
});
