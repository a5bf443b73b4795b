import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { Reject } from "../../../src/handler.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

/** One ordered queue that retries twice, and its dead letters. */
const topologyOf = (queue: string) => `
defaults: { retry: [300ms, 100ms], deadLetter: dead }
exchanges:
  jobs: { type: topic, events: ["job.*"] }
  dead: { type: topic }
queues:
  line: { bind: { jobs: "#" }, handler: line, ordered: true, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "job.done": {
    type: "object",
    required: ["id"],
    properties: { id: { type: "string", maxLength: 20 } },
  },
};
type Job = { readonly id: string };
type Run = { readonly run: string; readonly at: number };

const types = ["type: quorum", "type: classic", "type: quorum, prefetch: 5"];

for (const queue of types) {
  test(`a failed message is retried in place, and those behind it wait (${queue})`, async ({
    vhost,
    client,
  }) => {
    const runs: Run[] = [];
    const warren = await startRunner({
      url: vhost.url,
      topology: topologyOf(queue),
      events,
      handlers: {
        line: ({ id }: Job, { attempt }) => {
          runs.push({ run: `${id}${attempt}`, at: performance.now() });
          if (id === "b" && attempt < 3) throw new Error("not yet");
        },
      },
    });
    for (const id of ["a", "b", "c", "d"]) await client.publish("jobs", "job.done", { id });
    await waitFor(() => runs.length === 2, { what: "the first run of b" });
    expect((await warren.get("/readyz")).status).toBe(200);
    await waitFor(() => runs.length === 6, { what: "all runs" });
    await warren.stop();
    expect(runs.map(({ run }) => run)).toEqual(["a1", "b1", "b2", "b3", "c1", "d1"]);
    const [, first, second, third] = runs.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(299);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(99);
    expect(await vhost.queueCounts("line")).toEqual({ ready: 0, consumers: 0 });
    expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
    expect(await vhost.queueCounts("warren.test.retry.300ms")).toBeUndefined();
  });
}

test("a message that has failed for good is a dead letter before the next one starts", async ({
  vhost,
  client,
}) => {
  const runs: string[] = [];
  const parked: number[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("prefetch: 4"),
    events,
    handlers: {
      line: async ({ id }: Job, { attempt }) => {
        runs.push(`${id}${attempt}`);
        parked.push((await vhost.queueCounts("dead_letters"))?.ready ?? -1);
        if (id === "poison") throw new Error(`attempt ${attempt}`);
        if (id === "bad") throw new Reject("never");
      },
    },
  });
  for (const id of ["poison", "bad"]) await client.publish("jobs", "job.done", { id });
  await client.publish("jobs", "job.done", "no JSON");
  await client.publish("jobs", "job.done", { id: "good" });
  await waitFor(() => runs.includes("good1"), { what: "the last message" });
  await warren.stop();
  expect(runs).toEqual(["poison1", "poison2", "poison3", "bad1", "good1"]);
  expect(parked).toEqual([0, 0, 0, 1, 3]);
  const dead = await client.peek("dead_letters");
  expect(
    dead.map(({ headers }) => [headers["x-warren-reason"], headers["x-warren-attempts"]]),
  ).toEqual([
    ["handler-failed", 3],
    ["rejected", 1],
    ["undecodable", 1],
  ]);
});

test("a stop during the wait gives the message back at once, at its place, and counts nothing", async ({
  vhost,
  client,
}) => {
  const runs: string[] = [];
  const files = {
    url: vhost.url,
    topology: topologyOf("retry: [5m], prefetch: 3"),
    events,
    handlers: {
      line: ({ id }: Job, { attempt }: { attempt: number }) => {
        runs.push(`${id}${attempt}`);
        if (runs.length === 1) throw new Error("once");
      },
    },
  };
  const first = await startRunner(files);
  for (const id of ["a", "b", "c", "d"]) await client.publish("jobs", "job.done", { id });
  const isRetried = () => first.log.some(({ message }) => message === "message retried");
  await waitFor(isRetried, { what: "the first failure" });
  expect(await first.stop()).toBe(true);
  await vhost.waitForCounts("line", { ready: 4, consumers: 0 });
  const second = await startRunner(files);
  await waitFor(() => runs.length === 5, { what: "all runs" });
  await second.stop();
  expect(runs).toEqual(["a1", "a1", "b1", "c1", "d1"]);
});

test("attempts are kept when the connection is lost, in the wait and in a run", async ({
  vhost,
  proxy,
  client,
}) => {
  const runs: Run[] = [];
  const { opened, open } = gate();
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology: topologyOf("retry: [1500ms, 100ms]"),
    events,
    handlers: {
      line: async ({ id }: Job, { attempt, message }) => {
        runs.push({
          run: `${id}${attempt}${message.redelivered ? " again" : ""}`,
          at: performance.now(),
        });
        if (runs.length === 2) await opened;
        if (id === "a") throw new Error("always");
      },
    },
  });
  for (const id of ["a", "b"]) await client.publish("jobs", "job.done", { id });
  /** A connection that is cut before it counts as back would be missing. */
  const untilBack = (times: number) =>
    waitFor(
      (seen) => {
        const lines = warren.log.filter(({ message }) => message === "connected again");
        return seen(lines.length) >= 2 * times;
      },
      { what: `both connections to be back, ${times} times` },
    );
  await waitFor(() => runs.length === 1, { what: "the first attempt" });
  proxy.cut();
  await waitFor(() => runs.length === 2, { what: "the second attempt" });
  expect((runs[1]?.at ?? 0) - (runs[0]?.at ?? 0)).toBeGreaterThanOrEqual(1_499);
  await untilBack(1);
  proxy.cut();
  await untilBack(2);
  // The message is here again, and waits for the end of the run that has lost its channel.
  await delay(200);
  expect(runs).toHaveLength(2);
  open();
  await waitFor(() => runs.length === 4, { what: "the next message" });
  await warren.stop();
  expect(runs.map(({ run }) => run)).toEqual(["a1", "a2 again", "a3 again", "b1"]);
  expect((await client.get("dead_letters"))?.headers["x-warren-attempts"]).toBe(3);
});

test("broker trouble counts no attempt, and nothing overtakes the message that is held", async ({
  vhost,
  client,
}) => {
  const runs: string[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("prefetch: 3"),
    events,
    handlers: {
      line: async ({ id }: Job, { attempt, publish }) => {
        runs.push(`${id}${attempt}`);
        if (id === "a") await (publish as (...args: unknown[]) => Promise<void>)("dead", "", {});
      },
    },
  });
  await client.channel.unbindQueue("dead_letters", "dead", "#");
  for (const id of ["a", "b"]) await client.publish("jobs", "job.done", { id });
  await waitFor(() => runs.length === 2, { what: "a second run" });
  await client.channel.bindQueue("dead_letters", "dead", "#");
  await waitFor(() => runs.includes("b1"), { what: "b" });
  await warren.stop();
  expect(runs.slice(0, -1)).toEqual(runs.slice(0, -1).map(() => "a1"));
});

/** Writes a line when a run starts and another when it ends, into a file that all runners share. */
const noting = `import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { defineHandler } from "warren";
export default defineHandler(async ({ id }) => {
  appendFileSync("runs.log", "start " + id + "\\n");
  await setTimeout(2);
  appendFileSync("runs.log", "end " + id + "\\n");
});
`;

for (const queue of ["type: quorum", "type: classic, prefetch: 5"]) {
  test(`runners take over from one another, in order, however they end (${queue})`, async ({
    vhost,
    client,
    createProject,
    startCli,
  }) => {
    const project = await createProject({
      topology: `version: 1
