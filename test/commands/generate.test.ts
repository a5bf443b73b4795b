/** The types that a runner keeps current, in a process of its own. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { GENERATED_HEADER } from "../../src/codegen/types.ts";
import type { Context } from "../../src/commands/command.ts";
import { Generator } from "../../src/commands/generator.ts";
import type { Project } from "../support/project.ts";
import { expect, test } from "../support/test.ts";
import { topologyOf as topologyWith } from "../support/topology.ts";
import { waitFor } from "../support/wait-for.ts";
import { eventsOf, handlerOf, run, topologyOf } from "./running.ts";

const GENERATED = ["src/generated/events.ts", "src/generated/topology.ts"];
const debug = { LOG_LEVEL: "debug" };
const handlers = {
  // Types alone, as handlers import them: nothing of it is loaded.
  a: handlerOf(
    "1",
    'import type { JobEvent } from "../generated/events.ts";\nexport type It = JobEvent;',
  ),
  job: handlerOf("1"),
};

function contentsOf(project: Project): readonly string[] {
  return GENERATED.map((name) => readFileSync(project.path(name), "utf8"));
}

test("start writes the types once it is ready, where they are not current, and is not reloaded by that", async ({
  vhost,
  createProject,
  startCli,
  runCli,
}) => {
  const topology = topologyOf(vhost.url);
  const project = await createProject({ topology, handlers, events: eventsOf("id") });
  const first = await run(startCli, project, ["start"], debug);
  const line = await first.process.waitForLine('"msg":"types generated"');
  expect(JSON.parse(line)).toMatchObject({ level: 30, files: GENERATED });
  // What it has written is seen before the edit, which would be one change with it.
  await first.process.waitForLine('"msg":"nothing of what runs has changed"');
  await project.write("src/handlers/job.ts", handlerOf("2"));
  await first.generation(2);
  expect(await first.stop()).toBe(0);
  expect(first.lines("reloaded")).toHaveLength(1);
  expect(first.lines("nothing of what runs has changed")).toHaveLength(1);
  expect((await runCli(project, ["generate", "--check"])).exit).toBe(0);

  const times = GENERATED.map((name) => statSync(project.path(name)).mtimeMs);
  const second = await run(startCli, project, ["start"], debug);
  await second.process.waitForLine('"msg":"generated types are current"');
  expect(await second.stop()).toBe(0);
  expect(GENERATED.map((name) => statSync(project.path(name)).mtimeMs)).toEqual(times);
});

test("start keeps the types current with each edit that it takes, and with no other", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const topology = topologyOf(vhost.url);
  const project = await createProject({ topology, handlers, events: eventsOf("id") });
  const warren = await run(startCli, project, ["start"], debug);
  await warren.process.waitForLine('"msg":"types generated"');
  await project.write("schemas/events/job.lost.json", '{ "type": "objekt" }');
  await warren.problem(/./);
  await project.write("schemas/events/job.lost.json", '{ "type": "object" }');
  await warren.generation(2);
  await waitFor(() => warren.lines("types generated").length > 1, { what: "its type" });
  expect(contentsOf(project)[0]).toContain("JobLost");
  expect(warren.lines("types generated")).toHaveLength(2);
  expect(await warren.stop()).toBe(0);
});

test("types that can't be written are one warning, and all else goes on", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const topology = topologyOf(vhost.url);
  const project = await createProject({ topology, handlers, events: eventsOf("id") });
  writeFileSync(project.path("src/generated"), "a file in the way of the folder");
  const warren = await run(startCli, project, ["start"], debug);
  const warned = JSON.parse(await warren.process.waitForLine('"msg":"types are not generated"'));
  expect(warned).toMatchObject({ level: 40, directory: "src/generated" });
  expect(warned.reason).toMatch(/^(EEXIST|ENOTDIR): /);
  await project.write("schemas/events/job.lost.json", '{ "type": "object" }');
  await warren.generation(2);
  await warren.process.waitForLine(/"level":20.*"msg":"types are not generated"/);
  expect(await warren.publish("/publish/job.lost", { id: 1 })).toBe(202);
  rmSync(project.path("src/generated"));
  await project.write("schemas/events/job.found.json", '{ "type": "object" }');
  await warren.process.waitForLine('"msg":"types generated"');
  expect(warren.lines("types are not generated").map(({ level }) => level)).toEqual([40, 20]);
  expect(await warren.stop()).toBe(0);
});

type Line = { readonly level: string; readonly message: string };

function generatorOf(project: Project, handlersDirectory: string) {
  const lines: Line[] = [];
  const write = (level: string) => (_fields: object, message: string) =>
    void lines.push({ level, message });
  const log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  const file = project.path("topology.yaml");
  const context = { file, handlersDirectory: project.path(handlersDirectory), log };
  return { generator: new Generator(context as unknown as Context), lines };
}

const topologyWithEvent = (type: string) =>
  topologyWith({ exchanges: {}, schemas: { [type]: { type: "object" } } });

test("types are written where handlers run from src, and nowhere else", async ({
  createProject,
}) => {
  const project = await createProject({ topology: "" });
  const compiled = generatorOf(project, "dist/handlers");
  await compiled.generator.generate(topologyWithEvent("a.done"));
  expect(compiled.lines).toEqual([]);
  expect(existsSync(project.path("src/generated"))).toBe(false);
  const source = generatorOf(project, "src/handlers");
  await source.generator.generate(topologyWithEvent("a.done"));
  expect(source.lines).toEqual([{ level: "info", message: "types generated" }]);
  expect(contentsOf(project)[0]).toContain(GENERATED_HEADER);
});

test("of topologies that come while types are written, the newest is written and those between are not", async ({
  createProject,
}) => {
  const project = await createProject({ topology: "" });
  const { generator, lines } = generatorOf(project, "src/handlers");
  const types = ["a.first", "a.second", "a.third", "a.last"];
  await Promise.all(types.map((type) => generator.generate(topologyWithEvent(type))));
  expect(lines).toHaveLength(2);
  expect(contentsOf(project)[0]).toContain("ALast");
  await generator.generate(topologyWithEvent("a.last"));
  expect(lines).toHaveLength(2);
});

test("a generator that is stopped ends with what it does, and begins nothing", async ({
  createProject,
}) => {
  const project = await createProject({ topology: "" });
  const { generator, lines } = generatorOf(project, "src/handlers");
  const writing = generator.generate(topologyWithEvent("a.done"));
  await generator.stop();
  await writing;
  await generator.generate(topologyWithEvent("a.other"));
  expect(lines).toEqual([]);
});
