import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

type Job = { readonly id: string };

const topologyOf = (queue: string) => `
defaults: { retry: [100ms], deadLetter: dead }
exchanges:
  tasks: { type: direct }
  dead: { type: topic }
queues:
  task_queue: { type: classic, maxPriority: 10, bind: { tasks: render }, handler: render, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

test("a high priority behind a thousand low ones is among the next that are handled", async ({
  vhost,
  client,
}) => {
  const handled: string[] = [];
  const { opened, open } = gate();
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("concurrency: 2"),
    handlers: {
      render: async ({ id }: Job) => {
        await opened;
        handled.push(id);
      },
    },
  });
  const low = Array.from({ length: 1_000 }, (_, n) => `low ${n}`);
  await Promise.all(low.map((id) => client.publish("tasks", "render", { id }, { priority: 1 })));
  await waitFor(() => warren.runner.status().queues.task_queue?.inFlight === 2, {
    what: "two runs",
  });
  await client.publish("tasks", "render", { id: "high" }, { priority: 9 });
  open();
  await waitFor(() => handled.length >= 10, { what: "some runs" });
  await warren.stop();
  expect(handled.indexOf("high")).toBeLessThan(2 + 1);
  expect(handled.indexOf("high")).toBeGreaterThan(-1);
});

test("what waits in the runner begins by its priority, and by its order within one; a retry keeps it", async ({
  vhost,
  client,
}) => {
  const runs: string[] = [];
  const { opened, open } = gate();
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("concurrency: 1, prefetch: 20"),
    handlers: {
      render: async ({ id }: Job, { attempt, message }) => {
        runs.push(`${id} ${attempt} ${message.priority}`);
        if (id === "first") await opened;
        if (id === "high" && attempt === 1) throw new Error("once");
      },
    },
  });
  const publish = (id: string, priority?: number) =>
    client.publish("tasks", "render", { id }, priority === undefined ? {} : { priority });
  await publish("first");
  await waitFor(() => runs.length === 1, { what: "the first run" });
  for (const id of ["a", "b"]) await publish(id, 3);
  await publish("none");
  for (const id of ["c", "high"]) await publish(id, id === "high" ? 9 : 3);
  await vhost.waitForCounts("task_queue", { ready: 0 });
  open();
  await waitFor(() => runs.length === 7, { what: "all runs" });
  await warren.stop();
  expect(runs).toEqual([
    "first 1 null",
    "high 1 9",
    "a 1 3",
    "b 1 3",
    "c 1 3",
    "none 1 null",
    "high 2 9",
  ]);
});
