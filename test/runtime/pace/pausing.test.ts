import { randomUUID } from "node:crypto";
import { connectBroker } from "../../../src/connect.ts";
import { QueueConsumer } from "../../../src/runtime/consume/consumer.ts";
import type { Delivery, Outcome } from "../../../src/runtime/host/host.ts";
import { createClaims } from "../../../src/runtime/idempotency/claims.ts";
import { Keys } from "../../../src/runtime/idempotency/keys.ts";
import { Trace } from "../../../src/runtime/trace.ts";
import type { Queue } from "../../../src/topology.ts";
import type { Client } from "../../support/client.ts";
import { expect, test } from "../../support/test.ts";
import { topologyOf } from "../../support/topology.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { nothing } from "../jobs.ts";

type Kind = Partial<Queue> & { readonly arguments: Queue["arguments"] };

const single = { "x-single-active-consumer": true };
const kinds: Readonly<Record<string, Kind>> = {
  "a classic queue": { type: "classic", arguments: {} },
  "a quorum queue": { type: "quorum", arguments: { "x-queue-type": "quorum" } },
  "a classic queue with a single active consumer": { type: "classic", arguments: single },
  "an ordered queue": {
    type: "quorum",
    arguments: { "x-queue-type": "quorum", ...single },
    ordered: true,
    concurrency: 1,
    retryDelaysMs: [200_000],
  },
};

/** A consumer of a queue that is declared so, and the runs that it has begun. */
async function consuming({ url }: Vhost, { channel }: Client, kind: Kind) {
  const queues = { queue: { concurrency: 2, prefetch: 4, ...kind } };
  const topology = topologyOf({ exchanges: {}, queues });
  const { queue } = topology.queues;
  if (!queue) throw new Error("there is no queue");
  await channel.assertQueue("queue", { arguments: kind.arguments });
  const runs: Delivery[] = [];
  const lost: string[] = [];
  let lastId = 0;
  let copies = 0;
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const claims = createClaims(topology, { onChange: nothing, log });
  const consumer = new QueueConsumer({
    queue,
    bindingsOf: () => [],
    project: "test",
    publisher: {
      publish: async () => {
        copies += 1;
        return { status: "nacked", message: "no" };
      },
    },
    onReplyDropped: () => undefined,
    onRequestExpired: () => undefined,
    repair: async () => undefined,
    trace: new Trace(),
    log,
    once: { claims, keys: new Keys(() => topology) },
    deliver: (batch) => runs.push(...batch),
    nextId: () => ++lastId,
    onLost: (_, reason) => lost.push(reason),
  });
  const connect = () =>
    connectBroker({ addresses: [{ url, shown: url }], heartbeatMs: 10_000, name: randomUUID() });
  const connection = await connect();
  await consumer.subscribe(connection);
  const end = (run: Delivery | undefined, outcome: Outcome = { status: "handled" }) => {
    if (!run) throw new Error("there is no such run");
    consumer.accept({ id: run.id, queue: "queue", outcome, durationMs: 1 });
  };
  return { consumer, connection, connect, runs, lost, end, copies: () => copies };
}

const idOf = ({ message, attempt }: Delivery) => `${message.id} ${attempt}`;

async function fill(client: Client, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await client.publish("", "queue", { n }, { messageId: `${n}` });
}

for (const [name, kind] of Object.entries(kinds)) {
  test(`paused, ${name} is left with what has not begun, in its order, and goes on after the last reason`, async ({
    vhost,
    client,
  }) => {
    const { consumer, connection, runs, lost, end, copies } = await consuming(vhost, client, kind);
    await fill(client, 7);
    const atOnce = consumer.queue.concurrency;
    await waitFor(() => runs.length === atOnce, { what: "the first runs" });
    const releases = [consumer.pause("one"), consumer.pause("two", 60_000)];
    expect(consumer.state).toBe("paused");
    for (const run of runs.slice(0, atOnce)) end(run);
    await vhost.waitForCounts("queue", { ready: 7 - atOnce, consumers: 0 });
    expect(runs.map(idOf)).toEqual(["0 1", "1 1"].slice(0, atOnce));
    releases[0]?.();
    expect(consumer.slots.pausing.pauses.map(({ reason }) => reason)).toEqual(["two"]);
    expect(consumer.state).toBe("paused");
    releases[1]?.();
    for (let n = atOnce; n < 7; n++) {
      await waitFor(() => runs.length > n, { what: `run ${n}` });
      end(runs[n]);
    }
    expect(consumer.state).toBe("live");
    expect(runs.map(({ message }) => message.id).sort()).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
    ]);
    if (kind.ordered) expect(runs.map(idOf)).toEqual([..."0123456"].map((id) => `${id} 1`));
    expect(await consumer.drain(5_000)).toBe(true);
    await vhost.waitForCounts("queue", { ready: 0, consumers: 0 });
    expect(lost).toEqual([]);
    // Of a classic queue's redeliveries only those are counted that nobody can tell from a crash's.
    if (kind.type !== "classic" || kind.arguments !== single) expect(copies()).toBe(0);
    await connection.close();
  });
}

