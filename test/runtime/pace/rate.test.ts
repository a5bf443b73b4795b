import { loadTopology, startRunner, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

type Job = { readonly id: number };

const topologyOf = (queue: string) => `
defaults: { retry: none, deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

const stateOf = ({ runner }: TestRunner) => runner.status().queues.work;

/** Runs that began sooner than 50 a second allow, with five at once, since before the first message. */
function tooEarly(startsMs: readonly number[], sinceMs: number): readonly string[] {
  return startsMs.flatMap((startMs, before) => {
    const leastMs = ((before + 1 - 5) / 50) * 1_000 - 1;
    return startMs - sinceMs >= leastMs ? [] : [`run ${before}: ${startMs - sinceMs} ms`];
  });
}

for (const type of ["quorum", "classic"]) {
  test(`no more runs begin than the rate says, retries among them (${type})`, async ({
    vhost,
    client,
  }) => {
    const starts: number[] = [];
    const done: string[] = [];
    const warren = await startRunner({
      url: vhost.url,
      topology: topologyOf(`type: ${type}, rate: 50/s, retry: [10ms]`),
      handlers: {
        work: ({ id }: Job, { attempt }) => {
          starts.push(performance.now());
          if (id % 5 === 0 && attempt === 1) throw new Error("once");
          done.push(`${id}`);
        },
      },
    });
    const sinceMs = performance.now();
    await Promise.all(Array.from({ length: 50 }, (_, id) => client.publish("jobs", "x", { id })));
    await waitFor(() => done.length >= 50, { what: "all of them" });
    await warren.stop();
    expect(done.map(Number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, id) => id),
    );
    expect(starts.length).toBe(60);
    expect(tooEarly(starts, sinceMs)).toEqual([]);
  });
}

for (const queue of ["type: quorum", "type: classic", "ordered: true"]) {
  test(`with a slow rate one message is taken, and the others wait in the broker (${queue})`, async ({
    vhost,
    client,
  }) => {
    const runs: number[] = [];
    const warren = await startRunner({
      url: vhost.url,
      topology: topologyOf(`${queue}, rate: 1/h`),
      handlers: { work: ({ id }: Job) => void runs.push(id) },
    });
    for (const id of [1, 2, 3]) await client.publish("jobs", "x", { id });
    await vhost.waitForCounts("work", { ready: 2, consumers: 0 });
    const { body } = await warren.get("/health");
    expect(body.status).toBe("ok");
    expect(stateOf(warren)).toMatchObject({
      consumer: "paused",
      pauses: [{ reason: "its rate is used up", until: expect.any(String) }],
      inFlight: 0,
    });
    expect((await warren.get("/readyz")).status).toBe(200);
    expect(await warren.stop()).toBe(true);
    expect(runs).toEqual([1]);
    await vhost.waitForCounts("work", { ready: 2, consumers: 0 });
  });
}

test("a run begins as soon as a slow rate lets it, and the queue is paused again", async ({
  vhost,
  client,
}) => {
  const runs: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("rate: 50/m"),
    handlers: { work: ({ id }: Job) => void runs.push(id) },
  });
  for (const id of [1, 2, 3]) await client.publish("jobs", "x", { id });
  await waitFor(() => runs.length === 2, { what: "the second run" });
  await vhost.waitForCounts("work", { ready: 1, consumers: 0 });
  expect(stateOf(warren)?.consumer).toBe("paused");
  await warren.stop();
  expect(runs).toEqual([1, 2]);
});

test("as many runs are under way as the queue may have, also where the rate lets fewer be sent ahead", async ({
  vhost,
  client,
}) => {
  const { opened, open } = gate();
  let runs = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("rate: 20/s, concurrency: 30"),
    handlers: {
      work: async () => {
        runs += 1;
        await opened;
      },
    },
  });
  expect(warren.topology.queues.work?.prefetch).toBe(20);
  await Promise.all(Array.from({ length: 40 }, (_, id) => client.publish("jobs", "x", { id })));
  await waitFor(() => runs === 30, { what: "thirty runs" });
  expect(stateOf(warren)).toMatchObject({ consumer: "live", inFlight: 30 });
  open();
  await waitFor(() => runs === 40, { what: "all runs" });
  expect(await warren.stop()).toBe(true);
  expect(await vhost.queueCounts("work")).toMatchObject({ ready: 0 });
});

test("a rate that changes, or goes, is in force at once", async ({ vhost, client }) => {
  const runs: number[] = [];
  const work = ({ id }: Job) => void runs.push(id);
  const files = { url: vhost.url, topology: topologyOf("rate: 1/h"), handlers: { work } };
  const warren = await startRunner(files);
  for (const id of [1, 2, 3]) await client.publish("jobs", "x", { id });
  await vhost.waitForCounts("work", { ready: 2, consumers: 0 });
  const topology = await loadTopology({ ...files, topology: topologyOf("concurrency: 3") });
  await warren.runner.update({ ok: true, topology });
  await waitFor(() => runs.length === 3, { what: "all runs" });
  await warren.stop();
});
