import { expect, test } from "../support/test.ts";

const bugs = [
  ["thrown", "throw new Error('unforeseen')"],
  ["rejected", "Promise.reject(new Error('unforeseen'))"],
] as const;

test.for(bugs)(
  "an error that is %s where nobody waits for it ends with its stack, and 70",
  async ([, bug], { createProject, startCli }) => {
    const project = await createProject({ topology: "" });
    // Another module of the process has it; handlers' threads would load the module as well.
    const module = `import { isMainThread } from "node:worker_threads";
process.on("SIGUSR2", () => { if (isMainThread) ${bug}; });`;
    const option = `--import data:text/javascript,${encodeURIComponent(module)}`;
    const running = startCli(project, ["dev"], { env: { NODE_OPTIONS: option } });
    await running.waitForLine("waiting for a change");
    running.kill("SIGUSR2");
    expect(await running.exit).toBe(70);
    expect(running.stderr).toMatch(
      /Error: unforeseen\n {4}at .*\n(.*\n)*this is a bug in warren\n/,
    );
  },
);
