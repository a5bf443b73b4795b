import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

type Job = { readonly id: string };

const topologyOf = (queue: string) => `
defaults: { retry: [100ms], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, allowLoss: true, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

for (const type of ["quorum", "classic"]) {
  test(`acknowledged on delivery, a message is gone when its handler begins (${type})`, async ({
    vhost,
    client,
  }) => {
    const runs: string[] = [];
    const { opened, open } = gate();
    const warren = await startRunner({
      url: vhost.url,
      topology: topologyOf(`type: ${type}, ack: on-delivery, concurrency: 2`),
      handlers: {
        work: async ({ id }: Job) => {
          runs.push(id);
          await opened;
          if (id === "fails") throw new Error("never");
        },
      },
    });
    for (const id of ["fails", "ends", "third", "fourth"])
      await client.publish("jobs", "x", { id });
    await waitFor(() => runs.length === 2, { what: "two runs" });
    // Two run, and no more are sent ahead than before: a backlog stays in the broker.
    const stopping = warren.runner.stop(500);
    expect(await stopping).toBe(false);
    await vhost.waitForCounts("work", { ready: 2, consumers: 0 });
    open();
    await warren.stop();
    expect(await vhost.queueCounts("dead_letters")).toMatchObject({ ready: 0 });
  });
}

test("on delivery, what fails or can't be read is neither retried nor dead-lettered", async ({
  vhost,
  client,
}) => {
  const runs: string[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("ack: on-delivery"),
    handlers: {
      work: ({ id }: Job) => {
        runs.push(id);
        if (id === "fails") throw new Error("never");
      },
    },
  });
  await client.publish("jobs", "x", { id: "fails" });
  await client.publish("jobs", "x", "no JSON");
  await client.publish("jobs", "x", { id: "good" });
  const lines = () => warren.log.filter(({ message }) => message.startsWith("message dropped"));
  await waitFor(() => lines().length === 2 && runs.length === 2, { what: "the end of all" });
  expect(await warren.stop()).toBe(true);
  expect(
    lines()
      .map(({ level, reason }) => [level, reason])
      .sort(),
  ).toEqual([
    ["error", "handler-failed"],
    ["error", "undecodable"],
  ]);
  expect(await vhost.queueCounts("work")).toMatchObject({ ready: 0 });
  expect(await vhost.queueCounts("dead_letters")).toMatchObject({ ready: 0 });
});

test("the broker prefers the consumer of the higher priority, and deletes an auto-delete queue after its last", async ({
  vhost,
  client,
}) => {
  const runs: string[] = [];
  const start = (name: string, priority: number) =>
    startRunner({
      url: vhost.url,
      topology: topologyOf(`type: classic, autoDelete: true, consumerPriority: ${priority}`),
      handlers: { work: () => void runs.push(name) },
    });
  const low = await start("low", -1);
  const high = await start("high", 5);
  for (let n = 0; n < 5; n++) await client.publish("jobs", "x", { id: `${n}` });
  await waitFor(() => runs.length === 5, { what: "all runs" });
  await high.stop();
  await client.publish("jobs", "x", { id: "last" });
  await waitFor(() => runs.length === 6, { what: "the last run" });
  await low.stop();
  expect(runs).toEqual([...Array.from({ length: 5 }, () => "high"), "low"]);
  await waitFor(async () => (await vhost.queueCounts("work")) === undefined, { what: "its end" });
});
