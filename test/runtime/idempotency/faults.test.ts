/** What becomes of messages when Redis, or the runner that has them, goes away. */
import type { HandlerContext } from "../../../src/handler.ts";
import { startProxy } from "../../support/proxy.ts";
import { expect, PASSWORD, type Redis, test } from "../../support/redis.ts";
import { startRunner, type TestHandlers, type TestRunner } from "../../support/runner.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

const topology = `
defaults: { retry: [50ms], deadLetter: dead, concurrency: 4 }
exchanges: { jobs: { type: topic }, others: { type: topic }, dead: { type: topic } }
queues:
  work: { bind: { jobs: "#" }, handler: work, idempotency: { by: message_id, ttl: 1h } }
  other: { bind: { others: "#" }, handler: other }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

type Vhost = { readonly url: string };

function start(vhost: Vhost, redis: Pick<Redis, "url">, handlers: TestHandlers) {
  const all = { other: () => undefined, ...handlers };
  return startRunner({ url: vhost.url, topology, store: redis.url, handlers: all });
}

const queueOf = ({ runner }: TestRunner) => runner.status().queues.work;

async function untilPaused(warren: TestRunner): Promise<string> {
  await waitFor(() => queueOf(warren)?.consumer === "paused", { what: "the pause" });
  return queueOf(warren)?.pauses[0]?.reason ?? "";
}

const untilLive = (warren: TestRunner) =>
  waitFor(() => queueOf(warren)?.consumer === "live", { what: "the end of the pause" });

test("without Redis a queue is paused, which says why and counts nothing; others go on", async ({
  vhost,
  client,
  redis,
}) => {
  const runs: (readonly [string, number])[] = [];
  const others: string[] = [];
  const warren = await start(vhost, redis, {
    work: (_event: never, { message, attempt }: HandlerContext) => {
      runs.push([message.id, attempt]);
    },
    other: (_event: never, { message }: HandlerContext) => void others.push(message.id),
  });
  await client.publish("jobs", "x", {}, { messageId: "before" });
  await waitFor(() => warren.runner.trace("before").length === 1, { what: "the first" });
  await redis.kill9();
  const reason = await untilPaused(warren);
  expect(reason).toContain(`the idempotency store redis://:***@127.0.0.1:${redis.port} is away: `);
  for (let at = 0; at < 10; at++) {
    await client.publish("jobs", "x", {}, { messageId: `m-${at}` });
  }
  await client.publish("others", "x", {}, { messageId: "other" });
  await waitFor(() => others.length === 1, { what: "the other queue" });
  await vhost.waitForCounts("work", { ready: 10, consumers: 0 });
  const { body } = await warren.get("/health");
  expect(body).toMatchObject({ status: "degraded", summary: expect.stringContaining(reason) });
  expect(JSON.stringify([body, warren.log])).not.toContain(PASSWORD);
  expect(runs).toEqual([["before", 1]]);
  await redis.restart();
  await waitFor(() => runs.length === 11, { what: "the others" });
  expect(runs.map(([, attempt]) => attempt)).toEqual(runs.map(() => 1));
  expect((await warren.get("/health")).body).toMatchObject({
    status: "ok",
    idempotency: { downSince: null, reason: null },
  });
  await warren.stop();
  expect(await client.get("dead_letters")).toBeUndefined();
});

test("a message that was handled while Redis is away is neither acked nor run again until that is written", async ({
  vhost,
  client,
  redis,
}) => {
  const { opened, open } = gate();
  let runs = 0;
  const warren = await start(vhost, redis, {
    work: async () => {
      runs += 1;
      await opened;
    },
  });
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  await waitFor(() => runs === 1, { what: "the run" });
  await redis.kill9();
  await untilPaused(warren);
  open();
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  await vhost.waitForCounts("work", { ready: 1 });
  expect(queueOf(warren)).toMatchObject({ consumer: "paused", inFlight: 1 });
  expect(warren.runner.trace("m-1")).toEqual([]);
  await redis.restart();
  await waitFor(() => queueOf(warren)?.duplicates === 1, { what: "the second" });
  const outcomes = warren.runner.trace("m-1").map(({ outcome }) => outcome);
  expect({ runs, outcomes }).toEqual({ runs: 1, outcomes: ["handled", "duplicate"] });
  await warren.stop();
});