test("an ordered queue that is paused during the wait for a retry goes on with that attempt", async ({
  vhost,
  client,
}) => {
  const kind = kinds["an ordered queue"] as Kind;
  const { consumer, connection, runs, end } = await consuming(vhost, client, kind);
  await fill(client, 2);
  await waitFor(() => runs.length === 1, { what: "the first run" });
  end(runs[0], { status: "failed", cause: { reason: "handler-failed", error: "once" } });
  const release = consumer.pause("one");
  await vhost.waitForCounts("queue", { ready: 2, consumers: 0 });
  const isSoon = consumer.refresh({ ...consumer.queue, retryDelaysMs: [1] });
  release();
  await isSoon;
  await vhost.waitForCounts("queue", { consumers: 1 });
  // It still waits for the rest of its delay, and comes back uncounted once more.
  expect(runs.map(idOf)).toEqual(["0 1"]);
  await consumer.drain(5_000);
  await vhost.waitForCounts("queue", { ready: 2, consumers: 0 });
  await connection.close();
});

for (const name of ["a quorum queue", "an ordered queue"]) {
  test(`of a connection that is lost in a pause ${name} is consumed on the next one, after the pause`, async ({
    vhost,
    client,
  }) => {
    const used = await consuming(vhost, client, kinds[name] as Kind);
    const { consumer, connection, connect, runs, lost, end } = used;
    const release = consumer.pause("one");
    await vhost.waitForCounts("queue", { consumers: 0 });
    connection.destroy("cut");
    await connection.ended;
    expect(consumer.state).toBe("paused");
    const next = await connect();
    await consumer.subscribe(next);
    await vhost.waitForCounts("queue", { ready: 0, consumers: 0 });
    await fill(client, 1);
    const before = lost.length;
    release();
    await waitFor(() => runs.length === 1, { what: "the run" });
    end(runs[0]);
    expect(lost.length).toBe(before);
    expect(await consumer.drain(5_000)).toBe(true);
    await vhost.waitForCounts("queue", { ready: 0, consumers: 0 });
    await next.close();
  });
}

test("a consumer that goes on where its connection was lost says that somebody has to subscribe", async ({
  vhost,
  client,
}) => {
  const kind = kinds["a quorum queue"] as Kind;
  const { consumer, connection, lost } = await consuming(vhost, client, kind);
  const release = consumer.pause("one");
  connection.destroy("cut");
  await connection.ended;
  await waitFor(() => lost.length === 1, { what: "the loss" });
  release();
  expect(lost).toEqual([expect.any(String), "it was paused while there was no connection"]);
  expect(consumer.state).toBe("down");
});

test("runs that end in a pause keep their acks when their consumer leaves, however many", async ({
  vhost,
  client,
}) => {
  const kind = { ...kinds["a quorum queue"], concurrency: 400, prefetch: 500 } as Kind;
  const { consumer, connection, runs, end } = await consuming(vhost, client, kind);
  await fill(client, 400);
  await waitFor(() => runs.length === 400, { what: "all runs" });
  consumer.pause("one");
  await fill(client, 1);
  await vhost.waitForCounts("queue", { ready: 1 });
  // The first one never ends: so nothing is acknowledged together, and each is an ack of its own.
  for (const run of runs.slice(1)) end(run);
  expect(await consumer.drain(1)).toBe(false);
  await vhost.waitForCounts("queue", { ready: 2, consumers: 0 });
  await connection.close();
});

test("pauses that begin and end at once lose no message and begin none twice", async ({
  vhost,
  client,
}) => {
  const kind = { ...kinds["a quorum queue"], concurrency: 5, prefetch: 10 } as Kind;
  const { consumer, connection, runs, end } = await consuming(vhost, client, kind);
  await fill(client, 200);
  let ended = 0;
  for (let turn = 0; ended < 200; turn++) {
    const releases = [consumer.pause("one"), ...(turn % 3 === 0 ? [consumer.pause("two")] : [])];
    if (turn % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const release of releases) release();
    await waitFor(() => runs.length > ended, { what: `run ${ended}`, everyMs: 1 });
    while (ended < runs.length) end(runs[ended++]);
  }
  expect(await consumer.drain(5_000)).toBe(true);
  expect(new Set(runs.map(({ message }) => message.id)).size).toBe(200);
  expect(runs.length).toBe(200);
  await vhost.waitForCounts("queue", { ready: 0, consumers: 0 });
  await connection.close();
});
