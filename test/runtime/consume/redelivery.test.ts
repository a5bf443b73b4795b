import type { HandlerContext } from "../../../src/handler.ts";
import { NUMBERS } from "../../../src/numbers.ts";
import type { Client } from "../../support/client.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate, nothing } from "../jobs.ts";

/** A classic queue that retries once, and its dead letters. */
const topology = `
defaults: { type: classic, retry: [200ms], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, concurrency: 1, maxPriority: 5 }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
type Job = { readonly id: string };

async function declare(url: string): Promise<void> {
  const warren = await startRunner({ url, topology, handlers: { work: nothing } });
  await warren.stop();
}

/** A message that says of itself how often it was delivered, and now comes once more. */
async function publishAgain(client: Client, exchange: string, key: string, redeliveries: number) {
  const headers = {
    tenant: "kept",
    "x-warren-attempt": 2,
    "x-warren-exchange": "jobs",
    "x-warren-routing-key": "first.key",
    "x-warren-redeliveries": redeliveries,
  };
  await client.publish(exchange, key, { id: "a" }, { messageId: "m-1", priority: 3, headers });
  await client.peek("work");
}

test("a message that comes again keeps what it is and what it has spent, up to the delivery limit", async ({
  vhost,
  client,
}) => {
  await declare(vhost.url);
  await publishAgain(client, "warren.test.requeue", "now.work", NUMBERS.workDeliveryLimit - 1);
  const seen: object[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      work: (event: Job, { attempt, message: { body: _, ...message } }: HandlerContext) => {
        seen.push({ event, attempt, ...message });
      },
    },
  });
  await waitFor(() => seen.length === 1, { what: "its run" });
  await warren.stop();
  expect(seen).toEqual([
    {
      event: { id: "a" },
      attempt: 2,
      id: "m-1",
      queue: "work",
      exchange: "jobs",
      routingKey: "first.key",
      headers: { tenant: "kept" },
      contentType: null,
      contentEncoding: null,
      correlationId: null,
      priority: 3,
      redelivered: true,
    },
  ]);
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
});

test("past the delivery limit it is a dead letter, and is not run again", async ({
  vhost,
  client,
}) => {
  await declare(vhost.url);
  await publishAgain(client, "warren.test.requeue", "now.work", NUMBERS.workDeliveryLimit);
  let runs = 0;
  const warren = await startRunner({ url: vhost.url, topology, handlers: { work: () => runs++ } });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  expect(runs).toBe(0);
  expect((await client.get("dead_letters"))?.headers).toMatchObject({
    tenant: "kept",
    "x-warren-reason": "handler-crash",
    "x-warren-error": "delivered 1001 times without an end",
    "x-warren-attempts": 2,
    "x-warren-queue": "work",
    "x-warren-exchange": "jobs",
    "x-warren-routing-key": "first.key",
  });
});

test("what a foreign publisher says of deliveries is not believed", async ({ vhost, client }) => {
  await declare(vhost.url);
  await publishAgain(client, "jobs", "own.key", 5_000);
  const attempts: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { work: (_event, { attempt }) => void attempts.push(attempt) },
  });
  await waitFor(() => attempts.length === 1, { what: "its run" });
  await warren.stop();
  expect(attempts).toEqual([1]);
  expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
});

test("a lost connection costs a message no attempt and gives it none", async ({
  vhost,
  proxy,
  client,
}) => {
  const attempts: number[] = [];
  const { opened, open } = gate();
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology,
    handlers: {
      work: async (_event, { attempt }) => {
        attempts.push(attempt);
        if (attempts.length === 2) await opened;
        throw new Error("always");
      },
    },
  });
  await client.publish("jobs", "x", { id: "a" });
  await waitFor(() => attempts.length === 2, { what: "the second attempt" });
  proxy.cut();
  const isBack = () => warren.runner.status().queues.work?.consumer === "live";
  await waitFor(() => !isBack(), { what: "the end of the connection" });
  await waitFor(isBack, { what: "a new connection" });
  open();
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  expect(attempts).toEqual([1, 2, 2]);
  expect((await client.get("dead_letters"))?.headers["x-warren-attempts"]).toBe(2);
});

test("a queue that is full and takes no copy has its messages handled all the same", async ({
  vhost,
  client,
}) => {
  const full = topology.replace(
    "maxPriority: 5",
    "limits: { messages: 1, overflow: reject-publish }",
  );
  const handled: string[] = [];
  const files = {
    url: vhost.url,
    topology: full,
    handlers: { work: ({ id }: Job) => void handled.push(id) },
  };
  const first = await startRunner(files);
  await first.stop();
  // Delivered and given back while another came: two messages where one fits.
  await client.publish("jobs", "x", { id: "a" });
  const { channel } = client;
  const held = await channel.get("work");
  await client.publish("jobs", "x", { id: "b" });
  if (held) channel.nack(held);
  await vhost.waitForCounts("work", { ready: 2 });
  const second = await startRunner(files);
  await waitFor(() => handled.length === 2, { what: "both messages" });
  await second.stop();
  expect(handled).toEqual(["a", "b"]);
});

test("a message that kills the process of each runner is a dead letter in the end", async ({
  vhost,
  client,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: `version: 1
project: test
broker: { url: "${vhost.url}" }
http: { port: 0 }
${topology}`,
    handlers: {
      work: `import { defineHandler } from "warren";
export default defineHandler<never>(({ id }: { id: string }, { log }) => {
  log.info({ id }, "run");
  if (id === "a") process.kill(process.pid, "SIGKILL");
});
`,
    },
  });
  await declare(vhost.url);
  const started = NUMBERS.workDeliveryLimit - 2;
  await publishAgain(client, "warren.test.requeue", "now.work", started);
  for (const id of ["b", "c"]) await client.publish("jobs", "x", { id });
  const deaths: (number | string)[] = [];
  const runs: string[] = [];
  const isOver = async () =>
    (await vhost.queueCounts("dead_letters"))?.ready === 1 &&
    (await vhost.queueCounts("work"))?.ready === 0;
  while (!(await isOver())) {
    expect(deaths.length).toBeLessThan(5);
    const running = startCli(project, ["start"]);
    await waitFor(async () => !running.isRunning || (await isOver()), {
      what: "the end of the process, or of the messages",
    });
    running.kill();
    deaths.push(await running.exit);
    runs.push(...[...running.stdout.matchAll(/"id":"(\w)","msg":"run"/g)].map(([, id]) => `${id}`));
  }
  expect(deaths).toEqual(["SIGKILL", "SIGKILL", 0]);
  expect(runs.filter((id) => id !== "a").sort()).toEqual(["b", "c"]);
  const dead = await client.peek("dead_letters");
  expect(dead.map(({ body, headers }) => [body, headers["x-warren-reason"]])).toEqual([
    ['{"id":"a"}', "handler-crash"],
  ]);
});
