import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { pause, topology } from "./jobs.ts";

const patient = topology.replace("timeout: 1s", "timeout: 2s");

test("time in which the broker holds up a publish is none of the handler's", async ({
  vhost,
  proxy,
  client,
}) => {
  const warren = await startThreaded({
    url: proxy.url(vhost.url),
    topology: patient,
    handlers: {
      work: handlerText(`
        log.info({}, "begun");
        ${pause(1_000)}
        await publish("others", "x", {});
        ${pause(500)}
        log.info({ attempt, isOver: signal.aborted }, "done");`),
      other: handlerText(""),
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("begun").length > 0, { what: "its start" });
  proxy.stall();
  await delay(4_000);
  proxy.resume();
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await warren.stop();
  expect(warren.logged("done")).toMatchObject([{ attempt: 1, isOver: false }]);
  expect(warren.logged("message retried")).toEqual([]);
});

test("all other time is, also before and after a publish", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: patient,
    handlers: {
      work: handlerText(`
        await publish("others", "x", {});
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        log.info({ attempt }, "aborted");`),
      other: handlerText(""),
    },
  });
  await client.publish("jobs", "x", {});
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  expect(warren.logged("aborted")).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  expect((await client.get("dead_letters"))?.headers).toMatchObject({
    "x-warren-reason": "handler-timeout",
    "x-warren-attempts": 2,
  });
});
