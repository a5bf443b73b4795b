import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { gate, nothing, topology } from "./jobs.ts";

test("a stop says whether the broker knows of all that ended, also while it is away", async ({
  vhost,
  proxy,
  client,
}) => {
  const { opened, open } = gate();
  const start = () =>
    startRunner({
      url: proxy.url(vhost.url),
      topology,
      handlers: { work: () => opened, other: nothing },
    });
  const away = async ({ runner }: Awaited<ReturnType<typeof start>>) => {
    proxy.stall();
    proxy.cut();
    const isDown = () => runner.status().connections.consume.state !== "ready";
    await waitFor(isDown, { what: "the connection to be lost" });
  };
  const idle = await start();
  await away(idle);
  expect(await idle.stop()).toBe(true);
  proxy.resume();

  const busy = await start();
  await client.publish("jobs", "x", {});
  await waitFor(() => busy.runner.status().queues.work?.inFlight === 1, { what: "a run" });
  await away(busy);
  // Whether it ends before the stop or in it.
  open();
  expect(await busy.stop()).toBe(false);
  proxy.resume();
  await vhost.waitForCounts("work", { ready: 1, consumers: 0 });
});
