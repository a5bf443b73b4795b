import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import type { Project } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
`;
const text = { type: "string", maxLength: 50 };
const placed = { type: "object", required: ["id"], properties: { id: text, total: text } };
const events = { "order.placed": placed, "order.lost": { type: "object" } };

/** Commits all that stands in the folder, in a repository of its own. */
function commit(folder: string): void {
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  for (const args of [
    ["init", "-q", "-b", "main"],
    ["add", "-A"],
    [...who, "commit", "-q", "-m", "as it was"],
  ]) {
    execFileSync("git", args, {
      cwd: folder,
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
    });
  }
}

/** One event breaks consumers and publishers, one goes, one comes; a reply is added. */
async function edit({ write, path }: Project): Promise<void> {
  const { total: _, ...properties } = { ...placed.properties, note: text };
  const schema = { ...placed, required: ["id", "note"], properties };
  await write("schemas/events/order.placed.json", JSON.stringify(schema, null, 2));
  await write("schemas/events/order.found.json", '{ "type": "object" }');
  await write("schemas/replies/quote.json", '{ "type": "number" }');
  rmSync(path("schemas/events/order.lost.json"));
}

const expected = [
  "order.found",
  "  compatible                         (whole)           schemas/events/order.found.json:1:1         event added",
  "",
  "order.lost",
  "  breaking    publishers, consumers  (whole)           OLD/events/order.lost.json:1:1    event removed",
  "",
  "order.placed",
  '  breaking    consumers              /properties/total  OLD/events/order.placed.json:11:5  property "total" removed, was string',
  '  breaking    publishers             /required          schemas/events/order.placed.json:3:3        property "note": optional → required',
  '  compatible                         /properties/note   schemas/events/order.placed.json:12:5       property "note" added: string',
  "",
  "reply of quote",
  "  breaking    handlers               (whole)            schemas/replies/quote.json:1:1             reply added: its handler could return anything before",
  "",
  "4 breaking, 2 compatible in 4 schemas; 0 unchanged",
];
/** Columns are as wide as the longest of them. */
const lines = (output: string) =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/(\S) {2,}/g, "$1  "));
const expectedAs = (old: string) => lines(expected.join("\n").replaceAll("OLD", old));

test("schemas diff says what changed since the last commit, and whom it breaks, with exit 2", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology, events });
  commit(project.folder);
  const before = await runCli(project, ["schemas", "diff"]);
  expect(before).toMatchObject({ exit: 0, stdout: "nothing changed: 2 schemas as in HEAD\n" });
  await edit(project);
  const { exit, stdout, stderr } = await runCli(project, ["schemas", "diff"]);
  expect(exit).toBe(2);
  expect(lines(stdout)).toEqual(expectedAs("HEAD:schemas"));
  expect(stderr).toContain("schemas-breaking  4 changes may break who runs already");
});

test("schemas diff compares with a project's folder, with one of schemas, and with a branch", async ({
  createProject,
  runCli,
}) => {
  const old = await createProject({ topology, events });
  const project = await createProject({ topology, events });
  commit(project.folder);
  await edit(project);
  for (const [against, shown] of [
    [old.folder, old.path("schemas")],
    [old.path("schemas"), old.path("schemas")],
    ["main", "main:schemas"],
  ] as const) {
    const { exit, stdout } = await runCli(project, ["schemas", "diff", "--against", against]);
    expect([exit, ...lines(stdout)]).toEqual([2, ...expectedAs(shown)]);
  }
});

test("schemas diff reads the commit of a project in a folder of the repository, and exits with 0 when nobody is broken", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology, events: {} });
  await project.write("shop/topology.yaml", topology);
  await project.write("shop/schemas/events/order.placed.json", JSON.stringify(placed, null, 2));
  commit(project.folder);
  const properties = { ...placed.properties, note: text };
  const edited = JSON.stringify({ ...placed, properties });
  await project.write("shop/schemas/events/order.placed.json", edited);
  const args = ["--file", "shop/topology.yaml", "schemas", "diff", "--json"];
  const { exit, stdout } = await runCli(project, args);
  expect([exit, JSON.parse(stdout)]).toEqual([
    0,
    {
      against: "HEAD",
      counts: { breaking: 0, undecided: 0, compatible: 1 },
      unchanged: 0,
      schemas: [
        {
          kind: "event",
          name: "order.placed",
          changes: [
            {
              rule: "property",
              verdict: "compatible",
              breaks: [],
              side: "new",
              pointer: "/properties/note",
              at: {
                file: "shop/schemas/events/order.placed.json",
                line: 1,
                column: edited.indexOf('"note"') + 1,
              },
              message: 'property "note" added: string',
            },
          ],
        },
      ],
    },
  ]);
});

test("a change of what schemas share has its place in the shared file, in each event that takes it", async ({
  createProject,
  runCli,
}) => {
  const schema = { type: "object", properties: { price: { $ref: "../parts/money.json" } } };
  const project = await createProject({ topology, events: { "a.one": schema, "a.two": schema } });
  await project.write("schemas/parts/money.json", '{ "type": "number" }');
  commit(project.folder);
  await project.write("schemas/parts/money.json", '{\n  "type": "number",\n  "minimum": 0\n}');
  const { exit, stdout } = await runCli(project, ["schemas", "diff"]);
  const line =
    "  breaking  publishers  /properties/price/$ref/minimum  schemas/parts/money.json:3:3  least number: none → minimum 0";
  const summary = "2 breaking, 0 compatible in 2 schemas; 0 unchanged";
  expect([exit, ...lines(stdout)]).toEqual([2, "a.one", line, "", "a.two", line, "", summary]);
});

test("a schema that could not be read before is said to be undecided, one that can't be read now is an error", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology, events: {} });
  await project.write("schemas/events/order.placed.json", "{");
  commit(project.folder);
  const broken = await runCli(project, ["schemas", "diff"]);
  expect([broken.exit, broken.stderr]).toEqual([
    1,
    "schemas/events/order.placed.json:1:2 bad-event-schema  this is no JSON\n1 problem\n",
  ]);
  await project.write("schemas/events/order.placed.json", '{ "type": "object" }');
  const { exit, stdout } = await runCli(project, ["schemas", "diff"]);
  expect(exit).toBe(2);
  expect(stdout).toContain("can't tell  publishers, consumers");
  expect(stdout).toContain("the old schema can't be read: this is no JSON");
});

test("schemas diff says what is missing: a ref, a repository, git, schemas in a folder", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology, events });
  const diff = async (against: string, env = {}) => {
    const args = ["schemas", "diff", `--against=${against}`];
    const { exit, stderr } = await runCli(project, args, { env });
    return [exit, stderr.split("\n")[0]];
  };
  const why = "git-unusable  the schemas of a commit can't be read:";
  const [exit, none] = await diff("HEAD");
  expect(exit).toBe(1);
  expect(none).toContain(`${why} fatal: not a git repository`);
  expect(await diff("HEAD", { PATH: "/nowhere" })).toEqual([1, `${why} no git is installed`]);
  expect(await diff("src")).toEqual([
    1,
    'bad-argument  --against "src": no schemas, events or replies in that folder',
  ]);
  commit(project.folder);
  for (const ref of ["v9", "--output=x", "HEAD:schemas"]) {
    expect(await diff(ref)).toEqual([
      1,
      `unknown-ref  "${ref}" is no folder, and no commit, branch or tag of the repository`,
    ]);
  }
});
