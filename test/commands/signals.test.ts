import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { startProcess } from "../support/processes.ts";
import { warrenCommand } from "../support/project.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { handlers, linesOf, post, readyUrl, topologyOf, untilHandled } from "./jobs.ts";

/** Says so when the library is loaded by which warren speaks with a broker, and takes its time. */
const slow = `const Module = require("node:module");
const { isMainThread } = require("node:worker_threads");
const load = Module._load;
let isSaid = !isMainThread;
Module._load = function (name, ...rest) {
  if (!isSaid && name.includes("amqplib")) {
    isSaid = true;
    require("node:fs").writeSync(1, "loading\\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  }
  return load.call(this, name, ...rest);
};
`;

const signals = ["SIGTERM", "SIGINT"] as const;
const canUnshare = spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;

test.for(signals)(
  "a start that is sent %s while it is loaded ends at once, with 0",
  async (signal, { vhost, createProject, startCli }) => {
    const project = await createProject({ topology: topologyOf(vhost.url), handlers });
    await project.write("slow.cjs", slow);
    const env = { NODE_OPTIONS: `--require ${project.path("slow.cjs")}` };
    const running = startCli(project, ["start"], { env });
    await running.waitForLine("loading");
    running.kill(signal);
    expect(await running.exit).toBe(0);
    expect(running.stdout).not.toContain("ready");
  },
);

// Another process is 1 of a pid namespace where root may make one.
test.skipIf(!canUnshare).for(signals)(
  "so does one that is process 1, to which nobody sends a signal that it does not listen for: %s",
  async (signal, { vhost, createProject }) => {
    const project = await createProject({ topology: topologyOf(vhost.url), handlers });
    await project.write("slow.cjs", slow);
    const running = startProcess(
      "unshare",
      ["--pid", "--fork", "--kill-child", ...warrenCommand(["start"])],
      { cwd: project.folder, env: { NODE_OPTIONS: `--require ${project.path("slow.cjs")}` } },
    );
    try {
      await running.waitForLine("loading");
      const children = `/proc/${running.pid}/task/${running.pid}/children`;
      process.kill(Number(await readFile(children, "utf8")), signal);
      expect(await running.exit).toBe(0);
      expect(running.stdout).not.toContain("ready");
    } finally {
      running.kill("SIGKILL");
      await running.exit;
    }
  },
);

test("SIGINT is as good as SIGTERM: what runs is finished, and nothing new begins", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers });
  const running = startCli(project, ["start"]);
  const url = await readyUrl(running);
  expect(await post(url, { id: 1, ms: 500 })).toBe(202);
  await waitFor(async () => (await linesOf(project)).length === 2, { what: "both runs" });
  running.kill("SIGINT");
  expect(await running.exit).toBe(0);
  await untilHandled(project, [1]);
  expect(running.stdout).toContain('"reason":"SIGINT","msg":"stopping"');
});

test("a command that is no service ends at a signal with 1", async ({
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topologyOf("amqp://127.0.0.1"),
    handlers: {
      work: 'console.log("loading");\nawait new Promise(() => setInterval(() => {}, 1));\n',
    },
  });
  const running = startCli(project, ["check"]);
  await running.waitForLine("loading");
  running.kill();
  expect(await running.exit).toBe(1);
});