project: test
broker: { url: "${vhost.url}" }
http: { port: 0 }
${topologyOf(queue)}`,
      events,
      handlers: { line: noting },
    });
    const startOne = async () => {
      const running = startCli(project, ["start"]);
      await running.waitForLine("ready");
      return running;
    };
    const lines = async () => (await readFile(project.path("runs.log"), "utf8")).trim().split("\n");
    const untilLines = (count: number) =>
      waitFor(async (seen) => seen((await lines()).length) >= count, {
        what: `${count} lines`,
      });
    const publishFrom = async (start: number) => {
      for (let n = start; n < start + 100; n++) {
        await client.publish("jobs", "job.done", { id: `${n}` });
      }
    };
    // The broker makes the next one active in the order in which they began to consume. Each has
    // messages of its own to be ended among: while one ends, the next may handle all there are.
    const [first, second, third] = [await startOne(), await startOne(), await startOne()];
    const firstEnds = untilLines(100).then(() => first.kill("SIGTERM"));
    await Promise.all([publishFrom(0), firstEnds]);
    expect(await first.exit).toBe(0);
    const secondEnds = untilLines(300).then(() => second.kill("SIGKILL"));
    await Promise.all([publishFrom(100), secondEnds]);
    await publishFrom(200);
    await waitFor(async () => (await lines()).includes("end 299"), {
      what: "the last message",
    });
    third.kill("SIGTERM");
    expect(await third.exit).toBe(0);
    const all = await lines();
    const ids = all
      .filter((line) => line.startsWith("start "))
      .map((line) => Number(line.slice(6)));
    // Kill -9 repeats the message whose ack had not arrived, if there was one; nothing else is.
    const steps = ids.slice(1).map((id, index) => id - (ids[index] ?? 0));
    const others = steps.filter((step) => step !== 1);
    expect([ids[0], ids.at(-1)]).toEqual([0, 299]);
    expect([[], [0], [-1]]).toContainEqual(others);
    const overlaps = all.filter(
      (line, index) => line.startsWith("start ") && all[index + 1]?.startsWith("start "),
    );
    expect(overlaps.length).toBeLessThanOrEqual(others.length);
  });
}
