import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";

/** A file of so many queues, each with a binding, from the `from`th on. */
function topology({ url, managementUrl }: Vhost, from: number, count: number): string {
  const names = Array.from({ length: count }, (_, n) => `q${from + n}`);
  const queues = names.map(
    (name) => `  ${name}: { bind: { x${from}: ${name} }, handler: none, deadLetter: none }`,
  );
  return `version: 1
project: crash
broker: { url: "${url}", management: "${managementUrl}" }
defaults: { type: classic }
exchanges: { x${from}: { type: topic } }
queues:
${queues.join("\n")}
`;
}

test("killed at any moment and run again, apply ends the same, and leaves nothing behind", async ({
  vhost,
  createProject,
  startCli,
  runCli,
}) => {
  // Each wants some of what the one before it made; what the others made must go.
  const edition = (round: number) => topology(vhost, 30 * round, 40);
  const project = await createProject({ topology: edition(0) });
  const command = ["apply", "--prune"];
  let killed = 0;
  for (let round = 0; round < 12; round++) {
    await project.write("topology.yaml", edition(round));
    const running = startCli(project, command);
    // The lock is there from its first step on; where it is killed after that, chance decides.
    const isWorking = async () =>
      !running.isRunning ||
      (await vhost.management("queues/{vhost}/warren.crash.lock")) !== undefined;
    await waitFor(isWorking, { what: "an apply at work", everyMs: 2 });
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    if (running.isRunning) killed++;
    running.kill("SIGKILL");
    await running.exit;
  }
  const finished = await runCli(project, command);
  expect(finished).toMatchObject({ exit: 0, stderr: "" });
  const planned = await runCli(project, ["plan", "--json"]);
  expect(planned.exit).toBe(0);
  // What a killed one had made is known as well: nothing is a foreigner's.
  expect(JSON.parse(planned.stdout)).toMatchObject({
    hasDifferences: false,
    entries: [],
    others: { exchanges: 0, queues: 0 },
  });
  const queues =
    (await vhost.management<readonly { readonly name: string }[]>("queues/{vhost}")) ?? [];
  expect(queues).toHaveLength(41);
  expect(killed).toBeGreaterThan(3);
});
