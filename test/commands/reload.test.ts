import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Project } from "../support/project.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { eventsOf, handlerOf, type Running, run, topologyOf } from "./running.ts";

const events = eventsOf("id");
const handlers = { a: handlerOf("1"), job: handlerOf("1") };

test("a save of a handler is what the next message runs", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  expect(await warren.version()).toBe("1");
  const before = await warren.health();
  await project.write("src/handlers/a.ts", handlerOf("2"));
  await warren.generation(2);
  expect(await warren.version()).toBe("2");
  const after = await warren.health();
  expect(Date.parse(after.reload.at)).toBeGreaterThan(Date.parse(before.reload.at));
  expect(after.status).toBe("ok");
  expect(warren.lines("reloaded")).toMatchObject([{ generation: 2, added: [], removed: [] }]);
  expect(await warren.stop()).toBe(0);
});

test("a save of what a handler imports is what the next message runs", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topologyOf(vhost.url),
    handlers: { ...handlers, a: handlerOf("version", 'import { version } from "../lib/one.ts";') },
    events,
  });
  await project.write("src/lib/one.ts", 'export { version } from "./two.ts";\n');
  await project.write("src/lib/two.ts", "export const version = 1;\n");
  const warren = await run(startCli, project);
  expect(await warren.version()).toBe("1");
  await project.write("src/lib/two.ts", "export const version = 2;\n");
  await warren.generation(2);
  expect(await warren.version()).toBe("2");
  expect(await warren.stop()).toBe(0);
});

const broken = [
  {
    what: "a syntax error",
    text: 'import { defineHandler } from "warren";\nexport default defineHandler((event => 1);\n',
    problem: /^src\/handlers\/a\.ts:2:\d+ bad-handler {2}handler "a": SyntaxError: /,
  },
  {
    what: "an empty file",
    text: "",
    problem: /^topology\.yaml:13:3 bad-handler {2}handler "a": has no default export/,
  },
  {
    what: "a missing default export",
    text: 'import { defineHandler } from "warren";\nexport const run = defineHandler(() => 1);\n',
    problem: /^topology\.yaml:13:3 bad-handler {2}handler "a": has no default export/,
  },
  {
    what: "an import that leads nowhere",
    text: handlerOf("version", 'import { version } from "./nowhere.ts";'),
    problem: /^src\/handlers\/a\.ts:2:\d+ bad-handler {2}handler "a": .*nowhere/,
  },
  {
    what: "a module that throws",
    text: `${handlerOf("0")}\nthrow new Error("not today");\n`,
    problem: /^src\/handlers\/a\.ts:5:7 bad-handler {2}handler "a": Error: not today/,
  },
  {
    what: "an import that never ends",
    text: handlerOf("0", "await new Promise(() => undefined);"),
    problem: /^topology\.yaml:13:3 bad-handler {2}handler "a": has not loaded within 10000 ms/,
  },
];

test("what can't be loaded is named with file, line and reason; what ran goes on, until it is mended", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  for (const [index, { what, text, problem }] of broken.entries()) {
    const version = String(index + 1);
    await project.write("src/handlers/a.ts", text);
    expect(await warren.problem(/^handler "a": /), what).toMatch(problem);
    expect(await warren.health(), what).toMatchObject({
      status: "degraded",
      summary: expect.stringContaining("the last edit is not in use: "),
      reload: { generation: index + 1 },
    });
    expect(await warren.version(), what).toBe(version);
    await project.write("src/handlers/a.ts", handlerOf(String(index + 2)));
    await warren.generation(index + 2);
    expect(await warren.version(), what).toBe(String(index + 2));
  }
  const said = warren.lines("not reloaded");
  expect(said.map(({ at, code, reason }) => `${at} ${code}  ${reason}`)).toEqual(
    broken.map(({ problem }) => expect.stringMatching(problem)),
  );
  expect(await warren.stop()).toBe(0);
});

