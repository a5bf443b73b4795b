import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { describeQueue, leftovers, PAIRS, replace } from "./replacing.ts";

test.for(Object.entries(PAIRS))(
  "%s: a queue has its new arguments then, and its messages in order, and its bindings",
  async ([, [from, to]], { vhost, client }) => {
    const { channel } = client;
    await channel.assertQueue("q", { durable: true, arguments: from });
    await channel.assertExchange("jobs", "topic", { durable: true });
    await channel.assertExchange("docs", "headers", { durable: true });
    await channel.bindQueue("q", "jobs", "job.#");
    await channel.bindQueue("q", "jobs", "task");
    await channel.bindQueue("q", "docs", "", { "x-match": "all", pages: 7, format: "pdf" });
    const bindings = (await describeQueue(vhost, "q")).bindings;
    const sent = Array.from({ length: 300 }, (_, index) => `m${index}`);
    await Promise.all(sent.map((body) => client.publish("jobs", "job.one", body)));

    const report = await replace(vhost, { queue: "q", from, to });

    expect(report).toMatchObject({ counts: { moved: 300, refilled: 300, lost: 0 }, notes: [] });
    expect(await describeQueue(vhost, "q")).toEqual({ arguments: to, bindings });
    expect(await leftovers(vhost)).toEqual([]);
    const { messages } = await client.consume("q");
    // A quorum queue whose leader is busy is said to be empty, so it is these that are counted.
    await waitFor((seen) => seen(messages.length) >= sent.length, { what: "every message" });
    expect(messages.map(({ body }) => body)).toEqual(sent);
  },
);

test("over AMQP alone an unused queue is replaced, with the bindings that are known", async ({
  vhost,
  client,
}) => {
  const [from, to] = PAIRS.c2q ?? [{}, {}];
  await client.channel.assertQueue("q", { durable: true, arguments: from });
  await client.channel.assertExchange("jobs", "topic", { durable: true });
  await client.channel.bindQueue("q", "jobs", "job.#");
  await client.publish("jobs", "job.one", "m");
  const bindings = [{ source: "jobs", key: "job.#", arguments: {} }];

  await replace(vhost, { queue: "q", from, to, bindings }, { isBlind: true });

  expect(await describeQueue(vhost, "q")).toEqual({
    arguments: to,
    bindings: [["jobs", "job.#", {}]],
  });
  expect((await vhost.peek("q")).map(({ body }) => body)).toEqual(["m"]);
  expect(await leftovers(vhost)).toEqual([]);
});

test("a message that is published meanwhile always has a queue to go to", async ({
  vhost,
  client,
}) => {
  const [from, to] = PAIRS.c2c ?? [{}, {}];
  const { channel } = client;
  await channel.assertExchange("jobs", "direct");
  await channel.assertQueue("q", { arguments: from });
  const keys = Array.from({ length: 20 }, (_, index) => `key${index}`);
  await Promise.all(keys.map((key) => channel.bindQueue("q", "jobs", key)));
  const returned: string[] = [];
  channel.on("return", ({ fields }) => returned.push(fields.routingKey));
  let isOn = true;
  let count = 0;
  // As fast as it goes: with one key after another, and without waiting for confirms.
  const publishing = (async () => {
    while (isOn) {
      for (const key of keys) {
        channel.publish("jobs", key, Buffer.from(`m${count++}`), { mandatory: true });
      }
      await channel.waitForConfirms();
    }
  })();
  await replace(vhost, { queue: "q", from, to });
  isOn = false;
  await publishing;
  const { messages } = await client.consume("q");
  const received = () => new Set(messages.map(({ body }) => body)).size;
  await waitFor((seen) => seen(received()) >= count, { what: "every message" });
  expect(returned).toEqual([]);
  expect(received()).toBe(count);
});
