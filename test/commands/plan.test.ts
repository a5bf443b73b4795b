import { readFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import type { Context } from "../../src/commands/command.ts";
import { plan } from "../../src/commands/plan.ts";
import type { Project } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

const topology = (url: string, management: string, rest = "") => `version: 1
project: shop
broker: { url: "${url}", management: "${management}" }
exchanges:
  orders: { type: topic }
queues:
  billing: { bind: { orders: "order.*" }, handler: none, deadLetter: none${rest} }
`;

test("plan exits 2 while all that is pending is allowed, and 0 once it is applied", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost.url, vhost.managementUrl) });
  const before = await runCli(project, ["plan"]);
  expect(before).toMatchObject({ exit: 2, stderr: "" });
  expect(before.stdout).toMatch(
    /^shop {2}vhost test-\S+ {2}.+ at amqp:\S+ {2}state: none {2}\(management API, /,
  );
  expect(before.stdout).toMatch(/^ {2}\+ exchange {2}orders +topic +topology.yaml:5$/m);
  expect(before.stdout).toMatch(/^ {2}\+ binding +orders -> billing +order\.\* +topology.yaml:7$/m);
  expect(before.stdout).toContain("  Plan: 3 to add.");
  expect(before.stdout).not.toContain("\u001b");
  // Nothing was declared for the looking.
  expect(await vhost.management<object[]>("queues/{vhost}?disable_stats=true")).toEqual([]);

  expect((await runCli(project, ["apply"])).exit).toBe(0);
  const after = await runCli(project, ["plan"]);
  expect(after).toMatchObject({ exit: 0, stderr: "" });
  expect(after.stdout).toContain("Nothing to do: the broker has what the file says (3 unchanged).");
  expect(after.stdout).toContain("state: generation 1, ");
});

test("plan exits 3 while something is blocked, names the flag, and with it exits 2", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost.url, vhost.managementUrl) });
  await runCli(project, ["apply"]);
  await project.write("topology.yaml", topology(vhost.url, vhost.managementUrl, ", ttl: 1h"));
  const blocked = await runCli(project, ["plan"]);
  expect(blocked.exit).toBe(3);
  expect(blocked.stdout).toContain("x-message-ttl  none -> 3600000");
  expect(blocked.stdout).toContain("Blocked: 1 replace (needs --allow-replace).");
  const allowed = await runCli(project, ["plan", "--allow-replace"]);
  expect(allowed.exit).toBe(2);
  expect(allowed.stdout).not.toContain("Blocked");
});

test("plan --json prints the document alone, and --out writes the same to a file", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost.url, vhost.managementUrl) });
  const { exit, stdout } = await runCli(project, [
    "plan",
    "--prune",
    "--json",
    "--out",
    "plan.json",
  ]);
  expect(exit).toBe(2);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({
    format: 1,
    project: "shop",
    permissions: { prune: true, allowReplace: false, adopt: false },
    hasDifferences: true,
    isBlocked: false,
    unchanged: 0,
    fingerprint: { generation: null },
  });
  expect(JSON.parse(await readFile(project.path("plan.json"), "utf8"))).toEqual(document);
});

test("a file that can't be written is said, with exit 1", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost.url, vhost.managementUrl) });
  const { exit, stderr } = await runCli(project, ["plan", "--out", "no/such/folder.json"]);
  expect(exit).toBe(1);
  expect(stderr).toContain('plan-unwritable  "no/such/folder.json" can\'t be written: ENOENT');
});

test("an absent broker, and a file with a mistake, end with exit 1", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology("amqp://127.0.0.1:1", "") });
  const absent = await runCli(project, ["plan"]);
  expect(absent).toMatchObject({
    exit: 1,
    stdout: "",
    stderr: expect.stringContaining("connection-failed"),
  });
  await project.write("topology.yaml", topology("amqp://127.0.0.1:1", "", ", tl: 1h"));
  const mistaken = await runCli(project, ["plan"]);
  expect(mistaken).toMatchObject({ exit: 1, stderr: expect.stringContaining("unknown-key") });
});

test("without a broker of its own the plan is against an embedded one, which has nothing", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology("embedded:", "") });
  const { exit, stdout } = await runCli(project, ["plan", "--json"]);
  expect(exit).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ by: "management", unchanged: 0 });
});

test("on a terminal it has colours, unless NO_COLOR is set", async ({ vhost, createProject }) => {
  const project = await createProject({ topology: topology(vhost.url, vhost.managementUrl) });
  const colored = await printed(project, { isTerminal: true, env: {} });
  expect(colored).toContain("\u001b[32m");
  const plain = await printed(project, { isTerminal: true, env: { NO_COLOR: "1" } });
  expect(plain).not.toContain("\u001b");
  const withoutTimes = (text: string) => text.replace(/in \d+ ms/, "");
  expect(withoutTimes(stripVTControlCharacters(colored))).toBe(withoutTimes(plain));
});

async function printed(project: Project, given: Pick<Context, "isTerminal" | "env">) {
  const lines: string[] = [];
  const ignore = () => undefined;
  await plan(
    {
      ...given,
      file: project.path("topology.yaml"),
      handlersDirectory: project.path("src/handlers"),
      isJson: false,
      terminal: null,
      by: "somebody@here",
      print: (text) => lines.push(text),
      printError: ignore,
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    },
    {},
  );
  return lines.join("\n");
}

test("a user who may only read can plan, and nothing is changed", async ({
  vhost,
  user,
  client,
  createProject,
  runCli,
}) => {
  await client.channel.assertExchange("orders", "topic", { durable: true });
  await user.allow({ configure: "^$", write: "^$" });
  const project = await createProject({ topology: topology(user.url, vhost.managementUrl) });
  const { exit, stdout } = await runCli(project, ["plan"]);
  expect(exit).toBe(2);
  expect(stdout).toContain("Plan: 2 to add, 1 unchanged.");
});

test("plan says which exclusive queues it leaves out: beside its text, and in its document", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const own =
    '\n  own: { type: classic, exclusive: true, bind: { orders: "#" }, handler: take, deadLetter: none, allowLoss: true }';
  const text = topology(vhost.url, vhost.managementUrl).trimEnd();
  const project = await createProject({ topology: text + own, handlers: { take: "" } });
  const asText = await runCli(project, ["plan"]);
  expect(asText).toMatchObject({
    exit: 2,
    stderr: 'left out: queue "own" is exclusive: whoever consumes it declares and binds it\n',
    stdout: expect.not.stringContaining("own"),
  });
  const { stdout } = await runCli(project, ["plan", "--json"]);
  const { exclusive, entries } = JSON.parse(stdout);
  expect(exclusive).toEqual([{ name: "own", at: { file: "topology.yaml", line: 8, column: 3 } }]);
  expect(JSON.stringify(entries)).not.toContain("own");
});
