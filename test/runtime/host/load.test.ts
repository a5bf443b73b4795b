import { realpathSync } from "node:fs";
import { formatProblem } from "../../../src/errors.ts";
import { load } from "../../../src/loader/load.ts";
import type { Prepared } from "../../../src/runtime/host/host.ts";
import { WorkerHost } from "../../../src/runtime/host/worker-host.ts";
import type { Project } from "../../support/project.ts";
import { fileOf } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";

const url = "amqp://somebody:secret@127.0.0.1:1";
const topology = fileOf({
  url,
  topology: `
exchanges: { jobs: { type: fanout } }
defaults: { deadLetter: none, retry: none }
queues:
  first: { bind: jobs, handler: first }
  second: { bind: jobs, handler: second }
`,
});
const sound = `import { defineHandler } from "warren";
export default defineHandler<never>(() => undefined);
`;

const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore() {}

/** Loads the handlers of a project on a thread, and ends it. */
async function prepare(
  project: Project,
  env: Readonly<Record<string, string>> = {},
): Promise<Prepared & { readonly shown: readonly string[] }> {
  const loaded = load({ file: project.path("topology.yaml"), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const publish = () => Promise.reject(new Error("nothing is published"));
  const host = new WorkerHost({ publish, call: publish, onResults: ignore, log }, { env });
  try {
    const prepared = await host.prepare(loaded.topology);
    const problems = prepared.ok ? [] : prepared.problems;
    const shown = problems.map((one) => formatProblem(one).replace(`${project.folder}/`, ""));
    return { ...prepared, shown };
  } finally {
    await host.stop();
  }
}

const bad: readonly {
  readonly name: string;
  readonly text: string;
  readonly problem: string;
}[] = [
  {
    name: "a syntax error",
    text: `${sound}\nconst a = ;\n`,
    problem:
      'src/handlers/second.ts:4:11 bad-handler  handler "second": SyntaxError: Unexpected ";"',
  },
  {
    name: "no content",
    text: "",
    problem:
      'topology.yaml:10:3 bad-handler  handler "second": has no default export made by defineHandler("…")',
  },
  {
    name: "a function in place of a handler",
    text: "export default () => undefined;\n",
    problem:
      'topology.yaml:10:3 bad-handler  handler "second": has no default export made by defineHandler("…")',
  },
  {
    name: "an error as it is loaded",
    text: `type Some = { a: number };\n\n  throw new TypeError("no " + "luck");\n`,
    problem: 'src/handlers/second.ts:3:9 bad-handler  handler "second": TypeError: no luck',
  },
  {
    name: "a rejection as it is loaded",
    text: `await Promise.resolve();\nawait Promise.reject(new Error("late"));\n`,
    problem: 'src/handlers/second.ts:2:22 bad-handler  handler "second": Error: late',
  },
  {
    name: "a thrown text",
    text: `throw "a text";\n`,
    problem: 'topology.yaml:10:3 bad-handler  handler "second": threw a text',
  },
  {
    name: "an import that leads nowhere",
    text: `// a comment\nimport "../missing.ts";\n${sound}`,
    problem: expect.stringMatching(
      /^src\/handlers\/second\.ts:2:12 bad-handler {2}handler "second": Error: Cannot find module '.*\/src\/missing\.ts'/,
    ),
  },
  {
    name: "an import of a name that is not there",
    text: `// a comment\nimport { nothing } from "./first.ts";\n${sound}\nnothing();\n`,
    problem:
      "src/handlers/second.ts:2:26 bad-handler  handler \"second\": SyntaxError: The requested module './first.ts' does not provide an export named 'nothing'",
  },
  {
    name: "an exit",
    text: `${sound}\nprocess.exit(1);\n`,
    problem:
      'src/handlers/second.ts:4:9 bad-handler  handler "second": Error: process.exit(1) was called',
  },
  {
    name: "the end of its thread",
    text: `${sound}\n(process as any).reallyExit(4);\n`,
    problem: 'topology.yaml:10:3 bad-handler  handler "second": has ended its thread: ended with 4',
  },
];

test.for(bad)(
  "a handler module with $name is a problem with its place",
  async ({ text, problem }, { createProject }) => {
    const project = await createProject({ topology, handlers: { first: sound, second: text } });
    const { ok, shown } = await prepare(project);
    expect({ ok, shown }).toEqual({ ok: false, shown: [problem] });
  },
);

test.for([
  {
    name: "awaits for ever",
    text: "await new Promise((resolve) => setTimeout(resolve, 60_000));\n",
  },
  { name: "blocks its thread", text: "for (;;) {}\n" },
])(
  "a handler module that $name as it is loaded has 10 seconds",
  async ({ text }, { createProject }) => {
    const project = await createProject({ topology, handlers: { first: sound, second: text } });
    const { ok, shown } = await prepare(project);
    expect({ ok, shown }).toEqual({
      ok: false,
      shown: ['topology.yaml:10:3 bad-handler  handler "second": has not loaded within 10000 ms'],
    });
  },
);

test("all handlers that are bad are named at once", async ({ createProject }) => {
  const project = await createProject({
    topology,
    handlers: { first: "throw new Error('one');\n", second: "" },
  });
  const { shown } = await prepare(project);
  expect(shown).toEqual([
    'src/handlers/first.ts:1:7 bad-handler  handler "first": Error: one',
    'topology.yaml:10:3 bad-handler  handler "second": has no default export made by defineHandler("…")',
  ]);
});

test("every module that was loaded is named, also what is missing; packages are not", async ({
  createProject,
}) => {
  const project = await createProject({
    topology,
    handlers: {
      first: `import "../shared.ts";\nimport "../old.cjs";\nimport data from "../data.json" with { type: "json" };\nimport "a-package";\n${sound}void data;\n`,
      second: `import "../missing.ts";\n${sound}`,
    },
  });
  await project.write("node_modules/a-package/index.js", "");
  await project.write("src/shared.ts", "export {};\n");
  await project.write("src/old.cjs", "require('./older.cjs');\n");
  await project.write("src/older.cjs", "module.exports = 1;\n");
  await project.write("src/data.json", "{}\n");
  const { files } = await prepare(project);
  const folder = `${realpathSync(project.folder)}/`;
  const names = [...files.keys()].map((path) => path.replace(folder, "")).sort();
  expect(names).toEqual([
    "src/data.json",
    "src/handlers/first.ts",
    "src/handlers/second.ts",
    "src/missing.ts",
    "src/old.cjs",
    "src/older.cjs",
    "src/shared.ts",
  ]);
  expect(files.get(`${folder}src/missing.ts`)).toBe("absent");
});

test("a handler sees the environment without the broker's credentials", async ({
  createProject,
}) => {
  const project = await createProject({
    topology,
    handlers: { first: `${sound}throw new Error(JSON.stringify(process.env));\n`, second: sound },
  });
  const { shown } = await prepare(project, {
    RABBITMQ_URL: url,
    RABBITMQ_MANAGEMENT_URL: "http://somebody:secret@127.0.0.1:2",
    BROKER: url,
    BROKER_PASSWORD: "secret",
    DATABASE_URL: "postgres://somebody@127.0.0.1:1/db",
  });
  expect(shown[0]).toContain('Error: {"DATABASE_URL":"postgres://somebody@127.0.0.1:1/db"}');
});
