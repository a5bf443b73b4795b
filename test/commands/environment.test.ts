import { mkdir } from "node:fs/promises";
import { expect, test } from "../support/test.ts";

const files = { topology: 'version: 1\nproject: test\nbroker: { url: "amqp://127.0.0.1" }\n' };

test("a log level that there is not is the user's mistake, for every command", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  for (const command of ["check", "start", "apply", "generate"]) {
    const { exit, stdout, stderr } = await runCli(project, [command], {
      env: { LOG_LEVEL: "verbose" },
    });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr.split("\n")[0]).toBe(
      "bad-environment  LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, " +
        'found "verbose"',
    );
  }
});

test("an empty log level is the default", async ({ createProject, runCli }) => {
  const project = await createProject(files);
  const { exit, stderr } = await runCli(project, ["check"], { env: { LOG_LEVEL: "" } });
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
});

test("a .env that can't be read is the user's mistake", async ({ createProject, runCli }) => {
  const project = await createProject(files);
  await mkdir(project.path(".env"));
  const { exit, stderr } = await runCli(project, ["check"]);
  expect(exit).toBe(1);
  expect(stderr).toMatch(/^bad-environment {2}\.env can't be read: .+\n/);
});