test("an import that leads nowhere is mended by the file that it names", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  const head = 'import { version } from "../later/version.ts";';
  await project.write("src/handlers/a.ts", handlerOf("version", head));
  await warren.problem(/later/);
  await project.write("src/later/version.ts", "export const version = 2;\n");
  await warren.generation(2);
  expect(await warren.version()).toBe("2");
  expect(await warren.stop()).toBe(0);
});

test("a handler whose file is gone goes on running, until the file is back", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  rmSync(project.path("src/handlers"), { recursive: true });
  expect(await warren.problem(/no module/)).toMatch(/^topology\.yaml:12:\d+ unknown-handler /);
  expect(await warren.version()).toBe("1");
  await project.write("src/handlers/job.ts", handlerOf("2"));
  await project.write("src/handlers/a.ts", handlerOf("2"));
  await warren.generation(2);
  expect(await warren.version()).toBe("2");
  expect(await warren.stop()).toBe(0);
});

/** Two looks that see nothing new, 50 ms apart, make a whole file: a longer pause says nothing. */
const LONGEST_MS = 80;

/** Tries it until its writer was never held up for long, and returns what came of that. */
async function untilSteady<T>(
  attempt: (n: number) => Promise<{ readonly longestMs: number; readonly value: T }>,
): Promise<T> {
  for (let n = 1; n <= 20; n++) {
    const { longestMs, value } = await attempt(n);
    if (longestMs < LONGEST_MS) return value;
    console.log(`${Math.round(longestMs)} ms between two pieces of a file: once more`);
  }
  throw new Error("twenty times the machine held up the writer of a file");
}

/** Writes a file in pieces, 20 ms apart. @returns the longest time between two of them. */
async function writeInPieces(
  path: string,
  pieceOf: (piece: number) => string,
  isLast: (piece: number) => boolean,
): Promise<{ readonly last: number; readonly longestMs: number }> {
  const file = openSync(path, "w");
  writeSync(file, pieceOf(0));
  let [last, longestMs, writtenAt] = [0, 0, performance.now()];
  while (!isLast(last)) {
    await delay(20);
    last += 1;
    writeSync(file, pieceOf(last));
    const now = performance.now();
    longestMs = Math.max(longestMs, now - writtenAt);
    writtenAt = now;
  }
  closeSync(file);
  return { last, longestMs };
}

/** Waits until this version handles what is published. */
async function untilVersion(warren: Running, wanted: string): Promise<void> {
  await waitFor(async (seen) => seen(await warren.version()) === wanted, {
    what: `version ${wanted}`,
  });
}

test("a file that is written in pieces is loaded once, as a whole", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  const reloads = await untilSteady(async (attempt) => {
    const before = warren.lines("reloaded").length;
    // Each piece makes a module that can be loaded; the last one counts.
    const versionOf = (piece: number) => `${attempt}.${piece}`;
    const pieceOf = (piece: number) => `globalThis.version = "${versionOf(piece)}";\n`;
    const head = handlerOf("globalThis.version", pieceOf(0));
    const { last, longestMs } = await writeInPieces(
      project.path("src/handlers/a.ts"),
      (piece) => (piece === 0 ? head : pieceOf(piece)),
      (piece) => piece === 10,
    );
    await untilVersion(warren, versionOf(last));
    return { longestMs, value: warren.lines("reloaded").length - before };
  });
  expect(reloads).toBe(1);
  expect(warren.lines("not reloaded")).toEqual([]);
  expect(await warren.stop()).toBe(0);
});

