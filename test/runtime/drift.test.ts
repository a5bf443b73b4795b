import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { nothing, topology } from "./jobs.ts";
import { untilReady } from "./running.ts";

test("a queue that comes back with other arguments is said, and consumed all the same", async ({
  vhost,
  client,
}) => {
  const handled: unknown[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { other: nothing, work: (event) => void handled.push(event) },
  });
  await client.channel.deleteQueue("work");
  await client.channel.assertQueue("work", { durable: true, messageTtl: 60_000 });
  await client.channel.bindQueue("work", "jobs", "#");
  await vhost.waitForCounts("work", { consumers: 1 });
  await client.publish("jobs", "x", { after: "drift" });
  await waitFor(() => handled.length === 1, { what: "a message" });
  const ready = await warren.get("/readyz");
  const health = await warren.get("/health");
  await warren.stop();
  expect(ready.status).toBe(503);
  expect(JSON.stringify(health.body)).toContain("x-message-ttl");
  expect(JSON.stringify(health.body)).toContain("conflict");
});

test("a queue deleted under its consumer is declared and consumed again", async ({
  vhost,
  client,
}) => {
  const handled: unknown[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { other: nothing, work: (event) => void handled.push(event) },
  });
  for (let round = 0; round < 3; round++) {
    await client.channel.deleteQueue("work");
    await vhost.waitForCounts("work", { consumers: 1 });
    await client.publish("jobs", "x", { round });
    await waitFor(() => handled.length === round + 1, { what: `round ${round}` });
  }
  await untilReady(warren);
  await warren.stop();
  expect(handled).toEqual([{ round: 0 }, { round: 1 }, { round: 2 }]);
});

test("an exchange deleted under load fails its own messages alone, and comes back by itself", async ({
  vhost,
  client,
}) => {
  const handled = { work: new Set<string>(), other: new Set<string>() };
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      work: (event: { id: string }) => void handled.work.add(event.id),
      other: (event: { id: string }) => void handled.other.add(event.id),
    },
  });
  const accepted = { jobs: new Set<string>(), others: new Set<string>() };
  const refused = { jobs: 0, others: 0 };
  let isOver = false;
  const load = async (exchange: "jobs" | "others") => {
    for (let n = 0; !isOver; n++) {
      const id = `${exchange}-${n}`;
      const { status } = await warren.post("/publish", {
        exchange,
        routing_key: "x",
        message: { id },
      });
      if (status === 202) accepted[exchange].add(id);
      else refused[exchange] += 1;
    }
  };
  const loads = [load("jobs"), load("others"), load("jobs"), load("others")];
  await waitFor(() => accepted.jobs.size > 20, { what: "load" });
  await client.channel.deleteExchange("jobs");
  const before = accepted.jobs.size;
  await waitFor(() => accepted.jobs.size > before + 20, {
    what: "jobs to be accepted again",
  });
  isOver = true;
  await Promise.all(loads);
  await waitFor(() => [...accepted.jobs].every((id) => handled.work.has(id)), { what: "jobs" });
  await waitFor(() => [...accepted.others].every((id) => handled.other.has(id)), {
    what: "others",
  });
  await warren.stop();
  expect(refused.others).toBe(0);
});
