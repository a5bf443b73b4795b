import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { inject } from "vitest";
import { expect, test } from "../support/test.ts";

const handlers = {
  greet: `import { defineHandler } from "warren";
export default defineHandler<never>((event, { log }) => log.info({ event }, "greeted"));
`,
};
const topology = (url: string, rest = "") => `version: 1
project: hello
broker: { url: "${url}" }
http: { port: 0 }
defaults: { deadLetter: dead }
exchanges:
  greetings: { type: topic }
  dead: { type: topic }
queues:
  greet_queue: { bind: { greetings: "#" }, handler: greet${rest} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

async function readyUrl(running: { waitForLine(pattern: RegExp): Promise<string> }) {
  return (JSON.parse(await running.waitForLine(/"msg":"ready"/)) as { url: string }).url;
}

async function post(url: string, body: object) {
  const response = await fetch(`${url}/publish`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { message_id: string } };
}

test("check names every problem at once, and exits 1; a sound project exits 0", async ({
  createProject,
  runCli,
}) => {
  const bad = await createProject({
    topology: topology("amqp://127.0.0.1", ", tl: 5s").replace("handler: greet", "handler: gret"),
    handlers,
  });
  const refused = await runCli(bad, ["check"]);
  expect(refused.exit).toBe(1);
  expect(refused.stderr.split("\n")[0]).toContain("topology.yaml:10:");
  expect(refused.stderr).toContain("unknown-handler");
  expect(refused.stderr).toContain('unknown-key  unknown key "tl"; did you mean "ttl"?');

  const good = await createProject({ topology: topology("amqp://127.0.0.1"), handlers });
  const accepted = await runCli(good, ["check", "--json"]);
  expect(accepted).toMatchObject({ exit: 0, stderr: "" });
  expect(JSON.parse(accepted.stdout)).toEqual({ ok: true, problems: [] });
});

test("check loads the handlers: one without a default export is a problem", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({
    topology: topology("amqp://127.0.0.1"),
    handlers: { greet: "export const greet = 1;\n" },
  });
  const { exit, stderr } = await runCli(project, ["check"]);
  expect(exit).toBe(1);
  expect(stderr).toContain('bad-handler  handler "greet": has no default export');
});

test("apply prints what it created, then that all is right; a conflict exits 3 and names it", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology(vhost.url, ", ttl: 1m"), handlers });
  const first = await runCli(project, ["apply"]);
  expect(first.exit).toBe(0);
  expect(first.stdout).toContain("+ queue     greet_queue");
  const second = await runCli(project, ["apply"]);
  expect(second.exit).toBe(0);
  expect(second.stdout).not.toContain("+ queue");
  expect(second.stdout).not.toContain("created");

  await project.write("topology.yaml", topology(vhost.url, ", ttl: 60001ms"));
  const third = await runCli(project, ["apply"]);
  expect(third.exit).toBe(3);
  expect(third.stdout).toContain(
    "-/+ queue     greet_queue  cannot be changed in place  topology.yaml:10",
  );
  expect(third.stdout).toContain("x-message-ttl  60000 -> 60001");
  expect(third.stdout).toContain("blocked: over AMQP alone the dead letters that it may hold");
});

for (const form of ["built", "source"] as const) {
  test(`start serves until SIGTERM, drains and exits 0; what it logs has no password (${form})`, async ({
    vhost,
    createProject,
    startCli,
  }) => {
    const project = await createProject({ topology: topology(vhost.url), handlers });
    const running = startCli(project, ["start"], { form });
    const url = await readyUrl(running);
    const message = { exchange: "greetings", routing_key: "a", message: { hi: 1 } };
    expect((await post(url, message)).status).toBe(202);
    await running.waitForLine(/"event":\{"hi":1\}.*"msg":"greeted"/);
    running.kill("SIGTERM");
    expect(await running.exit).toBe(0);
    expect(running.stdout).toContain('"drained":true');
    expect(`${running.stdout}${running.stderr}`).not.toContain("guest:guest");
  });
}

test("a client that keeps its connection, with a request under way, holds up no stop", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: topology(vhost.url), handlers });
  const running = startCli(project, ["start"]);
  const url = await readyUrl(running);
  const agent = new Agent({ keepAlive: true });
  const headers = { "content-type": "application/json", expect: "100-continue" };
  const call = request(`${url}/publish`, { method: "POST", agent, headers });
  call.flushHeaders();
  await once(call, "continue");
  running.kill("SIGTERM");
  await running.waitForLine(/"msg":"stopping"/);
  call.end(JSON.stringify({ exchange: "greetings", routing_key: "a", message: {} }));
  const [answer] = await once(call, "response");
  answer.resume();
  const begin = performance.now();
  expect(await running.exit).toBe(0);
  // Its client would keep the connection for 10 s.
  expect(performance.now() - begin).toBeLessThan(8_000);
  expect(answer.statusCode).toBe(202);
  agent.destroy();
});

test("a second signal ends at once, and what ran goes back to its queue", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topology(vhost.url),
    handlers: {
      greet: `import { defineHandler } from "warren";
