import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { gate, nothing, topology } from "./jobs.ts";

test.for(["quorum", "classic"])(
  "an orderly stop loses no ack of a %s queue, and gives back what has not started",
  async (type, { vhost, client }) => {
    const { opened, open } = gate();
    let started = 0;
    const warren = await startRunner({
      url: vhost.url,
      // Every queue is of this type: the end of another one's consuming may take its time.
      topology: topology
        .replace("defaults: {", `defaults: { type: ${type},`)
        .replace("handler: work", "handler: work, concurrency: 200, prefetch: 250"),
      handlers: {
        other: nothing,
        work: async ({ n }: { n: number }) => {
          started += 1;
          await opened;
          // The first ends last, so that no ack of the others can stand for those before it.
          if (n === 0) await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        },
      },
    });
    await Promise.all(Array.from({ length: 260 }, (_, n) => client.publish("jobs", "x", { n })));
    await waitFor(() => started === 200, { what: "200 runs" });
    const stopping = warren.stop();
    open();
    expect(await stopping).toBe(true);
    await vhost.waitForCounts("work", { ready: 60, consumers: 0 });
    expect(started).toBe(200);
  },
);

test("a stop does not wait for a message that is held, and gives it back uncounted", async ({
  vhost,
  client,
}) => {
  const attempts: number[] = [];
  const files = {
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: (_event: never, { attempt }: { attempt: number }) => {
        attempts.push(attempt);
        if (attempts.length === 1) throw new Error("once");
      },
    },
  };
  const first = await startRunner(files);
  // An exchange that is another one is a conflict, in which nothing is declared or bound.
  await client.channel.deleteExchange("warren.test.retry");
  await client.channel.assertExchange("warren.test.retry", "topic", { alternateExchange: "none" });
  await client.publish("jobs", "x", {});
  const isHeld = () => first.runner.status().queues.work?.consumer === "held";
  await waitFor(isHeld, { what: "the message to be held" });
  const begin = performance.now();
  expect(await first.stop()).toBe(true);
  expect(performance.now() - begin).toBeLessThan(15_000);
  await vhost.waitForCounts("work", { ready: 1, consumers: 0 });
  await client.channel.deleteExchange("warren.test.retry");
  const second = await startRunner(files);
  await waitFor(() => attempts.length === 2, { what: "its second run" });
  await second.stop();
  expect(attempts).toEqual([1, 1]);
});

test("what still runs when the time is over is cut off, and the broker has it again", async ({
  vhost,
  client,
}) => {
  const { opened, open } = gate();
  let started = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology: `drain: { timeout: 300ms }\n${topology}`,
    handlers: {
      other: nothing,
      work: async () => {
        started += 1;
        await opened;
      },
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => started === 1, { what: "a run" });
  expect(await warren.stop()).toBe(false);
  await vhost.waitForCounts("work", { ready: 1, consumers: 0 });
  open();
});