for (const [kind, isThere] of [
  ["that is there", true],
  ["that is new", false],
] as const) {
  test(`half of a file ${kind} is never taken, though it is loaded`, async ({
    vhost,
    createProject,
    startCli,
  }) => {
    const head = `import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
console.log("loading");
while (!existsSync("go")) await delay(5);
const { version } = await import("../version.ts");
console.log("loaded", version);`;
    const facts = await untilSteady(async () => {
      const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
      if (isThere) await project.write("src/version.ts", "export let version = 0;\n");
      const warren = await run(startCli, project);
      await project.write("src/handlers/a.ts", handlerOf("version", head));
      await warren.process.waitForLine("loading");
      const loaded = () =>
        [...warren.process.stdout.matchAll(/^loaded (\d+)$/gm)].map(([, version]) =>
          Number(version),
        );
      let loadedAt = Number.POSITIVE_INFINITY;
      const { last, longestMs } = await writeInPieces(
        project.path("src/version.ts"),
        (piece) => `${piece === 0 ? "export let " : ""}version = ${piece};\n`,
        (piece) => {
          if (piece === 3) writeFileSync(project.path("go"), "");
          if (loaded().length > 0) loadedAt = Math.min(loadedAt, piece);
          return piece > loadedAt + 3;
        },
      );
      await untilVersion(warren, String(last));
      const value = {
        isHalfLoaded: (loaded()[0] ?? Number.NaN) < last,
        isWholeLoaded: loaded().at(-1) === last,
        reloaded: warren.lines("reloaded").length,
        notReloaded: warren.lines("not reloaded"),
      };
      expect(await warren.stop()).toBe(0);
      return { longestMs, value };
    });
    expect(facts).toEqual({
      isHalfLoaded: true,
      isWholeLoaded: true,
      reloaded: 1,
      notReloaded: [],
    });
  });
}

test("what changes nothing of what is loaded reloads nothing", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project, ["start"], { LOG_LEVEL: "debug" });
  const unchanged = () => warren.lines("nothing of what runs has changed").length;
  utimesSync(project.path("src/handlers/a.ts"), new Date(), new Date());
  const before = unchanged();
  await project.write("src/handlers/unused.ts", "this is no module\n");
  await project.write("src/handlers/a.ts~", "nor is this\n");
  await waitFor(() => unchanged() > before, { what: "the new file to be seen" });
  await project.write("src/handlers/a.ts", handlerOf("2"));
  await warren.generation(2);
  expect(await warren.stop()).toBe(0);
  expect(warren.lines("reloaded")).toHaveLength(1);
});

test("a schema changes what publish takes and what handlers get, at once; a bad one changes nothing", async ({
  vhost,
  client,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  const statuses = async () => [
    await warren.publish("/publish/job.done", { id: 1 }),
    await warren.publish("/publish/job.done", { name: 1 }),
  ];
  expect(await statuses()).toEqual([202, 422]);
  await project.write("schemas/events/job.done.json", '{\n  "type": "object",\n  "required": 1\n}');
  expect(await warren.problem(/required/)).toMatch(
    /^schemas\/events\/job\.done\.json:3:\d+ bad-event-schema /,
  );
  expect(await statuses()).toEqual([202, 422]);
  await project.write("schemas/events/job.done.json", JSON.stringify(eventsOf("name")["job.done"]));
  await warren.generation(2);
  expect(await statuses()).toEqual([422, 202]);
  // A foreign publisher meets the handlers' side.
  await client.publish("jobs", "job.done", { id: 1 });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  const dead = await client.get("dead_letters");
  expect(dead?.headers["x-warren-reason"]).toBe("invalid-event");
  expect(await warren.stop()).toBe(0);
});

test("a file that schemas take a part from is one of them: its change is theirs, its mistake is named", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const schema = (type: string) => JSON.stringify({ properties: { id: { type } } });
  const taking = { type: "object", allOf: [{ $ref: "../common/known.json" }] };
  const project = await createProject({
    topology: topologyOf(vhost.url),
    handlers,
    events: { "job.done": taking },
  });
  await project.write("schemas/common/known.json", schema("number"));
  const warren = await run(startCli, project);
  const publish = () => warren.publish("/publish/job.done", { id: 1 });
  expect(await publish()).toBe(202);
  await project.write("schemas/common/known.json", "{\n");
  expect(await warren.problem(/no JSON/)).toMatch(
    /^schemas\/common\/known\.json:2:1 bad-event-schema /,
  );
  expect(await publish()).toBe(202);
  await project.write("schemas/common/known.json", schema("string"));
  await warren.generation(2);
  expect(await publish()).toBe(422);
  expect(await warren.stop()).toBe(0);
});

