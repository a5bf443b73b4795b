import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded, type ThreadedRunner } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { pause, topology } from "./jobs.ts";

const nothing = handlerText("");
/** A module's first lines: which thread it is. */
const threadId = 'import { threadId } from "node:worker_threads";';

const idle = (warren: ThreadedRunner) =>
  waitFor(
    () => Object.values(warren.runner.status().queues).every(({ inFlight }) => inFlight === 0),
    {
      what: "the end of all runs",
    },
  );

test("a handler that blocks for two heartbeats leaves the connection up, and is no failure below its limit", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    heartbeat: "2s",
    topology: topology.replace("blocked: 1s", "blocked: 10s"),
    handlers: {
      work: handlerText(
        `for (const end = Date.now() + 5_000; Date.now() < end; ); log.info({ attempt }, "done");`,
      ),
      other: nothing,
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("done").length > 0, { what: "its end" });
  await idle(warren);
  const { connections, handlers, mainLoop } = warren.runner.status();
  await warren.stop();
  expect(warren.logged("done")).toMatchObject([{ attempt: 1 }]);
  expect(connections.consume).toMatchObject({ state: "ready", lastFailure: null });
  expect(handlers.restarts).toBe(0);
  // It turned all the time, as /health shows: the handler blocked five seconds.
  expect(mainLoop.maxMs).toBeLessThan(2_500);
});

test("time in which another handler held the thread is not counted", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("blocked: 1s", "blocked: 5s"),
    handlers: {
      work: handlerText(`${pause(700)} log.info({ attempt }, "waited");`),
      other: handlerText("for (const end = Date.now() + 2_000; Date.now() < end; );"),
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 1, { what: "its start" });
  await client.publish("others", "x", {});
  await waitFor(() => warren.logged("waited").length > 0, { what: "its end" });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("waited")).toMatchObject([{ attempt: 1 }]);
});

test("a handler past its time publishes nothing any more, whatever it keeps for it", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: {
      work: handlerText(`
        if (attempt === 2) return;
        signal.addEventListener("abort", async () => {
          const late = await publish("others", "late", {}).catch((error: Error) => error.message);
          log.info({ late }, "late");
        });
        ${pause(1_500)}`),
      other: handlerText('log.info({}, "arrived");'),
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("late").length > 0, { what: "its try" });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("late")).toMatchObject([
    { late: "the handler's run is over: it can't publish any more" },
  ]);
  expect(warren.logged("arrived")).toEqual([]);
  expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
});

test("a thread whose handler does not let go is replaced, and finishes what else it has", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("handler: other", "handler: other, timeout: 1m"),
    handlers: {
      work: handlerText(
        `log.info({ threadId }, "begun"); if (event.hang) await new Promise(() => {});`,
        threadId,
      ),
      other: handlerText(
        `while (!existsSync(gate)) { ${pause(20)} } log.info({ threadId, attempt }, "finished");`,
        `${threadId}
import { existsSync } from "node:fs";
const gate = new URL("gate", import.meta.url);`,
      ),
    },
  });
  await client.publish("others", "x", {});
  await client.publish("jobs", "x", { hang: true });
  await waitFor(() => warren.logged("begun").length > 0, { what: "its start" });
  const first = warren.logged("begun")[0]?.threadId;
  await waitFor(() => warren.runner.status().handlers.restarts === 1, { what: "the replacement" });
  await waitFor(() => warren.runner.status().handlers.finishing === 1, {
    what: "the old to finish",
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("begun").some(({ threadId }) => threadId !== first), {
    what: "a run on the new thread",
  });
  await warren.project.write("src/handlers/gate", "");
  await waitFor(() => warren.logged("finished").length === 1, { what: "the other's end" });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("finished")).toMatchObject([{ threadId: first, attempt: 1 }]);
  expect(warren.runner.status().handlers.finishing).toBe(0);
});

