import { rmSync } from "node:fs";
import { startProxy } from "../support/proxy.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { eventsOf, handlerOf, run, topologyOf } from "./running.ts";

const events = eventsOf("id");
const handlers = {
  a: handlerOf("1"),
  b: handlerOf("1"),
  c: handlerOf("1"),
  job: handlerOf("1"),
};

/** Queue → consumer tag. */
async function tagsIn(vhost: Vhost): Promise<Readonly<Record<string, string>>> {
  type Consumer = { readonly consumer_tag: string; readonly queue: { readonly name: string } };
  const consumers = (await vhost.management<Consumer[]>("consumers/{vhost}")) ?? [];
  return Object.fromEntries(consumers.map(({ consumer_tag, queue }) => [queue.name, consumer_tag]));
}

test("dev takes a queue into use and another out of it, and touches no other consumer", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topologyOf(vhost.url, ["a", "b"]),
    handlers,
    events,
  });
  const warren = await run(startCli, project, ["dev"]);
  const wanted = async (names: readonly string[]) =>
    await waitFor(
      async (seen) => {
        const tags = seen(await tagsIn(vhost));
        return Object.keys(tags).toSorted().join() === names.join() && tags;
      },
      { what: `consumers of ${names}` },
    );
  const before = await wanted(["a", "b", "job"]);
  await project.write("topology.yaml", topologyOf(vhost.url, ["a", "c"]));
  await warren.generation(2);
  expect(await warren.version("c")).toBe("1");
  const after = await wanted(["a", "c", "job"]);
  expect(after).toEqual({ a: before.a, job: before.job, c: after.c });
  await vhost.waitForCounts("b", { ready: 0, consumers: 0 });
  expect(warren.lines("queue is consumed no longer: it has no handler")).toMatchObject([
    { queue: "b", messages: 0 },
  ]);
  expect(warren.lines("reloaded")).toMatchObject([{ added: ["c"], removed: ["b"] }]);
  expect(await warren.stop()).toBe(0);
});

test("dev names what is wrong with an edit, and goes on with what ran; nothing is ever deleted", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const good = topologyOf(vhost.url, ["a", "b"]);
  const project = await createProject({ topology: good, handlers, events });
  const warren = await run(startCli, project, ["dev"]);
  const bad = [
    [good.replace("handler: a", "handlr: a"), /^topology\.yaml:13:\d+ unknown-key .*"handler"\?/],
    [`${good}  c: {`, /^topology\.yaml:\d+:\d+ yaml-syntax /],
    ["", /^topology\.yaml:1:1 empty-file /],
    [null, /^topology\.yaml:1:1 file-not-found /],
    [good.replace("port: 0", "port: 1"), /^topology\.yaml:4:1 restart-needed /],
    [
      `${good.trimEnd().slice(0, -1)}, ttl: 1h }\n`,
      /^topology\.yaml:14:3 conflict .*x-message-ttl/,
    ],
  ] as const;
  for (const [index, [text, problem]] of bad.entries()) {
    if (text === null) rmSync(project.path("topology.yaml"));
    else await project.write("topology.yaml", text);
    await waitFor(() => warren.lines("not reloaded").length > index, { what: String(problem) });
    expect(await warren.problem(/./)).toMatch(problem);
    expect(await warren.version()).toBe("1");
  }
  await vhost.waitForCounts("b", { ready: 0, consumers: 1 });
  expect((await warren.health()).reload.generation).toBe(1);
  await project.write("topology.yaml", topologyOf(vhost.url, ["a", "b", "c"]));
  await warren.generation(2);
  expect(await warren.version("c")).toBe("1");
  expect(await warren.stop()).toBe(0);
});

test("an edit that the broker could not be asked about is taken once it is back", async ({
  vhost,
  proxy,
  createProject,
  startCli,
}) => {
  const url = proxy.url(vhost.url);
  const project = await createProject({ topology: topologyOf(url), handlers, events });
  const warren = await run(startCli, project, ["dev"]);
  const { port } = proxy;
  await proxy.close();
  await project.write("topology.yaml", topologyOf(url, ["a", "b"]));
  expect(await warren.problem(/./)).toMatch(/^topology\.yaml:3:1 connection-failed /);
  const again = await startProxy(Number(new URL(vhost.url).port || 5672), { listenPort: port });
  await warren.generation(2);
  await vhost.waitForCounts("b", { consumers: 1 });
  expect(warren.lines("not reloaded")).toHaveLength(1);
  expect(await warren.stop()).toBe(0);
  await again.close();
});

test("dev takes an edit of the topology and one of its handler together", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project, ["dev"]);
  await Promise.all([
    project.write("src/handlers/d.ts", handlerOf("7")),
    project.write("src/handlers/a.ts", handlerOf("2")),
    project.write("topology.yaml", topologyOf(vhost.url, ["a", "d"])),
  ]);
  await warren.generation(2);
  expect([await warren.version("a"), await warren.version("d")]).toEqual(["2", "7"]);
  expect(await warren.stop()).toBe(0);
});

test("dev that starts with a mistake says so, and waits until it is mended", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const good = topologyOf(vhost.url);
  const project = await createProject({
    topology: good.replace("handler: a", "handlr: a"),
    handlers: { ...handlers, a: 'throw new Error("not yet");\n' },
    events,
  });
  const process = startCli(project, ["dev"]);
  await process.waitForLine(/unknown-key/);
  await process.waitForLine("waiting for a change");
  await project.write("topology.yaml", good);
  await process.waitForLine(/src\/handlers\/a\.ts:1:7 bad-handler .*not yet/);
  await project.write("src/handlers/a.ts", handlerOf("1"));
  const warren = await run(() => process, project);
  expect(await warren.version()).toBe("1");
  expect(await warren.stop()).toBe(0);
});

test("dev that waits for a change ends when it is told to", async ({ createProject, startCli }) => {
  const project = await createProject({ topology: "" });
  const process = startCli(project, ["dev"]);
  await process.waitForLine("waiting for a change");
  process.kill();
  expect(await process.exit).toBe(0);
});
