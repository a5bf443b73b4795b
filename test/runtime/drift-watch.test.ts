import { Drift } from "../../src/runtime/drift.ts";
import { loadTopology, startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";

const topology = `
exchanges:
  jobs: { type: topic }
queues:
  work: { bind: { jobs: [a, b] }, handler: none, deadLetter: none }
`;

test("drift is found by itself, and said once when it comes and when it goes", async ({
  vhost,
  client,
}) => {
  const { url, managementUrl: management } = vhost;
  const warren = await startRunner({ url, management, topology });
  const { log, drift } = watch(warren.topology);
  await waitFor(() => drift.status?.differences === 0, { what: "a first look" });
  await client.channel.unbindQueue("work", "jobs", "b");
  await waitFor(() => drift.status?.differences === 1, { what: "the drift" });
  await client.channel.bindQueue("work", "jobs", "b");
  await waitFor(() => drift.status?.differences === 0, { what: "its end" });
  await drift.stop();
  await warren.stop();
  expect(log).toEqual(["the broker has drifted", "the broker has drifted no more"]);
});

test("where AMQP alone could tell nobody looks unasked", async ({ vhost }) => {
  const { drift } = watch(await loadTopology({ url: vhost.url, topology }));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(drift.status).toBeNull();
  const document = await drift.document();
  await drift.stop();
  expect(document).toMatchObject({ by: "amqp", hasDifferences: true });
});

test("a management API that can't be asked is said once", async ({ vhost }) => {
  const management = "http://guest:guest@127.0.0.1:1";
  const { log, drift } = watch(await loadTopology({ url: vhost.url, management, topology }));
  await waitFor(() => log.length === 1, { what: "a line" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await drift.stop();
  expect(log).toEqual(["drift not looked at"]);
  expect(drift.status).toBeNull();
});

function watch(topologyNow: Awaited<ReturnType<typeof loadTopology>>) {
  const log: string[] = [];
  const note = (_facts: object, message: string) => void log.push(message);
  const drift = new Drift({
    topology: () => topologyNow,
    log: { debug: note, info: note, warn: note, error: note },
    everyMs: 100,
  });
  drift.watch();
  return { log, drift };
}
