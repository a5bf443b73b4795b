import { setTimeout as delay } from "node:timers/promises";
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { replaceQueue, resumeReplace } from "../../../src/apply/replace/replace.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { apply, changesOf } from "../applying.ts";
import { CLASSIC, leftovers, openReplacing, replace } from "./replacing.ts";

const LIMITED = { ...CLASSIC, "x-message-ttl": 3_600_000 };

test("connections that break in the middle are made again, and lose nothing", async ({
  vhost,
  client,
  proxy,
}) => {
  const { channel } = client;
  await channel.assertExchange("jobs", "topic");
  await channel.assertQueue("q", { arguments: CLASSIC });
  await channel.bindQueue("q", "jobs", "#");
  const sent = Array.from({ length: 5_000 }, (_, index) => `m${index}`);
  for (const body of sent) channel.publish("jobs", "job", Buffer.from(body), { persistent: true });
  await channel.waitForConfirms();
  let cuts = 0;
  const seen = new Set<string>();
  const cutting = (async () => {
    await waitFor(() => proxy.connections > 0, { what: "a connection", everyMs: 1 });
    // So slow that it is surely in the middle.
    proxy.dribble(400_000);
    for (const ms of [300, 500, 700]) {
      await delay(ms);
      proxy.cut();
      cuts += 1;
    }
    proxy.resume();
  })();
  const report = await replace(
    vhost,
    { queue: "q", from: CLASSIC, to: LIMITED },
    { spareUrl: proxy.url(vhost.url) },
  );
  await cutting;
  expect(cuts).toBe(3);
  const { messages } = await client.consume("q");
  await waitFor(
    (last) => {
      for (const { body } of messages) seen.add(body);
      return last(seen.size) >= 5_000;
    },
    { what: "every message" },
  );
  expect(seen.size).toBe(5_000);
  expect(messages.length - 5_000).toBeLessThanOrEqual(report.counts.repeated);
  expect(report.counts.repeated).toBeLessThanOrEqual(300);
  expect(await leftovers(vhost)).toEqual([]);
});

test.for([
  "messages: 50, overflow: reject-publish",
  "messages: 50, overflow: drop-head",
  "bytes: 200B, overflow: drop-head",
])(
  "a new queue that is full ({ %s }) is waited for while a runner makes room, and nothing is lost",
  async (limits, { vhost, client }) => {
    const handled: string[] = [];
    const topology = (more: string) =>
      `exchanges: { jobs: { type: topic } }\nqueues:\n  q: { type: classic, bind: { jobs: "#" }, handler: work, retry: none, deadLetter: none, concurrency: 1${more} }`;
    const work = async (
      _event: never,
      { message }: { readonly message: { readonly id: string } },
    ) => {
      handled.push(message.id);
      await delay(5);
    };
    const warren = await startRunner({
      topology: topology(""),
      handlers: { work },
      url: vhost.url,
      management: vhost.managementUrl,
    });
    const sent = Array.from({ length: 500 }, (_, index) => `m${1_000 + index}`);
    for (const messageId of sent) {
      client.channel.publish("jobs", "job", Buffer.from("{}"), { persistent: true, messageId });
    }
    await client.channel.waitForConfirms();
    await untilListed(vhost, "q");
    const report = await apply(vhost, topology(`, limits: { ${limits} }`), {
      handlers: { work },
      permissions: { ...NO_PERMISSIONS, allowReplace: true },
    });
    expect(changesOf(report)).toEqual([
      expect.stringMatching(/^replaced queue q: \d+ messages moved$/),
    ]);
    await waitFor((seen) => seen(new Set(handled).size) === sent.length, { what: "all handled" });
    await warren.stop();
    expect([...new Set(handled)].sort()).toEqual(sent);
  },
);

/** Until the management API, whose lists are late, shows that the queue is consumed. */
async function untilListed({ management }: Vhost, queue: string): Promise<void> {
  type Consumer = { readonly queue: { readonly name: string } };
  await waitFor(
    async () => {
      const consumers = await management<readonly Consumer[]>("consumers/{vhost}");
      return consumers?.some((one) => one.queue.name === queue) ?? false;
    },
    { what: "its consumer to be listed" },
  );
}

test("a new queue that stays full is given up on, and the next apply goes on", async ({
  vhost,
  client,
}) => {
  const { channel } = client;
  await channel.assertQueue("q", { arguments: CLASSIC });
  for (let n = 0; n < 20; n++) await client.publish("", "q", `m${n}`);
  const to = { ...CLASSIC, "x-max-length": 20, "x-overflow": "reject-publish" };
  let isFilled = false;
  const replacing = await openReplacing(vhost, {
    stallMs: 1_500,
    // Somebody fills it by its name as soon as it is there.
    onProgress: ({ step }) => {
      if (step !== 7 || isFilled) return;
      isFilled = true;
      for (let n = 0; n < 5; n++) channel.publish("", "q", Buffer.from(`n${n}`));
    },
  });
  const change = { queue: "q", from: CLASSIC, to, bindings: [] };
  await expect(replaceQueue(replacing.context, change)).rejects.toMatchObject({
    code: "replace-stalled",
    message: expect.stringMatching(
      /^queue "q~migrating" is not emptied: the broker refuses copies: the queue they go to is full, and it is no emptier than \d s ago$/,
    ),
  });
  const journal = replacing.journals.at(-1);
  expect(journal).toMatchObject({ phase: "refilling" });
  const taken = await Promise.all(Array.from({ length: 10 }, () => client.get("q")));
  if (journal) await resumeReplace(replacing.context, journal);
  await replacing.close();
  const left = await vhost.peek("q");
  const bodies = [...taken.map((one) => one?.body), ...left.map(({ body }) => body)].sort();
  expect(bodies).toEqual(
    [
      ...Array.from({ length: 20 }, (_, n) => `m${n}`),
      ...Array.from({ length: 5 }, (_, n) => `n${n}`),
    ].sort(),
  );
  expect(await leftovers(vhost)).toEqual([]);
});
