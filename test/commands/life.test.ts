import { execFile, spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { startProcess } from "../support/processes.ts";
import { warrenCommand } from "../support/project.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { handlers, linesOf, post, QUEUES, readyUrl, topologyOf, untilHandled } from "./jobs.ts";

/** Publishes one message after another, also while nobody answers. */
function load(url: () => string) {
  const accepted: number[] = [];
  let [lastId, isOver] = [0, false];
  const loop = async () => {
    while (!isOver) {
      const id = ++lastId;
      if ((await post(url(), { id, ms: 20 })) === 202) accepted.push(id);
      else await delay(20);
    }
  };
  const loops = [loop(), loop()];
  const more = async (count: number) => {
    const before = accepted.length;
    await waitFor(() => accepted.length >= before + count, { what: "load" });
  };
  const end = async () => {
    isOver = true;
    await Promise.all(loops);
  };
  return { accepted, more, end };
}

/** Runs that ended well more than once. */
function repeated(lines: readonly string[]): number {
  const ends = lines
    .filter((line) => line.startsWith("end "))
    .map((line) => line.replace(/ \d+$/, ""));
  return ends.length - new Set(ends).size;
}

test("a runner killed under load leaves everything to the next one", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers });
  let running = startCli(project, ["start"]);
  let url = await readyUrl(running);
  const { accepted, more, end } = load(() => url);
  for (let kill = 0; kill < 3; kill++) {
    await more(30);
    running.kill("SIGKILL");
    expect(await running.exit).toBe("SIGKILL");
    running = startCli(project, ["start"]);
    url = await readyUrl(running);
  }
  await more(30);
  await end();
  await untilHandled(project, accepted);
  running.kill("SIGTERM");
  expect(await running.exit).toBe(0);
  // Of each queue, what was in flight at each kill, and the acks of that moment.
  expect(repeated(await linesOf(project))).toBeLessThanOrEqual(3 * QUEUES.length * 2 * 5);
});

test("a runner that stood still until the broker gave it up goes on, and nothing is lost", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url, "", "3s"), handlers });
  const running = startCli(project, ["start"]);
  const url = await readyUrl(running);
  const { accepted, more, end } = load(() => url);
  await more(30);
  running.kill("SIGSTOP");
  await vhost.waitForCounts("work", { consumers: 0 });
  running.kill("SIGCONT");
  await more(30);
  await end();
  await untilHandled(project, accepted);
  const readiness = async () =>
    (await fetch(`${url}/readyz`, { headers: { connection: "close" } })).status === 200;
  await waitFor(readiness, { what: "it to be ready" });
  running.kill("SIGTERM");
  expect(await running.exit).toBe(0);
  expect(repeated(await linesOf(project))).toBeLessThanOrEqual(QUEUES.length * 2 * 5);
});

test("a reader of its output that goes away ends nothing, whoever prints", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const printing = handlers.work.replace(
    "  await setTimeout(ms);",
    '  console.log("out");\n  console.error("err");\n  await setTimeout(ms);',
  );
  const project = await createProject({
    topology: topologyOf(vhost.url),
    handlers: { work: printing },
  });
  const running = startCli(project, ["start"]);
  const url = await readyUrl(running);
  running.hangUp();
  for (const id of [1, 2, 9]) expect(await post(url, { id })).toBe(202);
  await untilHandled(project, [1, 2, 9]);
  running.kill("SIGTERM");
  expect(await running.exit).toBe(0);
});

const isRoot = process.getuid?.() === 0;
const canMount = isRoot && spawnSync("unshare", ["--mount", "true"]).status === 0;

// Root may write whatever the mode says, so it needs a mount, and some containers have none.
test.skipIf(isRoot && !canMount)(
  "a project that nobody can write to runs",
  async ({ vhost, client, createProject }) => {
    const project = await createProject({
      topology: topologyOf(vhost.url),
      handlers: {
        work: `import { defineHandler } from "warren";
export default defineHandler<never>(({ id }: { id: number }, { log }) => {
  log.info({ id }, "handled");
});
`,
      },
    });
    const script = canMount
      ? 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && ! touch x 2>&1 && exec "$@"'
      : 'chmod -R a-w "$0" && cd "$0" && ! touch x 2>&1 && exec "$@"';
    const command = ["sh", "-c", script, project.folder, ...warrenCommand(["start"])];
    const [program = "", ...args] = canMount ? ["unshare", "--mount", ...command] : command;
    const running = startProcess(program, args);
    try {
      await readyUrl(running);
      await client.publish("jobs", "x", { id: 1 });
      await running.waitForLine(/"msg":"handled"/);
      running.kill("SIGTERM");
      expect(await running.exit).toBe(0);
    } finally {
      running.kill("SIGKILL");
      await running.exit;
      await promisify(execFile)("chmod", ["-R", "u+w", project.folder]);
    }
  },
);
