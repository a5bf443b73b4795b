import { existsSync } from "node:fs";
import { startProcess, untilEnd } from "./processes.ts";
import { expect, test } from "./test.ts";

test("a handler of a project finds warren by its name", async ({ createProject }) => {
  const project = await createProject({
    topology: "version: 1\n",
    handlers: { hello: 'import { Reject } from "warren";\nconsole.log(Reject.name);\n' },
    events: { "book.created": { type: "object" } },
  });
  expect(existsSync(project.path("schemas/events/book.created.json"))).toBe(true);
  const args = ["--conditions=warren-source", "--import", import.meta.resolve("tsx")];
  const running = startProcess(process.execPath, [...args, project.path("src/handlers/hello.ts")]);
  expect(await untilEnd(running)).toEqual({ stdout: "Reject\n", stderr: "", exit: 0 });
});

test("a process is seen by its lines, its status and its signal", async () => {
  const script = 'console.log("up"); setInterval(() => {}, 1000)';
  const running = startProcess(process.execPath, ["-e", script]);
  expect(await running.waitForLine(/^u/)).toBe("up");
  running.kill("SIGKILL");
  expect(await running.exit).toBe("SIGKILL");
  await expect(running.waitForLine("never")).rejects.toThrow("ended without a line like never");
});

test("a command of warren runs in the project, from source", async ({ createProject, runCli }) => {
  const project = await createProject({ topology: "version: 2\n" });
  const { exit, stderr } = await runCli(project, ["check"]);
  expect(stderr).toMatch(/^topology\.yaml:1:10 bad-value /m);
  expect(exit).toBe(1);
});
