/** What `start` does with the broker: declares, refuses, or only looks. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { inject } from "vitest";
import { NUMBERS } from "../../src/numbers.ts";
import { connectionClose, declaredQueue } from "../support/protocol.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { handlerOf, run } from "./running.ts";

const handlers = { work: handlerOf("1") };

const topologyOf = (url: string, queue: string) => `version: 1
project: test
broker: { url: "${url}" }
http: { port: 0 }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: [a, b] }, handler: work, deadLetter: dead, retry: [1s]${queue} }
  dead_letters: { type: classic, bind: { dead: "#" }, handler: none, deadLetter: none }
`;

/** What the broker of this run has logged of declarations in the vhost that were not equal. */
async function conflictsOf({ vhost }: Vhost): Promise<readonly string[]> {
  const { node } = inject("broker");
  if (!node) return [];
  const files = await readdir(node.folder, { recursive: true });
  const logs = files.filter((file) => /\.log$/.test(file));
  const texts = await Promise.all(logs.map((file) => readFile(join(node.folder, file), "utf8")));
  const lines = texts.join("\n").split("\n");
  return lines.filter((line) => line.includes(vhost) && /precondition_failed/i.test(line));
}

test("five runners that start at once are ready on one topology, and none meets a conflict", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url, ""), handlers });
  const starting = Array.from({ length: 5 }, () => run(startCli, project));
  const runners = await Promise.all(starting);
  const healths = await Promise.all(runners.map(({ health }) => health()));
  await vhost.waitForCounts("work", { consumers: 5 });
  const applied = runners.flatMap(({ lines }) => lines("topology applied"));
  const conflicts = await conflictsOf(vhost);
  const ends = await Promise.all(runners.map(({ stop }) => stop()));
  expect(healths.map(({ status }) => status)).toEqual(Array(5).fill("ok"));
  expect(applied.map(({ generation }) => generation)).toEqual(Array(5).fill(1));
  expect(applied.filter(({ created }) => (created as unknown[]).length > 0)).toHaveLength(1);
  expect(conflicts).toEqual([]);
  expect(ends).toEqual(Array(5).fill(0));
});

test("start says what it has created, and what it has unbound", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const text = topologyOf(vhost.url, "");
  const project = await createProject({ topology: text, handlers });
  const first = await run(startCli, project);
  await first.stop();
  await project.write("topology.yaml", text.replace("[a, b]", "[a, c]"));
  const second = await run(startCli, project);
  await second.stop();
  const [before] = first.lines("topology applied");
  const [after] = second.lines("topology applied");
  expect(before?.created).toContain("queue work");
  expect(before).not.toHaveProperty("unbound");
  expect(after).toMatchObject({ generation: 2, unbound: ["binding jobs -> work  b"] });
});

test("a queue that differs ends start with 3, the plan and the command that would do it", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  const text = topologyOf(vhost.url, ", ttl: 1m");
  const project = await createProject({ topology: text, handlers });
  await client.channel.assertQueue("work", { arguments: { "x-queue-type": "quorum" } });
  const { exit, stderr } = await runCli(project, ["start"]);
  expect(exit).toBe(3);
  expect(stderr).toContain("topology.yaml:9");
  expect(stderr).toMatch(/x-message-ttl +none -> 60000/);
  expect(stderr).toContain("nothing was changed");
  expect(stderr).toContain("npm run apply-topology -- --allow-replace");
  expect(await vhost.queueCounts("dead_letters")).toBeUndefined();
});

test("start --no-apply needs no permission to configure, and declares nothing", async ({
  vhost,
  user,
  client,
  createProject,
  startCli,
  runCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url, ""), handlers });
  expect((await runCli(project, ["apply"])).exit).toBe(0);
  await user.allow({ configure: "^$" });
  await project.write("topology.yaml", topologyOf(user.url, ""));
  const warren = await run(startCli, project, ["start", "--no-apply"]);
  expect((await warren.health()).status).toBe("ok");
  await client.channel.deleteQueue("work");
  const summary = await waitFor(
    async (seen) => {
      const health = seen(await warren.health());
      return health.summary.includes("missing-object") && health.summary;
    },
    { what: "the missing queue to be said" },
  );
  expect(await vhost.queueCounts("work")).toBeUndefined();
  expect((await runCli(project, ["start", "--no-apply"])).stderr).toMatch(
    /^missing-object {2}topology\.yaml:9:3 missing-object {2}queue "work" is not there$/m,
  );
  await project.write("topology.yaml", topologyOf(vhost.url, ""));
  expect((await runCli(project, ["apply"])).exit).toBe(0);
  await vhost.waitForCounts("work", { consumers: 1 });
  await waitFor(async (seen) => seen(await warren.health()).status === "ok", { what: "health" });
  expect(await warren.stop()).toBe(0);
  expect(summary).toContain('queue "work" is not there');
});

const INTERNAL_ERROR = connectionClose(541, "INTERNAL_ERROR");
/** With the flags of what each sends: durable, and passive as well. */
const ways = [
  { command: "start", bytes: declaredQueue("work", 2) },
  { command: "start --no-apply", bytes: declaredQueue("work", 3) },
];

test.for(ways)(
  "$command is ready also when the broker ends its connection with 541, and says that it tried again",
  async ({ command, bytes }, { vhost, proxy, createProject, startCli, runCli }) => {
    const project = await createProject({ topology: topologyOf(vhost.url, ""), handlers });
    if (command !== "start") expect((await runCli(project, ["apply"])).exit).toBe(0);
    await project.write("topology.yaml", topologyOf(proxy.url(vhost.url), ""));
    proxy.answerBefore(bytes, INTERNAL_ERROR, 2);
    const warren = await run(startCli, project, command.split(" "));
    const tries = warren.lines("topology not applied: trying again");
    expect(tries.map(({ failures }) => failures)).toEqual([1, 2]);
    expect(
      await warren.publish("/publish", { exchange: "jobs", routing_key: "a", message: {} }),
    ).toBe(202);
    expect(await warren.stop()).toBe(0);
  },
);

test("start and apply end as without a connection when the broker ends each of theirs with 541", async ({
  vhost,
  proxy,
  createProject,
  runCli,
}) => {
  const text = topologyOf(proxy.url(vhost.url), "");
  const project = await createProject({ topology: text, handlers });
  proxy.answerBefore(declaredQueue("work", 2), INTERNAL_ERROR, Number.POSITIVE_INFINITY);
  const [started, applied] = [await runCli(project, ["start"]), await runCli(project, ["apply"])];
  for (const { exit, stderr } of [started, applied]) {
    expect([exit, stderr]).toEqual([1, expect.stringMatching(/connection-failed .*: .*541/)]);
  }
  expect(applied.stderr.match(/^trying again: .*541/gm)).toHaveLength(NUMBERS.applyTries - 1);
});
