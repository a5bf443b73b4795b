import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { startProxy } from "../support/proxy.ts";
import { createRandom } from "../support/random.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import {
  handlers,
  linesOf,
  post,
  QUEUES,
  readyUrl,
  stopMs,
  topologyOf,
  untilHandled,
} from "./jobs.ts";

test("/readyz says 503 at once, and HTTP is served for the delay", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const topology = topologyOf(vhost.url, "drain: { delay: 5s }");
  const running = startCli(await createProject({ topology, handlers }), ["start"]);
  const url = await readyUrl(running);
  const readiness = async () => (await fetch(`${url}/readyz`, { headers })).status;
  const headers = { connection: "close" };
  expect(await readiness()).toBe(200);
  running.kill("SIGTERM");
  await running.waitForLine(/"msg":"stopping"/);
  expect(await readiness()).toBe(503);
  expect(await post(url, { id: 1 })).toBe(202);
  expect(await running.exit).toBe(0);
  expect(stopMs(running)).toBeGreaterThan(4_900);
  expect(await post(url, { id: 2 })).toBe(null);
});

test("a request under way is answered, once the broker has confirmed its message", async ({
  vhost,
  createProject,
  startCli,
}) => {
  let sent = "";
  const fromClient = (chunk: Buffer) => {
    sent += chunk.toString("latin1");
  };
  const openTap = () => ({ fromClient, fromTarget: () => undefined, ended: () => undefined });
  const proxy = await startProxy(Number(new URL(vhost.url).port || 5672), { openTap });
  // No heartbeat, behind which the message would wait in the proxy unseen.
  const topology = topologyOf(proxy.url(vhost.url), "", "60s");
  const running = startCli(await createProject({ topology, handlers }), ["start"]);
  const url = await readyUrl(running);
  // The first message opens the channel.
  expect(await post(url, { id: 1 })).toBe(202);
  proxy.stall();
  const answer = post(url, { id: 2 });
  await waitFor(() => sent.includes('{"id":2}'), { what: "the message to be sent" });
  running.kill("SIGTERM");
  await running.waitForLine(/"msg":"stopping"/);
  proxy.resume();
  expect(await answer).toBe(202);
  expect(await running.exit).toBe(0);
  await proxy.close();
});

test("a stop while it still connects, or still loads, ends it at once with 0", async ({
  vhost,
  proxy,
  createProject,
  startCli,
}) => {
  proxy.stall();
  const topology = topologyOf(proxy.url(vhost.url));
  const connecting = startCli(await createProject({ topology, handlers }), ["start"]);
  await waitFor(() => proxy.connections > 0, { what: "a connection" });
  const loading = await createProject({
    topology,
    handlers: {
      work: 'import { writeFileSync } from "node:fs";\nwriteFileSync("loading", "");\nawait new Promise(() => setInterval(() => {}, 1_000));\n',
    },
  });
  const second = startCli(loading, ["start"]);
  await waitFor(() => existsSync(loading.path("loading")), {
    what: "it to load",
  });
  const begin = performance.now();
  connecting.kill("SIGTERM");
  second.kill("SIGTERM");
  expect(await Promise.all([connecting.exit, second.exit])).toEqual([0, 0]);
  // Either would take ten seconds by itself.
  expect(performance.now() - begin).toBeLessThan(8_000);
});

test("past the time for everything the rest is cut off, with exit 1, and comes again", async ({
  vhost,
  client,
  createProject,
  startCli,
}) => {
  const topology = topologyOf(vhost.url, "drain: { timeout: 1s }");
  const project = await createProject({ topology, handlers });
  const running = startCli(project, ["start"]);
  await readyUrl(running);
  await client.publish("jobs", "x", { id: 1, ms: 20_000 });
  await waitFor(async () => (await linesOf(project)).length === 2, { what: "both runs" });
  running.kill("SIGTERM");
  expect(await running.exit).toBe(1);
  expect(stopMs(running)).toBeGreaterThan(900);
  // The handlers would take twenty.
  expect(stopMs(running)).toBeLessThan(5_000);
  for (const queue of QUEUES) await vhost.waitForCounts(queue, { ready: 1 });
});

/** Enough to meet the moments between two steps; WARREN_STOPS says how many for a longer search. */
const STOPS = Number(process.env.WARREN_STOPS ?? 8);

test(
  `${STOPS} stops at any moment under load lose nothing, and repeat nothing`,
  async ({ vhost, client, createProject, startCli, runCli }) => {
    const project = await createProject({ topology: topologyOf(vhost.url), handlers });
    expect((await runCli(project, ["apply"])).exit).toBe(0);
    const seed = Date.now() % 100_000;
    const random = createRandom(seed);
    const accepted: number[] = [];
    const ends: (number | string)[] = [];
    let [lastId, left, isOver] = [0, STOPS, false];
    const publish = async () => {
      for (; !isOver; await delay(10)) {
        const id = ++lastId;
        await client.publish("jobs", "x", { id });
        accepted.push(id);
      }
    };
    const lane = async () => {
      while (left-- > 0) {
        const running = startCli(project, ["start"]);
        const url = await readyUrl(running);
        const stopping = delay(random.below(600)).then(() => running.kill("SIGTERM"));
        while (running.isRunning) {
          const id = ++lastId;
          if ((await post(url, { id })) === 202) accepted.push(id);
        }
        await stopping;
        ends.push(await running.exit);
      }
    };
    const publishing = publish();
    try {
      // No more at a time: handlers have ten seconds to load, also on a machine that is busy.
      await Promise.all([lane(), lane()]);
    } finally {
      isOver = true;
      await publishing;
    }

    const last = startCli(project, ["start"]);
    await readyUrl(last);
    await untilHandled(project, accepted);
    last.kill("SIGTERM");
    expect(await last.exit).toBe(0);
    expect(ends).toEqual(Array.from({ length: STOPS }, () => 0));
    const lines = await linesOf(project);
    expect(lines.filter((line, index) => lines.indexOf(line) !== index)).toEqual([]);
    console.log(
      `stops: seed ${seed}, ${STOPS} stops, ${accepted.length} accepted, 0 lost, 0 repeated`,
    );
  },
  60_000 + STOPS * 10_000,
);
