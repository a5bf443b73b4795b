import { replaceQueue } from "../../../src/apply/replace/replace.ts";
import type { Arguments } from "../../../src/topology.ts";
import { type Client, openClient } from "../../support/client.ts";
import { publishUnreadable } from "../../support/protocol.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import {
  CLASSIC,
  describeQueue,
  leftovers,
  openReplacing,
  PROJECT,
  QUORUM,
  type ReplacingOptions,
  replace,
} from "./replacing.ts";

const LIMITED = { ...CLASSIC, "x-message-ttl": 3_600_000 };

/** A queue with a binding and a message. */
async function declare(client: Client, from: Arguments, queue = "q"): Promise<void> {
  const { channel } = client;
  await channel.assertExchange("jobs", "topic");
  await channel.assertQueue(queue, { durable: true, arguments: from });
  await channel.bindQueue(queue, "jobs", "job");
  await client.publish("jobs", "job", "m");
}

type Wanted = { readonly from: Arguments; readonly to: Arguments; readonly queue?: string };

/** What it says. */
async function refusal(vhost: Vhost, change: Wanted, options: ReplacingOptions = {}) {
  const thrown: unknown = await replace(vhost, { queue: "q", ...change }, options).catch(
    (error: unknown) => error,
  );
  const { code, message } = thrown as { readonly code?: string; readonly message?: string };
  return `${code}: ${message}`;
}

/** What `declare` has made is as it was. */
async function expectUntouched(vhost: Vhost, { from, queue = "q" }: Wanted): Promise<void> {
  expect(await describeQueue(vhost, queue)).toEqual({
    arguments: from,
    bindings: [["jobs", "job", {}]],
  });
  expect(await leftovers(vhost)).toEqual([]);
  expect((await vhost.peek(queue)).map(({ body }) => body)).toEqual(["m"]);
}

const CHANGE = { from: CLASSIC, to: LIMITED };

test("a consumer of somebody else blocks it", async ({ vhost, client }) => {
  await declare(client, CLASSIC);
  await client.channel.consume("q", () => undefined);
  expect(await refusal(vhost, CHANGE)).toBe(
    `replace-blocked: queue "q" can't be replaced: it has 1 consumer of others`,
  );
  expect(await leftovers(vhost)).toEqual([]);
});

test("a consumer of somebody else that comes meanwhile stops it, and all is as it was", async ({
  vhost,
  client,
}) => {
  await declare(client, CLASSIC);
  const foreign = await openClient(vhost.url);
  let isIn = false;
  const said = await refusal(vhost, CHANGE, {
    // Until it is listed whose it is.
    stallMs: 6_000,
    onProgress: ({ step }) => {
      if (step !== 5 || isIn) return;
      isIn = true;
      void foreign.channel.consume("q", () => undefined);
    },
  });
  expect(said).toMatch(
    /^replace-stalled: queue "q" is not emptied: it has 1 consumer of others, and it is no emptier than \d+ s ago; it is as it was before$/,
  );
  await foreign.close();
  await vhost.waitForCounts("q", { ready: 1 });
  await expectUntouched(vhost, CHANGE);
});

test("a message that a consumer of this project has in its hands is waited for", async ({
  vhost,
  client,
}) => {
  await declare(client, CLASSIC);
  const runner = await openClient(vhost.url);
  let settle: () => void = () => undefined;
  const consumerTag = `warren.${PROJECT}.q.1`;
  await runner.channel.consume(
    "q",
    (message) => {
      settle = () => {
        if (message) runner.channel.ack(message);
      };
    },
    { consumerTag },
  );
  await vhost.waitForCounts("q", { ready: 0, consumers: 1 });
  const seen: (number | null)[] = [];
  const report = await replace(
    vhost,
    { queue: "q", from: CLASSIC, to: LIMITED },
    {
      onProgress: ({ step, unacked }) => {
        if (step !== 4 || unacked === null) return;
        seen.push(unacked);
        if (seen.length === 4) settle();
      },
    },
  );
  expect(seen.slice(0, 4)).toEqual([1, 1, 1, 1]);
  expect(report.counts).toMatchObject({ moved: 0, lost: 0 });
  await runner.close();
});

test("arguments that the broker does not take are found before anything is changed", async ({
  vhost,
  client,
}) => {
  await declare(client, CLASSIC);
  const to = { ...CLASSIC, "x-overflow": "drop-tail" };
  expect(await refusal(vhost, { from: CLASSIC, to })).toMatch(
    /^broker-refused: the broker refuses to declare queue "q~trial", to try: 406 invalid arg 'x-overflow'/,
  );
  await expectUntouched(vhost, CHANGE);
});

