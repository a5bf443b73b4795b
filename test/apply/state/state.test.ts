import { NOTHING_OWNED, type StateRecord } from "../../../src/apply/state/record.ts";
import { readState, writeState } from "../../../src/apply/state/state.ts";
import { expect, test } from "../../support/test.ts";
import { openConnection } from "./connection.ts";

const QUEUE = "warren.shop.state";

function record(generation: number, queues: readonly string[] = []): StateRecord {
  return {
    v: 1,
    project: "shop",
    generation,
    appliedAt: "2026-01-02T03:04:05.678Z",
    by: "ci@runner-3",
    hash: "abc",
    owned: {
      ...NOTHING_OWNED,
      queues,
      bindings: [
        {
          source: "x",
          destination: "q",
          destinationKind: "queue",
          key: "",
          arguments: { "x-match": "all", size: 5, weight: 1.5 },
        },
      ],
    },
    journal: null,
  };
}

test("there is no state before the first is written", async ({ vhost }) => {
  const connection = await openConnection(vhost.url);
  expect(await readState(connection, "shop")).toBeNull();
  await connection.close();
});

test("what was written last is read, however often it is read", async ({ vhost }) => {
  const connection = await openConnection(vhost.url);
  await writeState(connection, record(1));
  await writeState(connection, record(2));
  for (let n = 0; n < 30; n++) expect(await readState(connection, "shop")).toEqual(record(2));
  expect(await vhost.queueCounts(QUEUE)).toEqual({ ready: 1, consumers: 0 });
  await connection.close();
});

test("a state of ten thousand queues is packed, and read as it was", async ({ vhost }) => {
  const connection = await openConnection(vhost.url);
  const queues = Array.from({ length: 10_000 }, (_, n) => `queue.of.some.length.${n}`);
  await writeState(connection, record(1, queues));
  expect(await readState(connection, "shop")).toEqual(record(1, queues));
  const [message] = await vhost.peek(QUEUE);
  await connection.close();
  expect(message?.properties.contentEncoding).toBe("gzip");
});

test("eight readers at once all read it", async ({ vhost }) => {
  const connections = await Promise.all(Array.from({ length: 8 }, () => openConnection(vhost.url)));
  await writeState(connections[0] as (typeof connections)[0], record(7));
  const read = await Promise.all(
    connections.flatMap((one) => [readState(one, "shop"), readState(one, "shop")]),
  );
  expect(read).toEqual(Array.from({ length: 16 }, () => record(7)));
  await Promise.all(connections.map((one) => one.close()));
});

test("a state in the hands of another reader is waited for, and not taken for a lost one", async ({
  vhost,
  client,
}) => {
  const connection = await openConnection(vhost.url);
  await writeState(connection, record(3));
  await client.channel.consume(QUEUE, () => undefined, { exclusive: true });
  const brief = readState(connection, "shop", { timeoutMs: 200 });
  await expect(brief).rejects.toMatchObject({ code: "lock-held" });
  const patient = readState(connection, "shop");
  await client.close();
  expect(await patient).toEqual(record(3));
  await connection.close();
});

test("a state that replaces one in a reader's hands stays, wherever that reader ends", async ({
  vhost,
  client,
}) => {
  const connection = await openConnection(vhost.url);
  await writeState(connection, record(3));
  await client.channel.get(QUEUE, { noAck: false });
  await writeState(connection, record(4));
  await client.close();
  expect(await readState(connection, "shop")).toEqual(record(4));
  await connection.close();
});

test("a queue that has been purged holds no state, and that is known at once", async ({
  vhost,
  client,
}) => {
  const connection = await openConnection(vhost.url);
  await writeState(connection, record(3));
  await client.channel.purgeQueue(QUEUE);
  expect(await readState(connection, "shop")).toBeNull();
  await connection.close();
});

test.for([
  ["something else", "is not valid JSON"],
  ["null", "it is not an object"],
  ['{"v":2,"project":"shop"}', "its version is 2, not 1"],
  ['{"v":1,"project":"other"}', 'it is of "other"'],
  ['{"v":1,"project":"shop","generation":1,"owned":{}}', "it lacks a part"],
] as const)(
  "%s in the queue is no state, which is said",
  async ([body, why], { vhost, client }) => {
    const connection = await openConnection(vhost.url);
    await writeState(connection, record(3));
    await client.publish("", QUEUE, body);
    await expect(readState(connection, "shop")).rejects.toMatchObject({
      code: "state-unreadable",
      message: expect.stringContaining(why),
    });
    await connection.close();
  },
);

test("a queue of other arguments takes no state, which is said", async ({ vhost, client }) => {
  await client.channel.assertQueue(QUEUE, { durable: true });
  const connection = await openConnection(vhost.url);
  await expect(writeState(connection, record(1))).rejects.toMatchObject({
    code: "broker-refused",
    message: expect.stringContaining("x-max-length"),
  });
  expect(await readState(connection, "shop")).toBeNull();
  await connection.close();
});
