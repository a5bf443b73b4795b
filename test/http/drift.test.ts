import { startProxy } from "../support/proxy.ts";
import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { startApp } from "./app.ts";

const topology = `
exchanges:
  jobs: { type: topic }
queues:
  work: { bind: { jobs: [a, b] }, handler: none, deadLetter: none }
`;

test("a binding that was removed by hand is in /drift, in /health and in the metrics", async ({
  vhost,
  client,
}) => {
  const { url, managementUrl: management } = vhost;
  const warren = await startRunner({ url, management, topology });
  const before = await warren.get("/metrics");
  await client.channel.unbindQueue("work", "jobs", "b");
  const { status, body } = await warren.get("/drift");
  const health = await warren.get("/health");
  const after = await warren.get("/metrics");
  await warren.stop();
  expect(status).toBe(200);
  expect(body).toMatchObject({ format: 1, project: "test", hasDifferences: true });
  const entries = body.entries as readonly { action: string; name: string; at: { file: string } }[];
  expect(entries.map(({ action, name, at }) => [action, name, at.file])).toEqual([
    ["bind", "jobs -> work  b", "topology.yaml"],
  ]);
  expect(health.body.drift).toEqual({ at: expect.any(String), differences: 1 });
  expect(health.body.status).toBe("ok");
  expect(String(before.body.text)).not.toMatch(/^warren_topology_drift /m);
  expect(String(after.body.text)).toMatch(/^warren_topology_drift 1$/m);
});

test("what nobody has changed has not drifted", async ({ vhost }) => {
  const { url, managementUrl: management } = vhost;
  const warren = await startRunner({ url, management, topology });
  const { body } = await warren.get("/drift");
  const health = await warren.get("/health");
  await warren.stop();
  expect(body).toMatchObject({ hasDifferences: false, entries: [] });
  expect(health.body.drift).toEqual({ at: expect.any(String), differences: 0 });
});

test("the broker is looked at once for all who ask for the drift at a time, and in the next five seconds", async ({
  vhost,
}) => {
  let connections = 0;
  const ignore = () => undefined;
  const openTap = () => {
    connections += 1;
    return { fromClient: ignore, fromTarget: ignore, ended: ignore };
  };
  const proxy = await startProxy(Number(new URL(vhost.url).port), { openTap });
  const management = vhost.managementUrl;
  const warren = await startRunner({ url: proxy.url(vhost.url), management, topology });
  const before = connections;
  const first = await warren.get("/drift");
  const perLook = connections - before;
  const answers = await Promise.all(Array.from({ length: 10 }, () => warren.get("/drift")));
  const more = connections - before - perLook;
  await warren.stop();
  await proxy.close();
  expect(answers.map(({ body }) => body)).toEqual(Array(10).fill(first.body));
  expect(perLook).toBeGreaterThan(0);
  expect(more).toBe(0);
});

test("while the broker is away the drift is a 503 that says so", async () => {
  const app = await startApp();
  const { status, headers, body } = await app.request("/drift");
  await app.close();
  expect(status).toBe(503);
  expect(headers.get("retry-after")).toBe("1");
  expect(body).toMatchObject({
    code: "connection-failed",
    detail: "no connection to amqp://broker",
  });
});
