/** The package as a dependency of another project: packed, installed, with that project's handlers. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { eventsOf, handlerOf, run, topologyOf } from "./commands/running.ts";
import { REPOSITORY, startProcess } from "./support/processes.ts";
import type { Project } from "./support/project.ts";
import { expect, test } from "./support/test.ts";

let packed: string;

beforeAll(() => {
  packed = mkdtempSync(join(tmpdir(), "warren-packed-"));
  const npm = (...args: string[]) =>
    execFileSync("npm", args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "ignore"] });
  const [{ filename }] = JSON.parse(npm("pack", "--json", "--pack-destination", packed).toString());
  execFileSync("tar", ["-xzf", join(packed, filename), "-C", packed]);
  // What `npm install` would fetch for it is here already.
  symlinkSync(join(REPOSITORY, "node_modules"), join(packed, "package", "node_modules"));
});

afterAll(() => rmSync(packed, { recursive: true, force: true }));

const handler = `import { defineHandler } from "warren";
export default defineHandler<"greet_queue">((event, { log }) => log.info({ event }, "greeted"));
`;
const topology = (url: string) => `version: 1
project: hello
broker: { url: "${url}" }
http: { port: 0 }
defaults: { deadLetter: none }
exchanges:
  greetings: { type: topic, events: ["greeting.*"] }
queues:
  greet_queue: { bind: { greetings: "#" }, handler: greet }
`;
const events = { "greeting.sent": { type: "object", properties: { to: { type: "string" } } } };

test("the package holds what a project needs, and none of the bookshop", () => {
  const files = readdirSync(join(packed, "package"), { recursive: true }).map(String);
  const own = files.filter((file) => !file.startsWith("node_modules"));
  expect(own).toEqual(
    expect.arrayContaining([
      "LICENSE",
      "README.md",
      "dist/cli.js",
      "dist/index.js",
      "dist/index.d.ts",
      "package.json",
      "schemas/topology.schema.json",
    ]),
  );
  expect(own.filter((file) => /handlers\/|generated|topology\.yaml|demo/.test(file))).toEqual([]);
});

test("a project that depends on it generates, compiles, checks and runs its own handlers", async ({
  vhost,
  createProject,
}) => {
  const project = await createProject({
    topology: topology(vhost.url),
    events,
    handlers: { greet: handler },
  });
  rmSync(project.path("node_modules"), { recursive: true });
  mkdirSync(project.path("node_modules"));
  cpSync(join(packed, "package"), project.path("node_modules/warren"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const cli = project.path("node_modules/warren/dist/cli.js");
  const warren = (...args: string[]) =>
    execFileSync(process.execPath, [cli, ...args], { cwd: project.folder }).toString();
  expect(warren("generate")).toContain("src/generated/topology.ts");
  await project.write(
    "tsconfig.json",
    JSON.stringify({
      compilerOptions: {
        module: "nodenext",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        types: [],
      },
      include: ["src"],
    }),
  );
  execFileSync(join(REPOSITORY, "node_modules/.bin/tsc"), ["-p", project.folder]);
  expect(warren("check")).toContain("no problem");

  const running = startProcess(process.execPath, [cli, "start"], { cwd: project.folder });
  try {
    const ready = await running.waitForLine(/"msg":"ready"/);
    const { url } = JSON.parse(ready) as { url: string };
    const answer = await fetch(`${url}/publish/greeting.sent`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: '{"to":"you"}',
    });
    expect(answer.status).toBe(202);
    await answer.text();
    await running.waitForLine(/"to":"you".*"msg":"greeted"/);
    running.kill("SIGTERM");
    expect(await running.exit).toBe(0);
  } finally {
    running.kill("SIGKILL");
    await running.exit;
  }
});

/** Of the packages that are here, those that run or compile TypeScript. */
const COMPILERS = new Set(["tsx", "esbuild", "@esbuild", "typescript", "vitest", ".bin"]);

/** Installs the package and what it needs, but nothing that could run TypeScript. */
function installWithoutCompilers(project: Project): void {
  const modules = project.path("node_modules");
  rmSync(modules, { recursive: true });
  mkdirSync(modules);
  for (const name of readdirSync(join(REPOSITORY, "node_modules"))) {
    if (COMPILERS.has(name)) continue;
    symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name));
  }
  cpSync(join(packed, "package"), join(modules, "warren"), {
    recursive: true,
    filter: (source) => source !== join(packed, "package", "node_modules"),
  });
}

test("compiled handlers are followed by the compiled product, where nothing can run TypeScript", async ({
  vhost,
  createProject,
}) => {
  const a = handlerOf("version", 'import { version } from "../version.ts";');
  const project = await createProject({
    topology: topologyOf(vhost.url),
    events: eventsOf("id"),
    handlers: { a, job: handlerOf("1") },
  });
  installWithoutCompilers(project);
  await project.write("src/version.ts", "export const version: number = 1;\n");
  const compilerOptions = {
    module: "nodenext",
    strict: true,
    skipLibCheck: true,
    types: [],
    rootDir: "src",
    outDir: "dist",
    rewriteRelativeImportExtensions: true,
  };
  await project.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["src"] }));
  execFileSync(join(REPOSITORY, "node_modules/.bin/tsc"), ["-p", project.folder]);
  rmSync(project.path("src"), { recursive: true });

  const startBuilt = ({ folder }: Project, args: readonly string[]) => {
    const cli = join(folder, "node_modules/warren/dist/cli.js");
    const env = { NODE_OPTIONS: undefined };
    return startProcess(process.execPath, [cli, ...args], { cwd: folder, env });
  };
  const command = ["--handlers", "dist/handlers", "start"];
  const warren = await run(startBuilt, project, command);
  try {
    expect(await warren.version()).toBe("1");
    await project.write("dist/version.js", "export const version = 2;\n");
    await warren.generation(2);
    expect(await warren.version()).toBe("2");
    const text = readFileSync(project.path("dist/handlers/a.js"), "utf8");
    await project.write("dist/handlers/a.js", text.replace("export default", "export default ("));
    const line = text.split("\n").findIndex((one) => one.startsWith("export default")) + 1;
    expect(await warren.problem(/^handler "a": SyntaxError: /)).toMatch(
      new RegExp(`^dist/handlers/a\\.js:${line}:\\d+ bad-handler  `),
    );
    expect(await warren.version()).toBe("2");
    await project.write("dist/version.js", "export const version = 3;\n");
    await project.write("dist/handlers/a.js", text);
    await warren.generation(3);
    expect(await warren.version()).toBe("3");
    expect(await warren.stop()).toBe(0);
  } finally {
    warren.process.kill("SIGKILL");
    await warren.process.exit;
  }
});
