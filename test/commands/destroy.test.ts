import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";

const topology = ({ url, managementUrl }: Vhost, management = true) => `version: 1
project: shop
broker: { url: "${url}"${management ? `, management: "${managementUrl}"` : ""} }
defaults: { deadLetter: dead, retry: [1s] }
exchanges: { x: { type: topic }, dead: { type: topic } }
queues:
  work: { bind: { x: "#" }, handler: work }
  fast: { type: classic, bind: { x: "#" }, handler: none, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const handlers = {
  work: `import { defineHandler } from "warren";
export default defineHandler<never>(() => undefined);
`,
};

async function namesIn(vhost: Vhost) {
  const list = async (kind: string) =>
    (await vhost.management<readonly { readonly name: string }[]>(`${kind}/{vhost}`)) ?? [];
  const all = [...(await list("exchanges")), ...(await list("queues"))].map(({ name }) => name);
  return all.filter((name) => !/^(amq\..*|)$/.test(name)).sort();
}

test("destroy removes everything that apply has made, and nothing else", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  await client.channel.assertQueue("theirs");
  await client.channel.assertExchange("their.exchange", "topic");
  const project = await createProject({ topology: topology(vhost), handlers });
  await runCli(project, ["apply"]);
  const destroyed = await runCli(project, ["destroy"]);
  expect(destroyed).toMatchObject({ exit: 0, stderr: "" });
  expect(destroyed.stdout).toContain("nothing of the project is left");
  expect(await namesIn(vhost)).toEqual(["their.exchange", "theirs"]);
  const again = await runCli(project, ["destroy", "--json"]);
  expect({ ...again, stdout: JSON.parse(again.stdout) }).toMatchObject({
    exit: 0,
    stdout: { format: 1, project: "shop", entries: [], isDone: true },
  });
});

test("a queue with messages is kept with exit 5, and goes where it is named, and all that it held up", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost), handlers });
  await runCli(project, ["apply"]);
  await client.publish("x", "k", "kept");
  const kept = await runCli(project, ["destroy"]);
  expect(kept.exit).toBe(5);
  expect(kept.stdout).toMatch(/- queue {5}work {2}kept: not empty/);
  expect(kept.stdout).toMatch(/- queue {5}fast {2}kept: not empty/);
  expect(await namesIn(vhost)).toContain("warren.shop.state");
  const named = await runCli(project, ["destroy", "--queue", "work", "--queue", "fast"]);
  expect(named.exit).toBe(0);
  expect(await namesIn(vhost)).toEqual([]);
});

test("a queue of somebody else can't be named", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  await client.channel.assertQueue("theirs");
  const project = await createProject({ topology: topology(vhost), handlers });
  await runCli(project, ["apply"]);
  const { exit, stderr } = await runCli(project, ["destroy", "--queue", "theirs"]);
  expect(exit).toBe(1);
  expect(stderr).toContain('not-ours  queue "theirs" is none that project "shop" has made');
  expect(await namesIn(vhost)).toContain("work");
});

test("over AMQP alone destroy keeps what it can't look into", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost, false), handlers });
  await runCli(project, ["apply"]);
  const { exit, stdout } = await runCli(project, ["destroy"]);
  expect(exit).toBe(5);
  expect(stdout).toContain("- queue     fast  removed");
  expect(stdout).toMatch(/queue {5}work {2}kept: over AMQP alone/);
});
