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
