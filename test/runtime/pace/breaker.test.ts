import { Reject, Retry } from "../../../src/handler.ts";
import { startRunner, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

type Job = { readonly id: number };

const topologyOf = (queue: string) => `
defaults: { retry: none, deadLetter: dead }
exchanges:
  jobs: { type: topic, events: ["job.*"] }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "job.done": { type: "object", properties: { id: { type: "integer" } } },
};

const stateOf = ({ runner }: TestRunner) => runner.status().queues.work;
const linesOf = ({ log }: TestRunner) =>
  log.flatMap(({ message }) => (message.startsWith("breaker") ? [message] : []));

const kinds = ["type: quorum", "type: classic", "type: quorum, ordered: true"];

for (const kind of kinds) {
  test(`a breaker opens once enough runs have failed, tries one at a time, and closes (${kind})`, async ({
    vhost,
    client,
  }) => {
    let isBroken = true;
    const runs: number[] = [];
    const breaker = "breaker: { failureRate: 1, window: 3, pause: 400ms }, retry: [100ms]";
    const warren = await startRunner({
      url: vhost.url,
      topology: topologyOf(`${kind}, ${breaker}`),
      events,
      handlers: {
        work: ({ id }: Job) => {
          runs.push(id);
          if (isBroken) throw new Error("not now");
        },
      },
    });
    for (let id = 0; id < 3; id++) await client.publish("jobs", "job.done", { id });
    await waitFor(() => stateOf(warren)?.breaker === "open", { what: "the breaker to open" });
    for (let id = 3; id < 40; id++) await client.publish("jobs", "job.done", { id });
    const state = () => linesOf(warren).filter((line) => line.includes("half-open")).length;
    await waitFor(() => state() >= 2, { what: "the second try" });
    await waitFor(() => stateOf(warren)?.breaker === "open", { what: "its failure" });
    expect(stateOf(warren)).toMatchObject({
      consumer: "paused",
      pauses: [{ reason: "its breaker is open: the message that was tried has failed" }],
    });
    expect((await warren.get("/readyz")).status).toBe(200);
    const failed = runs.length;
    isBroken = false;
    // Handled once after all, or dead after its two attempts.
    const ended = async () =>
      runs.length - failed + ((await vhost.queueCounts("dead_letters"))?.ready ?? 0);
    await waitFor(async (seen) => seen(await ended()) >= 40, { what: "the end of all" });
    await waitFor(() => stateOf(warren)?.breaker === "closed", { what: "the breaker to close" });
    expect(await warren.stop()).toBe(true);
    // In order, so that each try counts: three runs open it, and one each after.
    const lines = linesOf(warren);
    expect(lines.slice(0, 5)).toEqual([
      "breaker open: queue paused",
      "breaker half-open: one message is tried",
      "breaker open: queue paused",
      "breaker half-open: one message is tried",
      "breaker open: queue paused",
    ]);
    expect(lines.at(-1)).toBe("breaker closed: queue goes on");
    const handled = runs.slice(failed);
    const dead = (await client.peek("dead_letters")).map(
      ({ body }) => (JSON.parse(body) as Job).id,
    );
    expect([...handled, ...dead].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, id) => id),
    );
  });
}

test("what says nothing of the handler does not count: Reject, invalid messages, successes", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("breaker: { failureRate: 0.5, window: 2, pause: 1h }"),
    events,
    handlers: {
      work: ({ id }: Job) => {
        if (id === 1) throw new Reject("no");
        if (id === 2) throw new Retry({ after: 1_000 });
      },
    },
  });
  for (const id of [1, 1, 0, 1, 0, 1]) await client.publish("jobs", "job.done", { id });
  for (let n = 0; n < 4; n++) await client.publish("jobs", "job.done", { id: "no number" });
  for (let n = 0; n < 4; n++) await client.publish("jobs", "job.done", "no JSON");
  await vhost.waitForCounts("dead_letters", { ready: 12 });
  await waitFor(() => stateOf(warren)?.inFlight === 0, { what: "the end" });
  expect(stateOf(warren)?.breaker).toBe("closed");
  // Of two runs one that fails is half.
  await client.publish("jobs", "job.done", { id: 2 });
  await waitFor(() => stateOf(warren)?.breaker === "open", { what: "the breaker to open" });
  const metrics = (await warren.get("/metrics")).body.text;
  expect(metrics).toContain('warren_queue_breaker_open{queue="work"} 1');
  expect(metrics).toContain('warren_queue_paused{queue="work"} 1');
  await warren.stop();
});

test("the pause of a breaker doubles with each try that fails, up to ten times, and begins anew once it was closed", async ({
  vhost,
  client,
}) => {
  let isBroken = true;
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("breaker: { failureRate: 1, window: 1, pause: 100ms }"),
    events,
    handlers: {
      work: () => {
        if (isBroken) throw new Error("not now");
      },
    },
  });
  const pausesMs = () =>
    warren.log.flatMap(({ message, pauseMs }) =>
      message === "breaker open: queue paused" ? [pauseMs] : [],
    );
  for (let id = 0; id < 6; id++) await client.publish("jobs", "job.done", { id });
  await waitFor(() => pausesMs().length === 6, { what: "the fifth try that fails" });
  isBroken = false;
  await client.publish("jobs", "job.done", { id: 6 });
  await waitFor(() => stateOf(warren)?.breaker === "closed", { what: "the breaker to close" });
  isBroken = true;
  await client.publish("jobs", "job.done", { id: 7 });
  await waitFor(() => stateOf(warren)?.breaker === "open", { what: "the breaker to open again" });
  expect(pausesMs()).toEqual([100, 200, 400, 800, 1_000, 1_000, 100]);
  await warren.stop();
});

test("the defaults' rate and breaker are those of each queue that does not say none", async ({
  vhost,
  client,
}) => {
  const breaker = "{ failureRate: 1, window: 1, pause: 1h }";
  const warren = await startRunner({
    url: vhost.url,
    topology: `
defaults: { retry: none, deadLetter: none, rate: 500/s, breaker: ${breaker} }
exchanges:
  jobs: { type: topic }
queues:
  inherits: { bind: { jobs: "#" }, handler: fail }
  other: { bind: { jobs: "#" }, handler: fail, breaker: none, rate: none }
  parked: { bind: { jobs: "#" }, handler: none }
  leaving: { type: classic, autoDelete: true, bind: { jobs: "#" }, handler: fail, allowLoss: true }
`,
    handlers: {
      fail: () => {
        throw new Error("no");
      },
    },
  });
  const { queues } = warren.topology;
  const rates = Object.values(queues).map(({ name, ratePerHour }) => [name, ratePerHour]);
  expect(Object.fromEntries(rates)).toEqual({
    inherits: 500 * 3_600,
    other: null,
    parked: null,
    leaving: null,
  });
  const breakers = () => {
    const { inherits, other, leaving } = warren.runner.status().queues;
    return [inherits, other, leaving].map((queue) => queue?.breaker);
  };
  expect(breakers()).toEqual(["closed", null, null]);
  for (let id = 0; id < 3; id++) await client.publish("jobs", "x", { id });
  for (const queue of ["other", "leaving"]) await vhost.waitForCounts(queue, { ready: 0 });
  await waitFor(() => breakers()[0] === "open", { what: "the inherited breaker to open" });
  expect(breakers()).toEqual(["open", null, null]);
  await warren.stop();
});
