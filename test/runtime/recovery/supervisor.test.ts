/** A broker that answers and refuses: it is asked again, ever more rarely, and /health says why. */
import { setTimeout as delay } from "node:timers/promises";
import { connectBroker } from "../../../src/connect.ts";
import { SupervisedConnection } from "../../../src/runtime/recovery/connection.ts";
import type { ConnectionStatus } from "../../../src/runtime/status.ts";
import { openManagement } from "../../support/management.ts";
import { breakRules, publishUnreadable } from "../../support/protocol.ts";
import { startRunner, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { FIRST_PASSWORD, type User } from "../../support/user.ts";
import { waitFor } from "../../support/wait-for.ts";
import { nothing, topology } from "../jobs.ts";

test("a password that is changed is retried and reported, and all is well once it is put back", async ({
  user,
  client,
}) => {
  const runs: number[] = [];
  const warren = await startJobs(user, runs);
  await user.setPassword("second-secret");
  await user.closeConnections();
  const health = await untilRefused(warren);
  const down = {
    state: expect.stringMatching(/^(down|connecting)$/),
    downSince: expect.stringMatching(ISO_TIME),
    lastFailure: {
      at: expect.stringMatching(ISO_TIME),
      reason: expect.stringMatching(/^amqp:.* refuses the user or the password$/),
    },
  };
  expect(health).toMatchObject({
    status: "degraded",
    summary: expect.stringMatching(/^the publish connection is (down|connecting) since .* refuses/),
    connections: { publish: down, consume: down },
  });
  expect((await warren.get("/readyz")).status).toBe(503);
  const said = warren.log.filter(({ message }) => message === "not connected yet");
  expect(said).not.toEqual([]);
  await user.setPassword(FIRST_PASSWORD);
  await untilWell(warren);
  await client.publish("jobs", "x", {});
  await waitFor(() => runs.length === 1, { what: "a message to be handled" });
  expect(runs).toEqual([1]);
  const spoken = JSON.stringify([warren.log, health, (await warren.get("/health")).body]);
  expect(spoken).not.toContain("secret");
  await warren.stop();
});

test("a vhost without room for a connection is backed off from, until there is room again", async ({
  vhost,
  user,
}) => {
  const limits = openManagement(vhost.managementUrl);
  const path = `vhost-limits/${vhost.vhost}/max-connections`;
  const warren = await startJobs(user);
  await limits.put(path, { value: 0 });
  await user.closeConnections();
  const { connections } = await untilRefused(warren);
  expect(connections.consume.lastFailure?.reason).toContain("a limit of connections is reached");
  expect((await warren.get("/readyz")).status).toBe(503);
  await limits.remove(path);
  await untilWell(warren);
  await warren.stop();
});

test("a user without room for a channel is backed off from, until there is room again", async ({
  user,
}) => {
  const warren = await startJobs(user);
  await user.setLimit("max-channels", 1);
  await user.closeConnections();
  await untilRefused(warren, "reached the maximum allowed user limit");
  expect((await warren.get("/readyz")).status).toBe(503);
  await user.setLimit("max-channels", null);
  await untilWell(warren);
  await warren.stop();
});

test("a connection that the broker ends again and again is made ever more rarely", async ({
  vhost,
}) => {
  let made = 0;
  const addresses = [{ url: vhost.url, shown: vhost.url }];
  const supervised = new SupervisedConnection({
    name: "consume",
    connect: (signal) => connectBroker({ addresses, heartbeatMs: 10_000, name: "test", signal }),
    onUp: async (connection) => {
      made += 1;
      breakRules(await connection.createChannel());
    },
    onDown: nothing,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  });
  await supervised.start();
  await delay(4_000);
  // At 0.2, 0.4, 0.8, … s at most, half of it on average; without it there would be hundreds.
  expect(made).toBeGreaterThan(1);
  expect(made).toBeLessThan(16);
  expect(supervised.status.lastFailure?.reason).toContain("540");
  const began = performance.now();
  await supervised.stop();
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(supervised.status).toMatchObject({ state: "closed", nextAttempt: null });
});

test("a message that can't be read stops its own queue alone, and is named in /health", async ({
  vhost,
  client,
}) => {
  const handled = { work: 0, other: 0 };
  const warren = await startRunner({
    url: vhost.url,
    topology: topology.replace("defaults: {", "defaults: { type: classic,"),
    handlers: { work: () => void handled.work++, other: () => void handled.other++ },
  });
  const problems = () => warren.runner.status().problems;
  publishUnreadable(client.channel, "jobs", "x");
  await waitFor((seen) => seen(problems()).length === 1, {
    what: "the queue to be named",
  });
  expect(problems()).toEqual([expect.stringMatching(/^every connection that consumes work ends/)]);
  expect((await warren.get("/readyz")).status).toBe(503);
  for (let n = 0; n < 10; n++) await client.publish("others", "x", { n });
  await waitFor((seen) => seen(handled.other) === 10, { what: "the other queue's messages" });
  // What a person does about it.
  await waitFor(async () => (await client.channel.purgeQueue("work")).messageCount === 1, {
    what: "the message to be back in its queue, and purged",
  });
  await client.publish("jobs", "x", {});
  await waitFor((seen) => seen(handled.work) === 1, { what: "the next one" });
  // Once its connection has held for a while.
  await waitFor((seen) => seen(problems()).length === 0, { what: "no problem to be left" });
  await untilWell(warren);
  await warren.stop();
});

test("a stop ends an attempt that is under way, and nothing is tried after it", async ({
  vhost,
  proxy,
}) => {
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology,
    handlers: { work: nothing, other: nothing },
  });
  proxy.stall();
  proxy.cut();
  await waitFor(() => proxy.connections === 2, { what: "both attempts" });
  const began = performance.now();
  await warren.stop();
  expect(performance.now() - began).toBeLessThan(5_000);
  await waitFor((seen) => seen(proxy.connections) === 0, { what: "the sockets to be gone" });
});

type Health = {
  readonly connections: Readonly<Record<"publish" | "consume", ConnectionStatus>>;
};

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function startJobs(user: User, runs: number[] = []): Promise<TestRunner> {
  return startRunner({
    url: user.url,
    topology,
    handlers: { other: nothing, work: (_event, { attempt }) => void runs.push(attempt) },
  });
}

async function untilRefused(warren: TestRunner, text = "refuses"): Promise<Health> {
  return await waitFor(
    async (seen) => {
      const { body } = seen(await warren.get("/health"));
      const health = body as unknown as Health;
      const reasons = Object.values(health.connections).map((one) => one.lastFailure?.reason);
      return reasons.every((reason) => reason?.includes(text)) && health;
    },
    { what: "both refusals to be reported" },
  );
}

async function untilWell(warren: TestRunner): Promise<void> {
  await waitFor(
    async (seen) => {
      const { status, body } = await warren.get("/readyz");
      seen(body);
      return status === 200;
    },
    { what: "readiness" },
  );
  expect((await warren.get("/health")).body).toMatchObject({
    status: "ok",
    problems: [],
    connections: { publish: { downSince: null, nextAttempt: null }, consume: { downSince: null } },
  });
}