export default defineHandler<never>(async (_event, { log }) => {
  log.info({}, "begun");
  await new Promise((resolve) => setTimeout(resolve, 20_000));
});
`,
    },
  });
  const running = startCli(project, ["start"]);
  const url = await readyUrl(running);
  await post(url, { exchange: "greetings", routing_key: "a", message: {} });
  await running.waitForLine(/"msg":"begun"/);
  running.kill("SIGTERM");
  await running.waitForLine(/"msg":"stopping"/);
  running.kill("SIGTERM");
  expect(await running.exit).toBe(1);
  await vhost.waitForCounts("greet_queue", { ready: 1 });
});

test("start in front of a conflict changes nothing and exits 3", async ({
  vhost,
  client,
  createProject,
  runCli,
}) => {
  await client.channel.assertQueue("greet_queue", { durable: true });
  const project = await createProject({ topology: topology(vhost.url), handlers });
  const { exit, stderr } = await runCli(project, ["start"]);
  expect(exit).toBe(3);
  expect(stderr).toContain("conflict");
  expect(stderr).toContain("x-queue-type");
  expect(await vhost.queueCounts("dead_letters")).toBeUndefined();
});

test("a wrong password, an absent vhost and an absent broker end in seconds, with exit 1", async ({
  vhost,
  createProject,
  runCli,
}) => {
  const wrong = Object.assign(new URL(vhost.url), { password: "wrong" }).href;
  const absent = Object.assign(new URL(vhost.url), { pathname: "/no-such-vhost" }).href;
  // The embedded broker makes a vhost for the first who asks for it.
  const hasVhosts = inject("broker").kind === "rabbitmq";
  const cases = [
    [wrong, "access-refused"],
    ...(hasVhosts ? [[absent, "access-refused"] as const] : []),
    ["amqp://127.0.0.1:1", "connection-failed"],
  ] as const;
  for (const [url, code] of cases) {
    const project = await createProject({ topology: topology(url), handlers });
    const timed = async (command: string) => {
      const began = performance.now();
      const ended = await runCli(project, [command]);
      return { ...ended, ms: performance.now() - began };
    };
    // What it takes to start the process and to load the handlers does not count.
    const { ms: loadMs } = await timed("check");
    const { exit, stderr, ms } = await timed("start");
    expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining(code) });
    expect(ms - loadMs).toBeLessThan(10_000);
    expect(stderr).not.toContain("wrong@");
  }
});

test("a taken port is said, with exit 1", async ({ vhost, createProject, runCli }) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  const text = topology(vhost.url).replace("port: 0", `port: ${port}`);
  const project = await createProject({ topology: text, handlers });
  const { exit, stderr } = await runCli(project, ["start"]);
  other.close();
  expect(exit).toBe(1);
  expect(stderr).toContain("port-in-use");
});

test("generate writes the types, and --check exits 2 once they are stale", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology("amqp://127.0.0.1"), handlers });
  expect((await runCli(project, ["generate", "--check"])).exit).toBe(2);
  expect((await runCli(project, ["generate"])).exit).toBe(0);
  expect(readFileSync(project.path("src/generated/topology.ts"), "utf8")).toContain("greet_queue");
  expect((await runCli(project, ["generate", "--check"])).exit).toBe(0);
  await project.write(
    "topology.yaml",
    topology("amqp://127.0.0.1").replaceAll("greet_queue", "greet_queue_2"),
  );
  const stale = await runCli(project, ["generate", "--check"]);
  expect(stale.exit).toBe(2);
  expect(stale.stderr).toContain("generated-stale");
  const line = /topology\.ts:\d+ differs\n- {5}"greet_queue": unknown;\n\+ {5}"greet_queue_2": /;
  expect(stale.stderr).toMatch(line);
});
