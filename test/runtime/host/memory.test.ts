import { setTimeout as delay } from "node:timers/promises";
import type { Project, ProjectFiles } from "../../support/project.ts";
import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded, type ThreadedRunner } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openHost, withoutBroker } from "./hosting.ts";
import { pause, topology } from "./jobs.ts";

const patient = topology.replace("timeout: 1s", "timeout: 20s");
const turn = "await new Promise((resolve) => setImmediate(resolve));";

const idle = (warren: ThreadedRunner) =>
  waitFor(
    () => Object.values(warren.runner.status().queues).every(({ inFlight }) => inFlight === 0),
    { what: "the end of all runs" },
  );

/** How much more memory this process has taken at most. */
function watchMemory() {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 10);
  return {
    end: () => {
      clearInterval(timer);
      return most - before;
    },
  };
}

test.for([
  { name: "Buffers", grow: "all.push(Buffer.alloc(2 ** 20, 1));" },
  { name: "objects", grow: "all.push(Array.from({ length: 10_000 }, (_, n) => ({ n })));" },
])(
  "a handler that grows by $name, and lets others run meanwhile, ends as a dead letter of its own",
  { timeout: 60_000 },
  async ({ grow }, { vhost, client }) => {
    const warren = await startThreaded({
      url: vhost.url,
      topology: patient,
      handlers: {
        work: handlerText(`const all: unknown[] = []; for (;;) { ${grow} ${turn} }`),
        other: handlerText(`${pause(50)} log.info({ n: event.n, attempt }, "other");`),
      },
    });
    const memory = watchMemory();
    await client.publish("jobs", "x", {});
    let sent = 0;
    const isDead = async () => {
      await client.publish("others", "x", { n: sent++ });
      return (await vhost.queueCounts("dead_letters"))?.ready === 1;
    };
    await waitFor(isDead, { what: "the dead letter", timeoutMs: 45_000 });
    await waitFor(() => warren.logged("other").length >= sent, { what: "the other queue" });
    await idle(warren);
    const most = memory.end();
    await warren.stop();
    expect((await client.get("dead_letters"))?.headers).toMatchObject({
      "x-warren-reason": "handler-crash",
      "x-warren-error": expect.stringMatching(/3 times, at last: out of memory/),
      "x-warren-attempts": 1,
    });
    expect(new Set(warren.logged("other").map(({ attempt }) => attempt))).toEqual(new Set([1]));
    console.log(`${Math.round(most / 2 ** 20)} MiB at most`);
    expect(most).toBeLessThan(1024 * 1024 * 1024);
  },
);

test("what a handler has dropped does not count, be it objects or Buffers", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: patient,
    handlers: {
      work: handlerText(`
        for (const end = Date.now() + 3_000; Date.now() < end; ) {
          Array.from({ length: 30 }, () => Buffer.alloc(2 ** 20, 1));
          Array.from({ length: 10_000 }, (_, n) => ({ n }));
          ${turn}
        }
        log.info({ attempt }, "done");`),
      other: handlerText(""),
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("done").length > 0, { what: "its end" });
  await idle(warren);
  const { restarts } = warren.runner.status().handlers;
  await warren.stop();
  expect({ restarts, runs: warren.logged("done") }).toMatchObject({
    restarts: 0,
    runs: [{ attempt: 1 }],
  });
});

test("a thread that is replaced and goes on growing is ended, and what it still had runs again", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: patient,
    handlers: {
      work: handlerText(
        "setInterval(() => kept.push(Buffer.alloc(2 ** 20, 1)), 20);",
        "const kept: Buffer[] = [];",
      ),
      other: handlerText(`
        log.info({}, "begun");
        ${pause(5_000)}
        log.info({ attempt }, "other");`),
    },
  });
  await client.publish("others", "x", {});
  await waitFor(() => warren.logged("begun").length === 1, { what: "the other's start" });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("other").length > 0, { what: "its end" });
  await idle(warren);
  await warren.stop();
  const happened = warren.log.map(({ message }) => message);
  const [replaced, died] = ["the handlers' thread is replaced", "the handlers' thread died"].map(
    (message) => happened.indexOf(message),
  );
  expect(replaced).toBeGreaterThan(-1);
  expect(died).toBeGreaterThan(Number(replaced));
  expect(warren.logged("begun")).toHaveLength(2);
  expect(warren.logged("other")).toMatchObject([{ attempt: 1 }]);
  expect(await vhost.queueCounts("dead_letters")).toMatchObject({ ready: 0 });
});

test("no message is guilty of what its module keeps of each", { timeout: 60_000 }, async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: patient.replace("memory: 64MiB", "memory: 64MiB, crashes: 1"),
    handlers: {
      work: handlerText(
        `kept.push(Buffer.alloc(25 * 2 ** 20, 1)); ${pause(500)} log.info({ n: event.n, attempt }, "kept");`,
        "const kept: Buffer[] = [];",
      ),
      other: handlerText(""),
    },
  });
  for (let n = 0; n < 10; n++) await client.publish("jobs", "x", { n });
  const seen = () => new Set(warren.logged("kept").map(({ n }) => n)).size;
  await waitFor(() => seen() === 10, { what: "all" });
  await idle(warren);
  await warren.stop();
  expect(new Set(warren.logged("kept").map(({ attempt }) => attempt))).toEqual(new Set([1]));
  expect(warren.log.some(({ message }) => message === "the handlers' thread died")).toBe(true);
  expect(await vhost.queueCounts("dead_letters")).toMatchObject({ ready: 0 });
});

test("a thread whose modules alone take much is no better replaced", async ({ createProject }) => {
  const { host, topology: loaded, log } = await openWith(createProject, 45);
  const prepared = await host.prepare(loaded);
  if (prepared.ok) prepared.activate();
  await delay(2_000);
  const { restarts } = host.status();
  await host.stop();
  expect({ isOk: prepared.ok, restarts, log }).toEqual({ isOk: true, restarts: 0, log: [] });
});

test("modules that alone take more than a thread may have are not taken", async ({
  createProject,
}) => {
  const { host, topology: loaded } = await openWith(createProject, 80);
  const prepared = await host.prepare(loaded);
  await host.stop();
  const reason = /^every handler: their modules keep \d+ bytes alive, worker.memory is 67108864$/;
  expect(prepared).toMatchObject({
    ok: false,
    problems: [{ code: "bad-handler", message: expect.stringMatching(reason) }],
  });
});

/** A host whose module keeps so much. */
async function openWith(
  createProject: (files: ProjectFiles) => Promise<Project>,
  mebibytes: number,
) {
  const keep = `const kept = Buffer.alloc(${mebibytes} * 2 ** 20, 1);`;
  const project = await createProject({
    topology: withoutBroker(topology),
    handlers: { work: handlerText("return kept;", keep), other: handlerText("") },
  });
  return openHost(project);
}