test("an ordered queue goes on only when the handler that does not let go has ended", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace(
      "handler: work, concurrency: 10",
      "handler: work, ordered: true, timeout: 500ms, retry: none",
    ),
    handlers: {
      work: handlerText(`
        log.info({ n: event.n }, "begun");
        if (event.n === 1) for (;;) { ${pause(20)} log.info({}, "still here"); }`),
      other: nothing,
    },
  });
  for (const n of [1, 2]) await client.publish("jobs", "x", { n });
  await waitFor(() => warren.logged("begun").length === 2, { what: "the next" });
  const { length } = warren.logged("still here");
  await idle(warren);
  await warren.stop();
  expect(length).toBeGreaterThan(0);
  expect(warren.log.findLastIndex(({ message }) => message === "still here")).toBeLessThan(
    warren.log.findIndex(({ message, n }) => message === "begun" && n === 2),
  );
});

// Before the next one, which would leave this process memory that it need not take any more.
test("a handler that only makes garbage, without a pause, is left alone", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("blocked: 1s", "blocked: 1m").replace("timeout: 1s", "timeout: 1m"),
    handlers: {
      work: handlerText(
        `
        const text = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => ({ n, s: "v" + n })));
        // With what it had before, more than it may have.
        const much = before + 48 * 1024 * 1024;
        // What dies at once is swept away at once, and never is much.
        const recent = [];
        const began = Date.now();
        let isMuch = false;
        while (Date.now() < began + 4_000 || (!isMuch && Date.now() < began + 30_000)) {
          recent.push(JSON.parse(text));
          if (recent.length > 8) recent.shift();
          isMuch ||= process.memoryUsage.rss() > much;
        }
        log.info({ attempt, isMuch }, "done");`,
        "const before = process.memoryUsage.rss();",
      ),
      other: nothing,
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("done").length > 0, { what: "its end" });
  await idle(warren);
  const { restarts } = warren.runner.status().handlers;
  await warren.stop();
  expect({ restarts, runs: warren.logged("done") }).toMatchObject({
    restarts: 0,
    runs: [{ attempt: 1, isMuch: true }],
  });
});

test("a handler that keeps what it is given has its thread replaced before the memory is gone", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: {
      work: handlerText(
        `kept.push(new Array(131_072).fill(0.5)); ${pause(50)} log.info({ n: event.n, attempt }, "kept");`,
        "const kept: number[][] = [];",
      ),
      other: nothing,
    },
  });
  const before = process.memoryUsage.rss();
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss() - before);
  }, 10);
  for (let n = 0; n < 400; n++) await client.publish("jobs", "x", { n });
  const seen = () => new Set(warren.logged("kept").map(({ n }) => n)).size;
  await waitFor(() => seen() === 400, { what: "all" });
  await idle(warren);
  clearInterval(watch);
  const { restarts } = warren.runner.status().handlers;
  await warren.stop();
  const attempts = warren.logged("kept").map(({ attempt }) => attempt);
  expect(new Set(attempts)).toEqual(new Set([1]));
  console.log(`400 MiB kept in threads of 64: at most ${most >> 20} MiB, ${restarts} restarts`);
  expect(restarts).toBeGreaterThanOrEqual(1);
  // At no time more than two threads have their share.
  expect(most).toBeLessThan(300 * 1024 * 1024);
});

test("a thread that ends again and again with nothing to do is started again, ever later", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: {
      work: handlerText(
        'log.info({ attempt }, "done");',
        `import { appendFileSync, readFileSync } from "node:fs";
const starts = new URL("starts", import.meta.url);
appendFileSync(starts, "x");
if (readFileSync(starts).length <= 4) setTimeout(() => (process as any).reallyExit(5), 300);`,
      ),
      other: nothing,
    },
  });
  await waitFor(() => warren.runner.status().handlers.restarts === 4, {
    what: "four restarts",
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("done").length === 1, { what: "it to work" });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("done")).toMatchObject([{ attempt: 1 }]);
});

