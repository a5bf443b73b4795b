import { setTimeout as delay } from "node:timers/promises";
import { startProxy } from "../support/proxy.ts";
import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { gate, nothing, topology } from "./jobs.ts";

test("once the time of a stop is over nothing connects again, whatever it still waits for", async ({
  vhost,
}) => {
  let made = 0;
  const openTap = () => {
    made += 1;
    return { fromClient: nothing, fromTarget: nothing, ended: nothing };
  };
  const proxy = await startProxy(Number(new URL(vhost.url).port || 5672), { openTap });
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology,
    handlers: { work: nothing, other: nothing },
  });
  const { opened: requests, open: answer } = gate();
  expect(await warren.runner.stop(100, requests)).toBe(false);
  const before = made;
  await waitFor((seen) => seen(proxy.connections) === 0, { what: "the sockets to be gone" });
  // An attempt would come within 0.1 s.
  await delay(1_000);
  expect(made).toBe(before);
  answer();
  await warren.stop();
  await proxy.close();
});
