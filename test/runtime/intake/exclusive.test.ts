import { defineHandler, Reject } from "../../../src/handler.ts";
import type { Topology } from "../../../src/topology.ts";
import { loadTopology, runTopology, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { untilReady } from "../running.ts";

type Job = { readonly id: string };

const bound = (keys: string) => `
  work: { type: classic, exclusive: true, bind: { jobs: ${keys} }, handler: work, allowLoss: true }`;
const topologyOf = (work: string) => `
defaults: { retry: [100ms], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues: ${work}
  others: { bind: { jobs: "b.#" }, handler: none, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

type Reached = Pick<Vhost, "url" | "managementUrl">;
type Started = TestRunner & { readonly ids: string[] };

const loaded = ({ url, managementUrl: management }: Reached, work: string): Promise<Topology> =>
  loadTopology({
    url,
    management,
    topology: topologyOf(work),
    handlers: { work: () => undefined },
  });

async function start(at: Reached, work = bound('"a.#"')): Promise<Started> {
  const ids: string[] = [];
  const handler = defineHandler((async ({ id }: Job) => {
    if (id === "rejected") throw new Reject("no");
    if (id === "failed") throw new Error("no");
    ids.push(id);
  }) as never);
  const warren = await runTopology(await loaded(at, work), { work: handler });
  return Object.assign(warren, { ids });
}

const send = (warren: TestRunner, key: string, id: string) =>
  warren.post("/publish", { exchange: "jobs", routing_key: key, message: { id } });
const arrives = ({ ids }: Started, id: string) =>
  waitFor(() => ids.includes(id), { what: `message ${id}` });
const consumerOf = ({ runner }: TestRunner) => runner.status().queues.work?.consumer;
/** As the broker lists it; nobody but its connection may ask for it. */
const listed = (vhost: Vhost) =>
  vhost.management<{ readonly exclusive: boolean }>("queues/{vhost}/work");
const isGone = (vhost: Vhost) =>
  waitFor(async () => (await listed(vhost)) === undefined, { what: "the end of the queue" });

test("an exclusive queue is there while its runner is, fails at once, and is no difference to a plan", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  await untilReady(warren);
  expect((await send(warren, "a.1", "one")).status).toBe(202);
  await arrives(warren, "one");
  for (const id of ["rejected", "failed"]) await send(warren, "a.1", id);
  await vhost.waitForCounts("dead_letters", { ready: 2 });
  await waitFor(async () => (await listed(vhost))?.exclusive === true, { what: "its listing" });
  expect((await warren.get("/drift")).body).toMatchObject({
    hasDifferences: false,
    entries: [],
    exclusive: [{ name: "work", at: { file: "topology.yaml" } }],
  });
  expect(await warren.stop()).toBe(true);
  await isGone(vhost);
});

test("an exclusive queue is declared and bound again on the connection that follows a lost one", async ({
  vhost,
  proxy,
}) => {
  const warren = await start({ ...vhost, url: proxy.url(vhost.url) });
  await untilReady(warren);
  proxy.cut();
  await waitFor(() => consumerOf(warren) !== "live", { what: "the loss" });
  await untilReady(warren);
  expect((await send(warren, "a.1", "after")).status).toBe(202);
  await arrives(warren, "after");
  await warren.stop();
});

test("of two runners one consumes an exclusive queue, and the other says so, waits, and takes over", async ({
  vhost,
}) => {
  const first = await start(vhost);
  await untilReady(first);
  const second = await start(vhost);
  await waitFor(
    async (seen) => {
      const { status, body } = await second.get("/readyz");
      seen(body);
      return status === 503 && JSON.stringify(body).includes("queue work is exclusive");
    },
    { what: "the second runner to say why it is not ready" },
  );
  await send(second, "a.1", "one");
  await arrives(first, "one");
  await first.stop();
  await untilReady(second);
  await send(second, "a.1", "two");
  await arrives(second, "two");
  expect([first.ids, second.ids]).toEqual([["one"], ["two"]]);
  await second.stop();
});

test("a reload binds an exclusive queue otherwise, and deletes it when it is not consumed any more", async ({
  vhost,
}) => {
  const warren = await start(vhost);
  await untilReady(warren);
  const reload = async (work: string) =>
    warren.runner.update({ ok: true, topology: await loaded(vhost, work) });
  expect(await reload(bound('["b.#", "c.#"]'))).toMatchObject({ status: "updated" });
  await waitFor(async () => (await send(warren, "a.1", "unbound")).status === 422, {
    what: "the old binding to go",
  });
  for (const key of ["b", "c"]) {
    expect((await send(warren, key, key)).status).toBe(202);
    await arrives(warren, key);
  }
  expect(consumerOf(warren)).toBe("live");
  expect(await reload(bound('"b.#"').replace("type:", "ttl: 1h, type:"))).toMatchObject({
    status: "refused",
    problems: [{ code: "restart-needed" }],
  });
  expect(await reload("")).toMatchObject({ status: "updated", removed: ["work"] });
  await isGone(vhost);
  await warren.stop();
});

test("an exclusive queue whose connection is lost in a pause is there again at once, and the log says that it was empty", async ({
  vhost,
  proxy,
}) => {
  const at = { ...vhost, url: proxy.url(vhost.url) };
  const breaker = "breaker: { failureRate: 1, window: 1, pause: 1h }";
  const warren = await start(at, bound('"a.#"').replace("exclusive:", `${breaker}, exclusive:`));
  await untilReady(warren);
  await send(warren, "a.1", "failed");
  await waitFor(() => consumerOf(warren) === "paused", { what: "the pause" });
  expect((await send(warren, "a.1", "gone")).status).toBe(202);
  const again = () =>
    warren.log.filter(({ message }) => message === "exclusive queue declared again");
  expect(again()).toEqual([]);
  proxy.cut();
  await waitFor(() => again().length > 0, { what: "the queue on the next connection" });
  await untilReady(warren);
  expect(consumerOf(warren)).toBe("paused");
  expect((await send(warren, "a.1", "kept")).status).toBe(202);
  await warren.runner.update({ ok: true, topology: await loaded(at, bound('"a.#"')) });
  await arrives(warren, "kept");
  expect(warren.ids).toEqual(["kept"]);
  expect(again()).toMatchObject([
    { level: "warn", queue: "work", reason: "it had gone with its connection, and what was in it" },
  ]);
  await warren.stop();
});

test("an exclusive queue is bound again when its exchange was deleted, and keeps its messages in a pause", async ({
  vhost,
  client,
}) => {
  const breaker = "breaker: { failureRate: 1, window: 1, pause: 300ms }";
  const warren = await start(vhost, bound('"a.#"').replace("exclusive:", `${breaker}, exclusive:`));
  await untilReady(warren);
  await client.channel.deleteExchange("jobs");
  await waitFor(async () => (await send(warren, "a.1", "again")).status === 202, {
    what: "the exchange with its binding",
  });
  await arrives(warren, "again");
  await send(warren, "a.1", "failed");
  await waitFor(() => consumerOf(warren) === "paused", { what: "the pause" });
  expect((await send(warren, "a.1", "meanwhile")).status).toBe(202);
  await arrives(warren, "meanwhile");
  await warren.stop();
});
