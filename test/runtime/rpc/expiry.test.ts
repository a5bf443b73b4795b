import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

const topology = `
defaults: { retry: none, deadLetter: dead, concurrency: 1, prefetch: 10 }
exchanges:
  tasks: { type: direct }
  dead:  { type: topic }
queues:
  classic: { type: classic, rpc: true, bind: { tasks: classic }, handler: work, deadLetter: none }
  quorum:  { type: quorum, rpc: true, bind: { tasks: quorum }, handler: work }
  plain:   { type: classic, bind: { tasks: plain }, handler: work, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

const cases = [
  { queue: "classic", handled: ["m1", "m3"], replies: ["m3"], letters: [] },
  { queue: "quorum", handled: ["m1", "m3"], replies: ["m3"], letters: ["m2"] },
  // Nobody waits for what it does: a message that has left its queue in time is handled.
  { queue: "plain", handled: ["m1", "m2", "m3"], replies: [], letters: [] },
];

test.for(cases)(
  "a request of queue $queue that waits in the runner for longer than its expiration has no handler and no reply",
  async ({ queue, ...expected }, { vhost, client }) => {
    const { opened, open } = gate();
    const handled: string[] = [];
    const work = async (_: unknown, { message }: { message: { id: string } }) => {
      handled.push(message.id);
      await opened;
    };
    const warren = await startRunner({ url: vhost.url, topology, handlers: { work } });
    const { queue: replyTo } = await client.channel.assertQueue("", { exclusive: true });
    const { messages } = await client.consume(replyTo);
    await client.publish("tasks", queue, 1, { messageId: "m1" });
    await waitFor(() => handled.length === 1, { what: "the first one's run" });
    const options = { replyTo, expiration: "1000" };
    await client.publish("tasks", queue, 2, { ...options, messageId: "m2", correlationId: "m2" });
    await vhost.waitForCounts(queue, { ready: 0 });
    const sinceMs = performance.now();
    const late = { ...options, expiration: "60000", messageId: "m3", correlationId: "m3" };
    await client.publish("tasks", queue, 3, late);
    await waitFor(() => performance.now() > sinceMs + 1_000, { what: "the end of its time" });
    open();
    await waitFor(() => warren.runner.trace("m3").length > 0, { what: "the last one's end" });
    await warren.stop();
    const letters = await vhost.peek("dead_letters");
    expect({
      handled,
      replies: messages.map(({ properties }) => properties.correlationId),
      letters: letters.map(({ properties }) => properties.messageId),
    }).toEqual(expected);
    for (const { properties } of letters) {
      expect(properties.headers).toMatchObject({
        "x-warren-reason": "expired",
        "x-warren-error": "waited here for a handler until its time of 1000 ms was over",
      });
    }
    const isExpired = !expected.handled.includes("m2");
    expect(warren.runner.status().rpc.expiredRequests).toBe(isExpired ? 1 : 0);
    expect(warren.runner.trace("m2")).toMatchObject([
      { outcome: isExpired ? "expired" : "handled", attempt: 1 },
    ]);
  },
);

test("a request that is for who has time at once is handled where a slot is free", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({ url: vhost.url, topology, handlers: { work: () => 1 } });
  await client.publish("tasks", "classic", 1, { expiration: "0", messageId: "m1" });
  await waitFor(() => warren.runner.trace("m1").length > 0, { what: "its end" });
  expect(warren.runner.trace("m1")).toMatchObject([{ outcome: "handled" }]);
  await warren.stop();
});