test("a new schema is taken where the file's patterns include it", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  expect(await warren.publish("/publish/job.begun", {})).toBe(404);
  await project.write("schemas/events/job.begun.json", '{ "type": "object" }');
  await warren.generation(2);
  expect(await warren.publish("/publish/job.begun", {})).toBe(202);
  expect(await warren.stop()).toBe(0);
});

test("a stop in the middle of a reload is a stop as any other", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  const head = 'console.log("loading");\nawait new Promise(() => undefined);';
  await project.write("src/handlers/a.ts", handlerOf("2", head));
  await warren.process.waitForLine("loading");
  expect(await warren.version()).toBe("1");
  expect(await warren.stop()).toBe(0);
  expect(warren.lines("stopped")).toMatchObject([{ drained: true }]);
  expect(warren.lines("not reloaded")).toEqual([]);
});

test("start does not read topology.yaml again", async ({ vhost, createProject, startCli }) => {
  const project = await createProject({ topology: topologyOf(vhost.url), handlers, events });
  const warren = await run(startCli, project);
  await project.write("topology.yaml", "queues: [\n");
  await project.write("src/handlers/a.ts", handlerOf("2"));
  await warren.generation(2);
  expect(await warren.version()).toBe("2");
  rmSync(project.path("topology.yaml"));
  await project.write("src/handlers/a.ts", handlerOf("3"));
  await warren.generation(3);
  expect(await warren.version()).toBe("3");
  expect(await warren.stop()).toBe(0);
});

test("a compiled project's handlers reload as well", async ({ vhost, createProject, startCli }) => {
  const project = await createProject({ topology: topologyOf(vhost.url), events });
  const save = async (version: number) => {
    const text = handlerOf("version", 'import { version } from "../lib.js";');
    await project.write("dist/handlers/job.js", handlerOf("1").replace("<never>", ""));
    await project.write("dist/handlers/a.js", text.replace("<never>", ""));
    await project.write("dist/lib.js", `export const version = ${version};\n`);
  };
  await save(1);
  const warren = await run(startCli, project, ["--handlers", "dist/handlers", "start"]);
  expect(await warren.version()).toBe("1");
  await save(2);
  await warren.generation(2);
  expect(await warren.version()).toBe("2");
  expect(await warren.stop()).toBe(0);
});

/** A new version of a mounted ConfigMap, as the kubelet swaps it in. */
async function mount(project: Project, version: number): Promise<void> {
  await project.write(`mount/..v${version}/a.ts`, handlerOf(String(version)));
  await project.write(`mount/..v${version}/job.ts`, handlerOf("1"));
  symlinkSync(`..v${version}`, project.path("mount/..data_tmp"));
  renameSync(project.path("mount/..data_tmp"), project.path("mount/..data"));
  rmSync(project.path(`mount/..v${version - 1}`), { recursive: true, force: true });
}

test("each of five swaps of a mounted ConfigMap is taken", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topologyOf(vhost.url), events });
  mkdirSync(project.path("mount"));
  await mount(project, 1);
  for (const name of ["a.ts", "job.ts"]) {
    symlinkSync(`..data/${name}`, project.path(`mount/${name}`));
  }
  const warren = await run(startCli, project, ["--handlers", "mount", "start"]);
  for (const version of [2, 3, 4, 5, 6]) {
    await mount(project, version);
    await warren.generation(version);
    expect(await warren.version()).toBe(String(version));
  }
  expect(warren.lines("not reloaded")).toEqual([]);
  expect(await warren.stop()).toBe(0);
});
