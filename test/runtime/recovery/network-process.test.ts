/** What a machine does to the process: a wrong clock, too few files. */
import { readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { limitResource, type RunningProcess } from "../../support/processes.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

const topology = (url: string) => `version: 1
project: test
broker: { url: "${url}", heartbeat: 5s }
http: { port: 0 }
defaults: { retry: [3s, 3s], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, timeout: 20s }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

test("a clock that jumps an hour ahead and back changes no attempt, delay or time limit", async ({
  vhost,
  client,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topology(vhost.url),
    handlers: {
      work: `import { setTimeout } from "node:timers/promises";
import { defineHandler } from "warren";
export default defineHandler<never>(async ({ id, ms }, { attempt, log }) => {
  const at = Number(process.hrtime.bigint()) / 1e6;
  log.info({ id, attempt, at, hour: new Date().getUTCHours() }, "begun");
  await setTimeout(ms);
  if (id === "poison") throw new Error("always");
  log.info({ id, attempt }, "ended");
});
`,
    },
  });
  const setClock = (hours: number) => project.write("skew", String(hours * 3_600_000));
  await setClock(0);
  const skew = fileURLToPath(new URL("../../fixtures/skew.cjs", import.meta.url));
  const env = { NODE_OPTIONS: `--require ${skew}`, SKEW_FILE: project.path("skew") };
  const running = startCli(project, ["start"], { env });
  const url = await readyUrl(running);
  const begun = (id: string) => linesOf(running, "begun").filter((line) => line.id === id);
  const publish = async (id: string, ms: number) => {
    const { routed } = await client.publish("jobs", "x", { id, ms }, { messageId: id });
    expect(routed).toBe(true);
  };
  // Long enough for all the jumps, each of which is longer than its time limit.
  await publish("slow", 8_000);
  await publish("poison", 0);
  for (const [index, hours] of [1, -1, 0].entries()) {
    await waitFor((seen) => seen(begun("poison")).length === index + 1, { what: "an attempt" });
    await setClock(hours);
    expect(await statusOf(url)).toBe(200);
  }
  await waitFor((seen) => seen(linesOf(running, "ended")).length === 1, { what: "the slow one" });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  running.kill("SIGTERM");
  expect(await running.exit).toBe(0);
  expect(begun("poison").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(begun("slow").map(({ attempt }) => attempt)).toEqual([1]);
  // The clock that the handlers saw was wrong indeed.
  expect(new Set(begun("poison").map(({ hour }) => hour)).size).toBe(3);
  const [first = 0, second = 0, third = 0] = begun("poison").map(({ at }) => Number(at));
  expect(Math.min(second - first, third - second)).toBeGreaterThan(2_900);
  expect(linesOf(running, "connection lost")).toEqual([]);
});

test("a start in front of a broker that says nothing ends by the deadline, with exit 1", async ({
  vhost,
  proxy,
  createProject,
  runCli,
}) => {
  const project = await createProject({
    topology: topology(proxy.url(vhost.url)),
    handlers: {
      work: `import { defineHandler } from "warren";
export default defineHandler<never>(() => undefined);
`,
    },
  });
  proxy.stall();
  const began = performance.now();
  const { exit, stderr } = await runCli(project, ["start"]);
  expect({ exit, stderr }).toMatchObject({
    exit: 1,
    stderr: expect.stringMatching(/connection-failed.*no handshake within 10000 ms/),
  });
  // The deadline of the handshake, and the time to load on a busy machine.
  expect(performance.now() - began).toBeLessThan(40_000);
});

test.skipIf(process.platform !== "linux")(
  "a process without a file to open waits for one, not ready, and goes on when it has it",
  async ({ user, vhost, client, createProject, startCli }) => {
    const project = await createProject({
      topology: topology(user.url),
      handlers: {
        work: `import { defineHandler } from "warren";
export default defineHandler<never>(({ id }, { attempt, log }) => log.info({ id, attempt }, "run"));
`,
      },
    });
    const running = startCli(project, ["start"]);
    const url = await readyUrl(running);
    // A connection from before, since there will be none to ask over.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await statusOf(url, agent)).toBe(200);
    await untilSteady(running);
    // Those below are open for good, so it can open none, whatever it closes.
    await limitResource(running.pid, "nofile", "8");
    await user.closeConnections();
    const reasons = () => linesOf(running, "not connected yet").map(({ reason }) => String(reason));
    await waitFor((seen) => seen(reasons()).some((reason) => reason.includes("EMFILE")), {
      what: "EMFILE to be said",
    });
    expect(await statusOf(url, agent)).toBe(503);
    await client.publish("jobs", "x", { id: "meanwhile" });
    await limitResource(running.pid, "nofile", "1024");
    await waitFor(async (seen) => seen(await statusOf(url, agent)) === 200, {
      what: "readiness",
    });
    await waitFor((seen) => seen(linesOf(running, "run")).length === 1, { what: "the message" });
    agent.destroy();
    running.kill("SIGTERM");
    expect(await running.exit).toBe(0);
    expect(linesOf(running, "run")).toMatchObject([{ id: "meanwhile", attempt: 1 }]);
    expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
  },
  90_000,
);

/** Waits until it opens no more files: a thread in reserve is started a second after the other. */
async function untilSteady({ pid }: RunningProcess): Promise<void> {
  let count = -1;
  let since = 0;
  await waitFor(
    (seen) => {
      const now = seen(readdirSync(`/proc/${pid}/fd`).length);
      if (now !== count) since = performance.now();
      count = now;
      return performance.now() - since > 4_000;
    },
    { what: "its open files to stay the same" },
  );
}

type Line = Readonly<Record<string, unknown>>;

/** Lines of the log with this message. */
function linesOf({ stdout }: RunningProcess, message: string): readonly Line[] {
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === message);
}

async function readyUrl(running: RunningProcess): Promise<string> {
  return (JSON.parse(await running.waitForLine(/"msg":"ready"/)) as { url: string }).url;
}

/** Of /readyz. */
function statusOf(url: string, agent: Agent | false = false): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/readyz`, { agent });
    call.on("error", reject).on("response", (answer) => {
      void text(answer).then(() => resolve(answer.statusCode ?? 0));
    });
    call.end();
  });
}
