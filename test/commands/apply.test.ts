import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";

function topology({ url, managementUrl }: Vhost, queues: string): string {
  return `version: 1
project: shop
broker: { url: "${url}", management: "${managementUrl}" }
defaults: { type: classic }
exchanges: { x: { type: topic } }
queues:
  ${queues}
`;
}

const q = (name: string, rest = "") =>
  `${name}: { bind: { x: ${name} }, handler: none, deadLetter: none${rest} }`;

test("apply says what it changed, keeps what a prune must keep with exit 5, and removes it later", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost, `${q("a")}\n  ${q("b")}`) });
  const first = await runCli(project, ["apply"]);
  expect(first).toMatchObject({ exit: 0, stderr: "" });
  expect(first.stdout).toContain("  + queue     a\n");
  expect(first.stdout).toContain("5 created.  state: generation 1");

  await client.publish("", "b", "kept");
  await project.write("topology.yaml", topology(vhost, q("a")));
  const unpruned = await runCli(project, ["apply"]);
  expect(unpruned.exit).toBe(0);
  expect(unpruned.stdout).toContain("  - binding   x -> b  b  unbound");
  const kept = await runCli(project, ["apply", "--prune"]);
  expect(kept.exit).toBe(5);
  expect(kept.stdout).toContain("  - queue     b  kept: not empty");
  await client.channel.purgeQueue("b");
  const removed = await runCli(project, ["apply", "--prune", "--json"]);
  expect({ ...removed, stdout: JSON.parse(removed.stdout) }).toMatchObject({
    exit: 0,
    stderr: "",
    stdout: {
      format: 1,
      project: "shop",
      broker: expect.stringContaining(" at amqp://"),
      generation: 3,
      isDone: true,
      isPartial: false,
      entries: expect.arrayContaining([
        { kind: "queue", name: "b", result: "removed", at: null },
        { kind: "queue", name: "a", result: "unchanged", at: expect.objectContaining({ line: 7 }) },
      ]),
    },
  });
});

test("apply FILE does what the plan says, and nothing once something has changed since", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost, q("a")) });
  const planned = await runCli(project, ["plan", "--out", "plan.json"]);
  expect(planned.exit).toBe(2);
  await client.channel.assertExchange("x", "topic");
  const outdated = await runCli(project, ["apply", "plan.json"]);
  expect(outdated.exit).toBe(3);
  expect(outdated.stderr).toContain("plan-outdated");
  expect(await vhost.queueCounts("a")).toBeUndefined();

  await runCli(project, ["plan", "--out", "plan.json"]);
  await project.write("topology.yaml", topology(vhost, q("b")));
  const edited = await runCli(project, ["apply", "plan.json"]);
  expect({ ...edited, stderr: edited.stderr.split("\n")[0] }).toMatchObject({
    exit: 3,
    stderr: expect.stringContaining("the file wants something else"),
  });

  await project.write("topology.yaml", topology(vhost, q("a")));
  expect((await runCli(project, ["apply", "plan.json"])).exit).toBe(0);
  const again = await runCli(project, ["apply", "plan.json"]);
  expect(again.exit).toBe(3);
  expect(again.stderr).toContain("the state is of generation 1, and was none");
});

test("a plan's permissions are those that it was made with", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost, `${q("a")}\n  ${q("b")}`) });
  await runCli(project, ["apply"]);
  await project.write("topology.yaml", topology(vhost, q("a")));
  await runCli(project, ["plan", "--prune", "--out", "plan.json"]);
  const applied = await runCli(project, ["apply", "plan.json"]);
  expect(applied.exit).toBe(0);
  expect(applied.stdout).toContain("  - queue     b  removed");
});

test("--dry-run says what apply would do, and does nothing", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost, q("a")) });
  const dry = await runCli(project, ["apply", "--dry-run", "--prune"]);
  expect(dry.exit).toBe(2);
  expect(dry.stdout).toContain("Plan: 3 to add.");
  expect(await vhost.queueCounts("a")).toBeUndefined();
  const both = await runCli(project, ["apply", "--dry-run", "plan.json"]);
  expect(both.exit).toBe(1);
  expect(both.stderr).toContain("--dry-run needs no plan");
});

test("a file that is no plan, and a lock timeout that is no duration, are refused", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost, q("a")) });
  for (const [args, words] of [
    [["apply", "absent.json"], "plan-unreadable  absent.json: ENOENT"],
    [["apply", "package.json"], "plan-unreadable"],
    [["apply", "--lock-timeout", "30"], "must be a duration"],
  ] as const) {
    const { exit, stderr } = await runCli(project, args);
    expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining(words) });
  }
  expect(await vhost.queueCounts("a")).toBeUndefined();
});

test("the lock held by another process is waited for, and said with exit 4", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  await client.channel.assertQueue("warren.shop.lock", {
    exclusive: true,
    arguments: { "x-warren-holder": "ci@runner-3", "x-warren-since": "2026-01-02T03:04:05.678Z" },
  });
  const project = await createProject({ topology: topology(vhost, q("a")) });
  const { exit, stderr } = await runCli(project, ["apply", "--lock-timeout", "200ms"]);
  expect(exit).toBe(4);
  expect(stderr).toContain(
    'lock-held  "warren.shop.lock" is held by ci@runner-3, since 2026-01-02T03:04:05.678Z',
  );
});

test("SIGINT ends apply after what is under way, with exit 5; run again it goes on", async ({
  vhost,
  createProject,
  startCli,
  runCli,
}) => {
  // A quorum queue that is to go is looked at twice, so there is time for a signal.
  const quorum = (name: string) => q(name, ", type: quorum");
  const whole = topology(vhost, `${quorum("a")}\n  ${quorum("b")}`);
  const project = await createProject({ topology: whole });
  await runCli(project, ["apply"]);
  await project.write("topology.yaml", topology(vhost, quorum("a")));
  const running = startCli(project, ["apply", "--prune"]);
  await vhost.waitForLock("shop");
  running.kill("SIGINT");
  expect(await running.exit).toBe(5);
  expect(running.stdout).toContain("queue     b  deferred: interrupted before it");
  const again = await runCli(project, ["apply", "--prune"]);
  expect(again.exit).toBe(0);
  expect(again.stdout).toContain("- queue     b  removed");
});
