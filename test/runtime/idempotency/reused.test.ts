import type { HandlerContext } from "../../../src/handler.ts";
import { expect, PASSWORD, test } from "../../support/redis.ts";
import { startRunner } from "../../support/runner.ts";

const topology = `
exchanges: { jobs: { type: topic } }
queues: { work: { bind: { jobs: "#" }, handler: none, deadLetter: none } }
`;
const message = (n: number, key = "a") => ({
  exchange: "jobs",
  routing_key: key,
  message: { n },
});

test("an Idempotency-Key stands for one message: another one is a 409, the same one is sent again", async ({
  vhost,
  redis,
}) => {
  const start = () => startRunner({ topology, url: vhost.url, store: redis.url });
  const [one, other] = [await start(), await start()];
  const headers = { "idempotency-key": "k-1" };
  const first = await one.post("/publish", message(1), headers);
  expect(first).toMatchObject({ status: 202, body: { message_id: "k-1" } });
  expect((await other.post("/publish", message(1), headers)).body).toEqual(first.body);
  for (const another of [message(2), message(1, "b")]) {
    expect(await other.post("/publish", another, headers)).toMatchObject({
      status: 409,
      body: { code: "idempotency-key-reused" },
    });
  }
  // What was not accepted uses no key up.
  expect(
    (await one.post("/publish", message(3, "#".repeat(300)), { "idempotency-key": "k-2" })).status,
  ).toBe(400);
  expect((await one.post("/publish", message(4), { "idempotency-key": "k-2" })).status).toBe(202);
  await vhost.waitForCounts("work", { ready: 3 });
  // Without Redis nobody can tell, and a message is more than its key.
  await redis.kill9();
  expect((await one.post("/publish", message(5), headers)).status).toBe(202);
  expect(JSON.stringify(one.log)).not.toContain(PASSWORD);
  for (const runner of [one, other]) await runner.stop();
});

test("a key of a call stands for one request: another one is a 409 and asks nobody, the same one is asked again", async ({
  vhost,
  redis,
}) => {
  const asked: unknown[] = [];
  const warren = await startRunner({
    ...{ url: vhost.url, store: redis.url },
    topology: `
exchanges: { tasks: { type: direct } }
queues:
  answer: { type: classic, rpc: true, bind: { tasks: [a, b] }, handler: answer, retry: none, deadLetter: none }
`,
    handlers: {
      answer: (request: unknown, { message: { id } }: HandlerContext) => {
        asked.push({ request, id });
        return asked.length;
      },
    },
  });
  const call = (key: string, message: unknown) =>
    warren.post(
      "/rpc",
      { exchange: "tasks", routing_key: key, message },
      { "idempotency-key": "k-1" },
    );
  expect(await call("a", 1)).toMatchObject({ status: 200, body: { text: "1" } });
  expect(await call("a", 1)).toMatchObject({ status: 200, body: { text: "2" } });
  for (const another of [await call("a", 2), await call("b", 1)]) {
    expect(another).toMatchObject({ status: 409, body: { code: "idempotency-key-reused" } });
  }
  await warren.stop();
  const once = { request: 1, id: "k-1" };
  expect(asked).toEqual([once, once]);
});

test("without a Redis a key is an id, and says nothing of the body", async ({ vhost }) => {
  const warren = await startRunner({ topology, url: vhost.url });
  for (const n of [1, 2]) {
    const { status } = await warren.post("/publish", message(n), { "idempotency-key": "k-1" });
    expect(status).toBe(202);
  }
  await warren.stop();
});
