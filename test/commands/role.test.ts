/** Publishers and subscribers that scale apart: `--only` and `--queues`. */
import { expect, test } from "../support/test.ts";
import { eventsOf, handlerOf, type Running, run, topologyOf } from "./running.ts";

async function get({ lines }: Running, path: string): Promise<{ status: number; body: unknown }> {
  const [ready] = lines("ready");
  const response = await fetch(`${ready?.url}${path}`, { headers: { connection: "close" } });
  return { status: response.status, body: await response.json() };
}

test("--only http publishes and consumes nothing, --only consumers handles it and takes no messages", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topologyOf(vhost.url, ["a"], "  job2: { bind: { jobs: none }, handler: none }\n"),
    // That it can't be loaded is no matter where nothing is consumed.
    handlers: { a: handlerOf("await Promise.reject(new Error())"), job: handlerOf("1") },
    events: { "job.done": { type: "object" } },
  });
  const http = await run(startCli, project, ["start", "--only", "http"]);
  expect(await http.publish("/publish/job.done", {})).toBe(202);
  expect((await http.health()).queues).toEqual({});
  expect(await get(http, "/readyz")).toMatchObject({ status: 200 });
  expect(await vhost.queueCounts("job")).toEqual({ ready: 1, consumers: 0 });

  await project.write("src/handlers/a.ts", handlerOf("1"));
  const consumers = await run(startCli, project, ["start", "--only", "consumers"]);
  await consumers.process.waitForLine(/"msg":"handled"/);
  const health = await consumers.health();
  expect(Object.keys(health.queues).sort()).toEqual(["a", "job"]);
  for (const path of ["/publish", "/publish/job.done", "/rpc"]) {
    expect(await consumers.publish(path, {})).toBe(404);
  }
  for (const path of ["/livez", "/readyz", "/topology", "/drift"]) {
    expect(await get(consumers, path)).toMatchObject({ status: 200 });
  }
  const [whole, part] = await Promise.all(
    [http, consumers].map((runner) => get(runner, "/openapi.json")),
  );
  const pathsOf = (document: typeof whole) => {
    const body = document?.body as { paths: object } | undefined;
    return Object.keys(body?.paths ?? {});
  };
  const publishing = pathsOf(whole).filter((path) => /^\/(publish|rpc)/.test(path));
  expect(publishing).toEqual(expect.arrayContaining(["/publish/job.done", "/rpc"]));
  expect(pathsOf(part)).toEqual(pathsOf(whole).filter((path) => !publishing.includes(path)));
  expect(await Promise.all([http.stop(), consumers.stop()])).toEqual([0, 0]);
});

test("--queues consumes these alone, whatever an edit adds", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topologyOf(vhost.url, ["a", "b", "c"]),
    handlers: { ...handlersOf("a", "c", "d", "job"), b: "throw new Error('it is never loaded');" },
    events: eventsOf("id"),
  });
  const warren = await run(startCli, project, ["dev", "--queues", "a,job", "--queues", "c"]);
  const consumed = async () => Object.keys((await warren.health()).queues).sort();
  expect(await consumed()).toEqual(["a", "c", "job"]);
  expect(await warren.version("c")).toBe("1");
  expect(await warren.publish("/publish", { exchange: "free", routing_key: "b", message: 1 })).toBe(
    202,
  );

  await project.write("topology.yaml", topologyOf(vhost.url, ["a", "b", "c", "d"]));
  await warren.generation(2);
  expect(await consumed()).toEqual(["a", "c", "job"]);
  expect(await vhost.queueCounts("d")).toEqual({ ready: 0, consumers: 0 });

  await project.write("topology.yaml", topologyOf(vhost.url, ["a", "b", "d"]));
  expect(await warren.problem(/--queues/)).toMatch(
    /topology\.yaml:1:1 unknown-queue {2}--queues names "c", which is not declared/,
  );
  expect(await warren.version("c")).toBe("1");
  expect(await warren.stop()).toBe(0);
  expect(await vhost.queueCounts("b")).toEqual({ ready: 1, consumers: 0 });
});

test("a runner that consumes a part takes over from a former queue for its part alone", async ({
  vhost,
  client,
  createProject,
  startCli,
}) => {
  for (const name of ["old_a", "old_b"]) {
    await client.channel.assertQueue(name, { durable: true });
    await client.publish("", name, { sent: name });
  }
  const renamed = ["a", "b"]
    .map((name) => `  ${name}: { bind: { free: ${name} }, handler: ${name}, was: old_${name} }\n`)
    .join("");
  const project = await createProject({
    topology: topologyOf(vhost.url, [], renamed),
    handlers: handlersOf("a", "b", "job"),
    events: eventsOf("id"),
  });
  const warren = await run(startCli, project, ["start", "--queues", "a"]);
  await warren.process.waitForLine(/"event":\{"sent":"old_a"\}/);
  expect(await warren.stop()).toBe(0);
  expect(await vhost.queueCounts("old_a")).toEqual({ ready: 0, consumers: 0 });
  expect(await vhost.queueCounts("old_b")).toEqual({ ready: 1, consumers: 0 });
});

const mistakes = [
  {
    name: "a queue that is not declared",
    args: ["--queues", "jop,dead_letters"],
    stderr: [
      /^topology\.yaml:1:1 unknown-queue {2}--queues names "jop", which is not declared; did you mean "job"\?$/m,
      /^topology\.yaml:\d+:3 bad-argument {2}--queues names "dead_letters", which has no handler$/m,
    ],
  },
  {
    name: "queues where nothing is consumed",
    args: ["--only", "http", "--queues", "job"],
    stderr: [/--only http consumes nothing/],
  },
  {
    name: "another part",
    args: ["--only", "none"],
    stderr: [/Allowed choices are http, consumers/],
  },
];

test.for(mistakes)(
  "start refuses $name, with status 1",
  async (mistake, { createProject, runCli }) => {
    const { args, stderr } = mistake;
    const project = await createProject({
      topology: topologyOf("amqp://127.0.0.1:1", []),
      handlers: handlersOf("job"),
      events: eventsOf("id"),
    });
    const ended = await runCli(project, ["start", ...args]);
    expect(ended.exit).toBe(1);
    for (const pattern of stderr) expect(ended.stderr).toMatch(pattern);
  },
);

function handlersOf(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, handlerOf('"1"')]));
}