test("a runner that is killed after its handler's effect, and before that is written, has it happen twice, and no more", async ({
  vhost,
  client,
  redis,
  createProject,
  startCli,
}) => {
  let sent = "";
  const fromClient = (chunk: Buffer) => {
    sent += chunk.toString("latin1");
  };
  const openTap = () => ({ fromClient, fromTarget: () => undefined, ended: () => undefined });
  const proxy = await startProxy(redis.port, { openTap });
  const url = new URL(redis.url);
  url.port = String(proxy.port);
  const project = await createProject({
    topology: [
      "version: 1",
      "project: test",
      `broker: { url: "${vhost.url}" }`,
      "http: { port: 0 }",
      `stores: { idempotency: "${url.href}" }`,
      topology,
    ].join("\n"),
    handlers: {
      other: 'import { defineHandler } from "warren";\nexport default defineHandler(() => {});\n',
      work: [
        'import { defineHandler } from "warren";',
        "const until = (ms) => new Promise((resolve) => setTimeout(resolve, ms));",
        "export default defineHandler(async (_event, { log }) => {",
        '  log.info({}, "effect");',
        "  await until(500);",
        "});",
      ].join("\n"),
    },
  });
  const killed = startCli(project, ["start"]);
  await killed.waitForLine(/"msg":"ready"/);
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  await killed.waitForLine(/"msg":"effect"/);
  proxy.blackhole();
  // The time for which a message is remembered, as it is written when it was handled.
  await waitFor(() => sent.includes("3600000"), { what: "the mark" });
  killed.kill("SIGKILL");
  await killed.exit;
  const runs: boolean[] = [];
  const warren = await start(vhost, redis, {
    work: (_event: never, { message }: HandlerContext) => void runs.push(message.redelivered),
  });
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  await waitFor(() => queueOf(warren)?.duplicates === 1, { what: "the end of both" });
  expect(runs).toHaveLength(1);
  expect(killed.stdout.match(/"msg":"effect"/g)).toHaveLength(1);
  await warren.stop();
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
  await proxy.close();
});

test("a lease is renewed while its handler runs, and one that was lost is said", async ({
  vhost,
  client,
  redis,
}) => {
  const { opened, open } = gate();
  let isRunning = false;
  const warren = await start(vhost, redis, {
    work: async () => {
      isRunning = true;
      await opened;
    },
  });
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  await waitFor(() => isRunning, { what: "the run" });
  const [key = ""] = await redis.command("KEYS", "warren:test:work:*");
  const leftMs = async () => Number((await redis.command("PTTL", key))[0]);
  const first = await leftMs();
  await waitFor(async (seen) => seen(await leftMs()) < first - 1_000, { what: "some time" });
  await waitFor(async (seen) => seen(await leftMs()) > first - 1_000, { what: "the renewal" });
  await redis.command("SET", key, "another");
  open();
  await waitFor(() => queueOf(warren)?.inFlight === 0, { what: "its end" });
  expect(await redis.command("GET", key)).toEqual(["done"]);
  const lost = { level: "warn", message: "lease lost: the message may be handled twice" };
  expect(warren.log).toContainEqual({ ...lost, queue: "work", messageId: "m-1" });
  await warren.stop();
});

test("a Redis that has frozen is away, and so is one that refuses the password or writes", async ({
  vhost,
  client,
  redis,
}) => {
  let runs = 0;
  const work = () => {
    runs += 1;
  };
  const wrong = await start(vhost, { url: redis.url.replace(PASSWORD, "wr0ng") }, { work });
  expect(await untilPaused(wrong)).toContain("WRONGPASS");
  await wrong.stop();
  const warren = await start(vhost, redis, { work });
  await redis.command("CONFIG", "SET", "min-replicas-to-write", "1");
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  expect(await untilPaused(warren)).toContain("NOREPLICAS");
  await redis.command("CONFIG", "SET", "min-replicas-to-write", "0");
  await waitFor(() => runs === 1, { what: "the first" });
  redis.freeze();
  expect(await untilPaused(warren)).toContain("no answer within 5000 ms");
  await client.publish("jobs", "x", {}, { messageId: "m-2" });
  redis.thaw();
  await untilLive(warren);
  await waitFor(() => runs === 2, { what: "the second" });
  expect(JSON.stringify([wrong.log, warren.log])).not.toMatch(/wr0ng|s3cret/);
  await warren.stop();
});

test("a message whose delivery was lost while it was handled is not run again", async ({
  vhost,
  client,
  proxy,
  redis,
}) => {
  const { opened, open } = gate();
  let runs = 0;
  const warren = await start({ url: proxy.url(vhost.url) }, redis, {
    work: async () => {
      runs += 1;
      await opened;
    },
  });
  await client.publish("jobs", "x", {}, { messageId: "m-1" });
  await waitFor(() => runs === 1, { what: "the run" });
  proxy.cut();
  // The lost one, and the one that came again.
  await waitFor(() => queueOf(warren)?.inFlight === 2, { what: "the second delivery" });
  open();
  await waitFor(() => queueOf(warren)?.duplicates === 1, { what: "its end" });
  expect(runs).toBe(1);
  await warren.stop();
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
});