test("handlers that can't be loaded again are reported, and tried until they can", async ({
  vhost,
  client,
}) => {
  const sound = handlerText(
    'if (event.exit) (process as any).reallyExit(5); log.info({}, "done");',
  );
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: { work: sound, other: nothing },
  });
  await warren.project.write("src/handlers/work.ts", "const a = ;\n");
  await client.publish("jobs", "x", { exit: true });
  await waitFor(() => warren.runner.status().handlers.state === "failing", { what: "the failure" });
  const [problem] = warren.runner.status().handlers.problems;
  expect(problem).toEqual({
    code: "bad-handler",
    message: 'handler "work": SyntaxError: Unexpected ";"',
    at: { file: warren.project.path("src/handlers/work.ts"), line: 1, column: 11 },
  });
  expect((await warren.get("/readyz")).status).toBe(503);
  await warren.project.write("src/handlers/work.ts", sound.replace("event.exit", "false"));
  await waitFor(() => warren.logged("done").length === 1, {
    what: "it to run again",
  });
  await idle(warren);
  await waitFor(async () => (await warren.get("/readyz")).status === 200, { what: "readiness" });
  await warren.stop();
});

test("a handler that stands in something native is ended as well", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("blocked: 1s", "blocked: 1s, crashes: 1"),
    handlers: {
      work: handlerText(
        'execFileSync("sleep", ["5"]);',
        'import { execFileSync } from "node:child_process";',
      ),
      other: handlerText('log.info({ attempt }, "other");'),
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 1, { what: "its start" });
  await client.publish("others", "x", {});
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await waitFor(() => warren.logged("other").length === 1, { what: "the other queue" });
  await idle(warren);
  await warren.stop();
  expect((await client.get("dead_letters"))?.headers).toMatchObject({
    "x-warren-reason": "handler-crash",
    "x-warren-error": "the handler ended its thread once, at last: blocked for 1000 ms",
  });
});

test("what can't be sent is the handler's mistake, and no other's", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: {
      work: handlerText(`
        if (event.bad) await publish("others", "x", {}, { headers: { no: () => 1 } });
        else await publish("others", "x", { n: 1 }, { headers: { yes: 1 } });`),
      other: handlerText('log.info({ yes: message.headers.yes }, "arrived");'),
    },
  });
  for (const bad of [true, false]) await client.publish("jobs", "x", { bad });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await waitFor(() => warren.logged("arrived").length === 1, { what: "the good one" });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("arrived")).toMatchObject([{ yes: 1 }]);
  const [dead] = await client.peek("dead_letters");
  expect(dead?.body).toBe('{"bad":true}');
  expect(dead?.headers["x-warren-error"]).toMatch(/malformed/);
});

test("a thousand throwing handlers close no channel", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("handler: work", "handler: work, retry: none"),
    handlers: { work: handlerText('throw new Error("no");'), other: nothing },
  });
  const bodies = Array.from({ length: 1_000 }, (_, n) => Buffer.from(JSON.stringify({ n })));
  for (const body of bodies) client.channel.publish("jobs", "x", body);
  await client.channel.waitForConfirms();
  await vhost.waitForCounts("dead_letters", { ready: 1_000 });
  await idle(warren);
  const { connections, handlers } = warren.runner.status();
  await warren.stop();
  expect(connections.consume.lastFailure).toBeNull();
  expect(handlers.restarts).toBe(0);
  const lost = warren.log.filter(({ message }) => message === "not consumed: trying again");
  expect(lost).toEqual([]);
});

test("a handler that logs without end buries nobody", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("blocked: 1s", "blocked: 1s, crashes: 1"),
    handlers: { work: handlerText('for (;;) log.info({}, "again");'), other: nothing },
  });
  await client.publish("jobs", "x", {});
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("again")).toHaveLength(1_000);
});

test("a handler may publish more at once than can be under way", async ({ vhost, client }) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology: topology.replace("timeout: 1s", "timeout: 1m"),
    handlers: {
      work: handlerText(`
        const all = Array.from({ length: 5_000 }, (_, n) => publish("others", "x", { n }));
        await Promise.all(all);
        log.info({ attempt }, "published");`),
      other: handlerText('log.info({ n: event.n }, "arrived");'),
    },
  });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.logged("arrived").length >= 5_000, { what: "all" });
  await idle(warren);
  await warren.stop();
  expect(warren.logged("published")).toMatchObject([{ attempt: 1 }]);
  expect(new Set(warren.logged("arrived").map(({ n }) => n)).size).toBe(5_000);
});
