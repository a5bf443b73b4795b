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

test("without a Redis a key is an id, and says nothing of the body", async ({ vhost }) => {
  const warren = await startRunner({ topology, url: vhost.url });
  for (const n of [1, 2]) {
    const { status } = await warren.post("/publish", message(n), { "idempotency-key": "k-1" });
    expect(status).toBe(202);
  }
  await warren.stop();
});
