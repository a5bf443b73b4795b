import { type Client, openClient } from "../../support/client.ts";
import { startRunner, type TestHandlers, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";
import { untilReady } from "../running.ts";

type Job = { readonly id: string };

const topologyOf = (name: string, queue: string) => `
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  ${name}: { bind: { jobs: "#" }, handler: work, deadLetter: dead, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }`;

/** A project with one queue, after it was called `before`. */
function runRenamed(
  url: string,
  work: TestHandlers[string],
  queue = "retry: [300ms]",
): Promise<TestRunner> {
  const topology = topologyOf("after", `was: before, ${queue}`);
  return startRunner({ url, topology, handlers: { work } });
}

async function declareBefore({ channel }: Client): Promise<void> {
  await channel.assertQueue("before", { arguments: { "x-queue-type": "quorum" } });
}

const untilLeft = (vhost: Vhost) => vhost.waitForCounts("before", { ready: 0, consumers: 0 });

test("messages of the former queue and its waiting retries get the handler of the queue as it is called now", async ({
  vhost,
  client,
}) => {
  const fail = () => {
    throw new Error("not by this name");
  };
  const topology = topologyOf("before", "retry: [2s]");
  const first = await startRunner({ url: vhost.url, topology, handlers: { work: fail } });
  await client.publish("jobs", "x", { id: "waits" });
  await vhost.waitForCounts("warren.test.retry.2s", { ready: 1 });
  await first.stop();
  await client.publish("jobs", "x", { id: "ready" });
  await client.publish("jobs", "x", { id: "fails" });
  const runs: string[] = [];
  const warren = await runRenamed(vhost.url, ({ id }: Job, { attempt, message }) => {
    runs.push(`${id} ${attempt} ${message.queue} ${message.exchange}`);
    if (id === "fails") throw new Error("never");
  });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await waitFor(() => runs.some((run) => run.startsWith("waits")), { what: "the waiting retry" });
  await untilLeft(vhost);
  await warren.stop();
  const dead = await client.get("dead_letters");
  expect(runs.sort()).toEqual([
    "fails 1 after jobs",
    "fails 2 after jobs",
    "ready 1 after jobs",
    "waits 2 after jobs",
  ]);
  expect(dead?.routingKey).toBe("after");
  expect(dead?.headers["x-warren-queue"]).toBe("after");
});

test("a former queue that is not there is nothing to speak of, and is not declared", async ({
  vhost,
}) => {
  const warren = await runRenamed(vhost.url, () => undefined);
  await untilReady(warren);
  const health = await warren.get("/health");
  await warren.stop();
  expect(health.body.status).toBe("ok");
  expect(warren.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  expect(await vhost.queueCounts("before")).toBeUndefined();
});

test("a former queue that is deleted while it is consumed leaves its runner ready", async ({
  vhost,
  client,
}) => {
  await declareBefore(client);
  const { opened, open } = gate();
  const runs: string[] = [];
  await client.publish("", "before", { id: "old" });
  const warren = await runRenamed(vhost.url, async ({ id }: Job) => {
    runs.push(id);
    await opened;
  });
  await waitFor(() => runs.length === 1, { what: "a run" });
  await client.channel.deleteQueue("before");
  open();
  await client.publish("jobs", "x", { id: "new" });
  await waitFor(() => runs.length === 2, { what: "a message of the queue itself" });
  await untilReady(warren);
  await warren.stop();
  expect(runs).toEqual(["old", "new"]);
  expect(await vhost.queueCounts("before")).toBeUndefined();
});

test("a former queue that comes back is consumed after the next reconnect", async ({
  vhost,
  client,
  proxy,
}) => {
  const runs: string[] = [];
  const warren = await runRenamed(proxy.url(vhost.url), ({ id }: Job) => void runs.push(id));
  await untilReady(warren);
  await declareBefore(client);
  await client.publish("", "before", { id: "late" });
  proxy.cut();
  await waitFor(() => runs.length === 1, { what: "the late message" });
  await untilLeft(vhost);
  await warren.stop();
  expect(runs).toEqual(["late"]);
});

test("a queue and its former queue together run no more at once than the queue may", async ({
  vhost,
  client,
}) => {
  await declareBefore(client);
  await (await runRenamed(vhost.url, () => undefined)).stop();
  for (let n = 0; n < 20; n++) await client.publish("", n % 2 ? "before" : "after", { id: `${n}` });
  const queue = "retry: none, concurrency: 2";
  let [running, most, done] = [0, 0, 0];
  const warren = await runRenamed(
    vhost.url,
    async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      done += 1;
    },
    queue,
  );
  await waitFor(() => done === 20, { what: "all messages" });
  await untilLeft(vhost);
  await warren.stop();
  expect(most).toBe(2);
});

test("of an ordered queue the former one is drained first", async ({ vhost, client }) => {
  await declareBefore(client);
  const ordered = "ordered: true, retry: [100ms]";
  await (await runRenamed(vhost.url, () => undefined, ordered)).stop();
  for (const id of ["n1", "n2", "n3"]) await client.publish("", "after", { id });
  for (const id of ["o1", "o2", "o3"]) await client.publish("", "before", { id });
  const runs: string[] = [];
  const handler = ({ id }: Job, { attempt }: { attempt: number }) => {
    runs.push(`${id}${attempt}`);
    if (id === "o2" && attempt === 1) throw new Error("once more");
  };
  const warren = await runRenamed(vhost.url, handler, ordered);
  await waitFor(() => runs.length === 7, { what: "all runs" });
  await untilReady(warren);
  await warren.stop();
  expect(runs).toEqual(["o11", "o21", "o22", "o31", "n11", "n21", "n31"]);
});

test("an ordered queue waits, ready, until nobody has a message of the former one any more", async ({
  vhost,
  client,
}) => {
  await declareBefore(client);
  const ordered = "ordered: true";
  await (await runRenamed(vhost.url, () => undefined, ordered)).stop();
  await client.publish("", "after", { id: "new" });
  await client.publish("", "before", { id: "old" });
  const other = await openClient(vhost.url, "a runner of before");
  const taken = gate();
  await other.channel.consume("before", taken.open);
  await taken.opened;
  const runs: string[] = [];
  const warren = await runRenamed(vhost.url, ({ id }: Job) => void runs.push(id), ordered);
  const problem = await waitFor(
    async () => ((await warren.get("/health")).body.problems as string[])[0],
    { what: "a problem" },
  );
  await untilReady(warren);
  expect(runs).toEqual([]);
  await other.close();
  await waitFor(() => runs.length === 2, { what: "both messages" });
  await warren.stop();
  expect(problem).toBe(
    "after waits until before, as it was called, is drained (messages ready: 0, consumers: 1)",
  );
  expect(runs).toEqual(["old", "new"]);
});