test("a queue that is to hold fewer than it has, and that nobody consumes, is left as it is", async ({
  vhost,
  client,
}) => {
  await declare(client, CLASSIC);
  const to = { ...CLASSIC, "x-max-length": 0 };
  expect(await refusal(vhost, { from: CLASSIC, to })).toBe(
    `replace-blocked: queue "q" can't be replaced: it holds 1 message, no consumer, and the new one is to hold 0`,
  );
  await expectUntouched(vhost, CHANGE);
});

test("a queue of the other queue's name blocks it, and so does a name that is too long", async ({
  vhost,
  client,
}) => {
  await declare(client, CLASSIC);
  await client.channel.assertQueue("q~migrating");
  expect(await refusal(vhost, CHANGE)).toBe(
    `replace-blocked: queue "q" can't be replaced: there is a queue "q~migrating" already, and nobody knows whose`,
  );
  await client.channel.deleteQueue("q~migrating");
  const queue = "é".repeat(123);
  await declare(client, CLASSIC, queue);
  expect(await refusal(vhost, { ...CHANGE, queue })).toMatch(
    /^replace-blocked: .* of the queue that holds its messages meanwhile, is too long$/,
  );
});

test("over AMQP alone a consumer blocks it, and so do dead letters that could not be seen", async ({
  vhost,
  client,
}) => {
  await declare(client, CLASSIC);
  await client.channel.consume("q", () => undefined);
  expect(await refusal(vhost, CHANGE, { isBlind: true })).toBe(
    `replace-blocked: queue "q" can't be replaced: it has 1 consumer, and nobody can tell whose`,
  );
  const from = {
    ...QUORUM,
    "x-dead-letter-exchange": "jobs",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
  };
  await client.channel.assertQueue("r", { arguments: from });
  expect(await refusal(vhost, { queue: "r", from, to: CLASSIC }, { isBlind: true })).toBe(
    `replace-blocked: queue "r" can't be replaced: over AMQP alone its dead letters that wait can't be seen`,
  );
});

test("dead letters that a queue keeps until they find a way are no part of a deleted queue", async ({
  vhost,
  client,
}) => {
  const from = {
    ...QUORUM,
    "x-dead-letter-exchange": "nowhere",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
  };
  const { channel } = client;
  await channel.assertQueue("q", { arguments: from });
  await client.publish("", "q", "dead");
  const got = await channel.get("q", { noAck: false });
  if (got) channel.reject(got, false);
  const said = await refusal(vhost, { from, to: CLASSIC }, { stallMs: 9_000 });
  expect(said).toMatch(
    /^replace-stalled: queue "q" is not emptied: 1 dead letter that found no way yet, and it is no emptier than \d+ s ago; it is as it was before$/,
  );
  expect((await describeQueue(vhost, "q")).arguments).toEqual(from);
});

test("a message that can't be read stops it, and everything goes back", async ({
  vhost,
  client,
}) => {
  await client.channel.assertExchange("jobs", "topic");
  await client.channel.assertQueue("q", { arguments: CLASSIC });
  await client.channel.bindQueue("q", "jobs", "job");
  publishUnreadable(client.channel, "jobs", "job");
  await vhost.waitForCounts("q", { ready: 1 });
  expect(await refusal(vhost, CHANGE)).toMatch(
    /^replace-stalled: moving messages out of "q" failed 5 times: .*; it is as it was before$/,
  );
  await vhost.waitForCounts("q", { ready: 1 });
  expect(await leftovers(vhost)).toEqual([]);
});

test("it ends where it is when it is interrupted, and says where", async ({ vhost, client }) => {
  await declare(client, CLASSIC);
  const stop = new AbortController();
  const replacing = await openReplacing(vhost, {
    signal: stop.signal,
    onProgress: ({ step }) => step === 4 && stop.abort(),
  });
  const change = { queue: "q", ...CHANGE, bindings: [] };
  await expect(replaceQueue(replacing.context, change)).rejects.toMatchObject({
    code: "interrupted",
    message: `replacing queue "q" was interrupted at step 4 of 9 (draining)`,
  });
  expect(replacing.journals.at(-1)).toMatchObject({ queue: "q", phase: "draining" });
  await replacing.close();
});
