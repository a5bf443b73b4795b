/** Who declares: a runner that is back, when somebody has applied or is applying another topology. */
import { applyTopology } from "../../../src/apply/change/apply.ts";
import { takeLock } from "../../../src/apply/state/lock.ts";
import type { StateRecord } from "../../../src/apply/state/record.ts";
import { readState, writeState } from "../../../src/apply/state/state.ts";
import type { BrokerConnection } from "../../../src/broker-connection.ts";
import { connectBroker } from "../../../src/connect.ts";
import type { Client } from "../../support/client.ts";
import { loadTopology, startRunner, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { untilReady } from "../running.ts";

const topologyOf = (keys: string) => `
exchanges:
  jobs: { type: topic }
queues:
  work: { bind: { jobs: [${keys}] }, handler: work, deadLetter: none, retry: none }
`;
const FIRST = topologyOf("a, b");
const SECOND = topologyOf("a, c");

type Job = { readonly id: string };

async function runFirst(url: string) {
  const handled: string[] = [];
  const handlers = { work: ({ id }: Job) => void handled.push(id) };
  return { handled, warren: await startRunner({ url, topology: FIRST, handlers }) };
}

function load(url: string, topology: string) {
  return loadTopology({ url, topology, handlers: { work: () => undefined } });
}

/** A connection of somebody who changes the topology. */
async function withConnection(vhost: Vhost, use: (open: BrokerConnection) => Promise<void>) {
  const { url } = vhost;
  const addresses = [{ url, shown: url }];
  const connection = await connectBroker({ addresses, heartbeatMs: 10_000, name: "a change" });
  try {
    await use(connection);
  } finally {
    await connection.close();
  }
}

/** As one that replaces the queue would, and was interrupted, or is still at it. */
function writeJournal(vhost: Vhost, journal: StateRecord["journal"]): Promise<void> {
  return withConnection(vhost, async (connection) => {
    const state = await readState(connection, "test");
    if (!state) throw new Error("there is no state");
    await writeState(connection, { ...state, by: "ci@host", journal });
  });
}

const JOURNAL = { queue: "work", phase: "moved" } as unknown as StateRecord["journal"];

async function keysOf(vhost: Vhost): Promise<readonly string[]> {
  const bindings =
    await vhost.management<readonly { source: string; routing_key: string }[]>("bindings/{vhost}");
  return (bindings ?? [])
    .filter(({ source }) => source === "jobs")
    .map(({ routing_key }) => routing_key)
    .sort();
}

async function untilTopology(warren: TestRunner, word: string): Promise<readonly string[]> {
  return await waitFor(
    async (seen) => {
      const { topology, problems } = seen((await warren.get("/health")).body);
      return topology === word && (problems as readonly string[]);
    },
    { what: `the topology to be ${word}` },
  );
}

/** As a replacement does it: some time lies between the two. */
async function redeclare({ channel }: Client): Promise<void> {
  const limit = { "!": "long", value: 1_000 };
  const all = { "x-queue-type": "quorum", "x-delivery-limit": limit };
  await channel.assertQueue("work", { arguments: all });
  for (const key of ["a", "b"]) await channel.bindQueue("work", "jobs", key);
}

test("an old runner that reconnects restores no binding that a newer topology has removed", async ({
  vhost,
  client,
  proxy,
}) => {
  const { warren, handled } = await runFirst(proxy.url(vhost.url));
  expect(await keysOf(vhost)).toEqual(["a", "b"]);
  await applyTopology(await load(vhost.url, SECOND), { by: "ci@host" });
  proxy.cut();
  const problems = await untilTopology(warren, "waiting");
  await untilReady(warren);
  expect(await keysOf(vhost)).toEqual(["a", "c"]);
  await client.publish("jobs", "c", { id: "of the newer one" });
  await waitFor(() => handled.length === 1, { what: "a message" });
  const { body } = await warren.get("/health");
  await warren.stop();
  expect(problems).toEqual([
    "a newer topology (generation 2, by ci@host) is in force: nothing is declared",
  ]);
  expect(body.status).toBe("degraded");
});

test("an old runner that restarts is the newest, as a rollback is", async ({ vhost }) => {
  const first = await runFirst(vhost.url);
  await first.warren.stop();
  await applyTopology(await load(vhost.url, SECOND), { by: "ci@host" });
  const again = await runFirst(vhost.url);
  expect(await keysOf(vhost)).toEqual(["a", "b"]);
  await again.warren.stop();
});

test("a runner that reconnects declares what is missing where nobody else has applied anything", async ({
  vhost,
  client,
  proxy,
}) => {
  const { warren } = await runFirst(proxy.url(vhost.url));
  await client.channel.unbindQueue("work", "jobs", "b");
  proxy.cut();
  await waitFor(async (seen) => seen(await keysOf(vhost)).length === 2, { what: "its binding" });
  await untilReady(warren);
  await warren.stop();
});

test("while a queue is replaced a runner declares nothing, and consumes again after it", async ({
  vhost,
  client,
  proxy,
}) => {
  const { warren, handled } = await runFirst(proxy.url(vhost.url));
  await writeJournal(vhost, JOURNAL);
  await client.channel.deleteQueue("work");
  proxy.cut();
  const missing = await untilTopology(warren, "missing");
  const ready = await warren.get("/readyz");
  expect(await vhost.queueCounts("work")).toBeUndefined();
  await redeclare(client);
  await client.channel.unbindQueue("work", "jobs", "b");
  await client.publish("jobs", "a", { id: "meanwhile" });
  await waitFor(() => handled.length === 1, { what: "a message" });
  const waiting = await untilTopology(warren, "waiting");
  await untilReady(warren);
  expect(await keysOf(vhost)).toEqual(["a"]);
  await writeJournal(vhost, null);
  await untilTopology(warren, "verified");
  expect(await keysOf(vhost)).toEqual(["a", "b"]);
  await warren.stop();
  const changing = 'the topology is being changed by ci@host: queue "work" is being replaced';
  expect(ready.status).toBe(503);
  expect(missing).toEqual([
    changing,
    expect.stringMatching(/topology\.yaml:\d+:\d+ missing-object {2}queue "work" is not there$/),
  ]);
  expect(waiting).toEqual([changing]);
});

test("a runner that starts while a queue is replaced waits as well", async ({ vhost }) => {
  const first = await runFirst(vhost.url);
  await first.warren.stop();
  await writeJournal(vhost, JOURNAL);
  const again = await startRunner({
    url: vhost.url,
    topology: SECOND,
    handlers: { work: () => undefined },
  });
  const problems = await untilTopology(again, "waiting");
  await untilReady(again);
  expect(await keysOf(vhost)).toEqual(["a", "b"]);
  await writeJournal(vhost, null);
  await untilTopology(again, "verified");
  expect(await keysOf(vhost)).toEqual(["a", "c"]);
  await again.stop();
  expect(problems).toEqual([
    'the topology is being changed: waits for the replacement of queue "work", which was interrupted',
  ]);
});

test("a queue that is replaced under its consumer is consumed again, and loses nothing", async ({
  vhost,
  client,
}) => {
  const { warren, handled } = await runFirst(vhost.url);
  await withConnection(vhost, async (connection) => {
    await takeLock(connection, "test", { holder: "ci@host", timeoutMs: 10_000 });
    await client.channel.assertQueue("aside", { arguments: { "x-queue-type": "quorum" } });
    for (const key of ["a", "b"]) await client.channel.bindQueue("aside", "jobs", key);
    await client.publish("jobs", "a", { id: "aside" });
    await client.channel.deleteQueue("work");
    const problems = await untilTopology(warren, "missing");
    expect(problems[0]).toBe(
      'the topology is being changed: "warren.test.lock" is held by another connection, waited for 0 ms',
    );
    await redeclare(client);
    const moved = await client.get("aside");
    await client.channel.deleteQueue("aside");
    await client.publish("", "work", moved?.body ?? "");
    await client.publish("jobs", "b", { id: "after" });
    await waitFor(() => new Set(handled).size === 2, { what: "both messages" });
  });
  await untilTopology(warren, "verified");
  await untilReady(warren);
  await warren.stop();
  expect([...new Set(handled)].sort()).toEqual(["after", "aside"]);
});
