import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded, type ThreadedRunner } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";

const topology = `
drain: { timeout: 1s }
defaults: { retry: none, deadLetter: dead, type: classic, timeout: 20s }
exchanges:
  jobs:  { type: topic }
  tasks: { type: direct }
  dead:  { type: topic }
queues:
  work:  { bind: { jobs: work }, handler: work, concurrency: 50 }
  short: { bind: { jobs: short }, handler: work, timeout: 300ms }
  price: { rpc: true, bind: { tasks: price }, handler: price, deadLetter: none, concurrency: 50 }
  never: { rpc: true, bind: { tasks: never }, handler: never, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const replies = { price: { type: "number" } };
const price = handlerText(`
  if (event === "reject") throw new Reject("no such book");
  return typeof event === "number" ? 2 * event : event;
`);
const never = handlerText("await new Promise(() => undefined);");

async function start(url: string, work: string): Promise<ThreadedRunner> {
  const handlers = { work: handlerText(work, 'import { RpcError } from "warren";'), price, never };
  return await startThreaded({ url, topology, replies, handlers });
}

test("a handler calls, and an error reply or none is thrown to it as an RpcError", async ({
  vhost,
  client,
}) => {
  const warren = await start(
    vhost.url,
    `const tell = (error) => ({ isOurs: error instanceof RpcError, code: error.code, reason: error.reason, text: error.message });
    const asked = [
      call("tasks", "price", 21),
      call("tasks", "price", "reject"),
      call("tasks", "price", "no number"),
      call("tasks", "never", 1, { timeout: 100 }),
      call("tasks", "nobody", 1),
      call("tasks", "price", 1, { timeout: NaN }),
    ];
    const ended = await Promise.allSettled(asked);
    log.info({ ended: ended.map(({ value, reason }) => value ?? tell(reason)) }, "told");`,
  );
  await client.publish("jobs", "work", 1, { messageId: "m1" });
  await waitFor(() => warren.logged("told").length > 0, { what: "what it was told" });
  const [line] = warren.logged("told");
  const invalid = "handler-failed: the reply is invalid: the whole must be number";
  expect(line?.ended).toEqual([
    42,
    { isOurs: true, code: "rpc-failed", reason: "rejected", text: "rejected: no such book" },
    { isOurs: true, code: "rpc-failed", reason: "handler-failed", text: invalid },
    { isOurs: true, code: "no-reply", reason: null, text: "no reply within 100 ms" },
    { isOurs: false, code: "not-callable", text: expect.stringContaining('key "nobody"') },
    { isOurs: false, code: "malformed", text: expect.stringContaining("/timeout") },
  ]);
  // What it has caught is its own affair.
  await waitFor(() => warren.runner.trace("m1").length > 0, { what: "its end" });
  expect(warren.runner.trace("m1")).toMatchObject([{ outcome: "handled", attempt: 1 }]);
  await warren.stop();
});

test("a call has no more time than the run that makes it, and none once that is over", async ({
  vhost,
  client,
}) => {
  const warren = await start(
    vhost.url,
    `const first = await call("tasks", "never", 1).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const second = await call("tasks", "price", 1).catch((error) => error);
    log.info({ codes: [first.code, second.code] }, "told");`,
  );
  await client.publish("jobs", "short", 1, { messageId: "m1" });
  await waitFor(() => warren.logged("told").length > 0, { what: "what it was told" });
  expect(warren.logged("told")).toMatchObject([{ codes: ["no-reply", "stopping"] }]);
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
});
