import { defineHandler } from "../../src/handler.ts";
import type { Updated } from "../../src/runtime/updates.ts";
import type { Topology } from "../../src/topology.ts";
import {
  loadTopology,
  type RunnerFiles,
  runTopology,
  type TestHandlers,
  type TestRunner,
} from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";

const dead = "  dead_letters: { bind: { dead: '#' }, handler: none, deadLetter: none }\n";
/** Queues in short: each is bound to its own key of `free`, and handled by a handler of its name. */
function topologyWith(queues: Readonly<Record<string, string>>): string {
  const lines = Object.entries(queues).map(
    ([name, rest]) => `  ${name}: { bind: { free: ${name} }, handler: ${name}${rest} }\n`,
  );
  return `defaults: { retry: [300ms], deadLetter: dead }
exchanges: { free: { type: topic }, dead: { type: topic } }
queues:
${lines.join("")}${dead}`;
}

const nothing = () => undefined;

/** Something that handlers can be held by. */
function gate(): { readonly released: Promise<void>; readonly release: () => void } {
  let release = nothing;
  const released = new Promise<void>((resolve) => {
    release = () => void resolve();
  });
  return { released, release: () => release() };
}

type Editable = TestRunner & {
  /** Goes over to another text of topology.yaml, with the same handlers. */
  edit(topology: string, changes?: Partial<RunnerFiles>): Promise<Updated>;
};

/** All handlers are there from the start; a topology names those that it uses. */
async function startEditable(
  vhost: Vhost,
  topology: string,
  handlers: TestHandlers,
  more: Partial<RunnerFiles> = {},
): Promise<Editable> {
  const files = { url: vhost.url, topology, handlers, ...more };
  const modules = Object.entries(handlers).map(([name, run]) => [
    name,
    defineHandler(run as never),
  ]);
  const warren = await runTopology(await loadTopology(files), Object.fromEntries(modules));
  const edit: Editable["edit"] = async (next, changes = {}) => {
    const loaded: Topology = await loadTopology({ ...files, topology: next, ...changes });
    return await warren.runner.update({ ok: true, topology: loaded });
  };
  return Object.assign(warren, { edit });
}

/** Queue → consumer tag. */
async function tagsIn(vhost: Vhost): Promise<Readonly<Record<string, string>>> {
  type Consumer = { readonly consumer_tag: string; readonly queue: { readonly name: string } };
  const consumers = (await vhost.management<Consumer[]>("consumers/{vhost}")) ?? [];
  return Object.fromEntries(consumers.map(({ consumer_tag, queue }) => [queue.name, consumer_tag]));
}

function publish(warren: TestRunner, key: string, message: object = {}) {
  return warren.post("/publish", { exchange: "free", routing_key: key, message });
}

test("a new queue is declared and consumed, and the others keep their consumers", async ({
  vhost,
}) => {
  const seen: string[] = [];
  const handlers = { a: () => seen.push("a"), b: () => seen.push("b") };
  const warren = await startEditable(vhost, topologyWith({ a: "" }), handlers);
  await waitFor(async () => "a" in (await tagsIn(vhost)), { what: "the consumer of a" });
  const before = await tagsIn(vhost);
  const updated = await warren.edit(topologyWith({ a: "", b: "" }));
  expect(updated).toMatchObject({ status: "updated", generation: 2, added: ["b"], removed: [] });
  expect((await publish(warren, "b")).status).toBe(202);
  await waitFor(() => seen.length === 1, { what: "the new handler's run" });
  await waitFor(async () => "b" in (await tagsIn(vhost)), { what: "the consumer of b" });
  expect((await tagsIn(vhost)).a).toBe(before.a);
  expect((await warren.get("/readyz")).status).toBe(200);
  await warren.stop();
  expect(seen).toEqual(["b"]);
});

test("a queue that is gone from the file keeps its messages; its consumer ends after what it has begun, and the log says how many wait", async ({
  vhost,
}) => {
  const ended: string[] = [];
  const { released, release } = gate();
  const handlers = {
    a: nothing,
    b: async (event: { n: number }) => {
      await released;
      ended.push(`b${event.n}`);
    },
  };
  const queues = { a: "", b: ", concurrency: 1, prefetch: 3" };
  const warren = await startEditable(vhost, topologyWith(queues), handlers as TestHandlers);
  for (const n of [1, 2, 3, 4, 5]) await publish(warren, "b", { n });
  await waitFor(() => warren.runner.status().queues.b?.inFlight === 1, { what: "the first run" });
  const updated = await warren.edit(topologyWith({ a: "" }));
  expect(updated).toMatchObject({ status: "updated", added: [], removed: ["b"] });
  expect(warren.runner.status().queues).toEqual({
    a: { consumer: "live", pauses: [], breaker: null, inFlight: 0 },
  });
  const said = () => warren.log.filter(({ queue }) => queue === "b");
  await waitFor(() => said().length === 1, { what: "the warning" });
  expect(said()).toMatchObject([
    { level: "warn", message: expect.stringContaining("no longer"), messages: 4 },
  ]);
  release();
  await vhost.waitForCounts("b", { ready: 4, consumers: 0 });
  expect(await warren.edit(topologyWith(queues))).toMatchObject({ added: ["b"] });
  await waitFor(() => ended.length === 5, { what: "all messages" });
  await warren.stop();
  expect(ended.toSorted()).toEqual(["b1", "b2", "b3", "b4", "b5"]);
});

test("a queue that goes and comes back while it drains ends what it had begun, and runs the rest once", async ({
  vhost,
}) => {
  const runs: number[] = [];
  const { released, release } = gate();
  const handlers = {
    a: async (event: { n: number }) => {
      runs.push(event.n);
      if (event.n === 1) await released;
    },
  };
  const queues = { a: ", concurrency: 1" };
  const warren = await startEditable(vhost, topologyWith(queues), handlers as TestHandlers);
  await publish(warren, "a", { n: 1 });
  await waitFor(() => runs.length === 1, { what: "the first run" });
  await warren.edit(topologyWith({}));
  await warren.edit(topologyWith(queues));
  await publish(warren, "a", { n: 2 });
  await waitFor(() => runs.length === 2, { what: "the run of the new consumer" });
  release();
  const isOver = () => warren.log.some(({ message }) => message === "consumer ended");
  await waitFor(isOver, { what: "the old one's end" });
  expect(await warren.stop()).toBe(true);
  await vhost.waitForCounts("a", { ready: 0, consumers: 0 });
  expect(runs).toEqual([1, 2]);
});

for (const type of ["classic", "quorum"]) {
  test(`another prefetch subscribes its own ${type} queue again, and no message is lost or run twice`, async ({
    vhost,
  }) => {
    const runs: number[] = [];
    let running = 0;
    let most = 0;
    const handlers = {
      a: async (event: { n: number }) => {
        runs.push(event.n);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
      },
      b: nothing,
      single: nothing,
    };
    const text = (prefetch: number) =>
      topologyWith({
        a: `, type: ${type}, timeout: 1s, concurrency: 2, prefetch: ${prefetch}`,
        b: "",
        single: `, type: ${type}, timeout: 1s, ordered: true, prefetch: ${Math.min(prefetch, 16)}`,
      });
    const warren = await startEditable(vhost, text(2), handlers as TestHandlers);
    await waitFor(async () => Object.keys(await tagsIn(vhost)).length === 3, { what: "tags" });
    const before = await tagsIn(vhost);
    const sent = [];
    for (let n = 0; n < 200; n++) {
      sent.push(publish(warren, "a", { n }));
      if (n % 40 === 20) expect(await warren.edit(text(n))).toMatchObject({ status: "updated" });
    }
    await Promise.all(sent);
    await waitFor(() => runs.length >= 200, { what: "200 runs" });
    const after = await waitFor(
      async (see) => {
        const tags = see(await tagsIn(vhost));
        return tags.a !== before.a && tags;
      },
      { what: "the new consumer to be listed" },
    );
    expect(after).toEqual({ ...before, a: after.a });
    expect(await vhost.queueCounts("a")).toMatchObject({ consumers: 1 });
    expect(await warren.stop()).toBe(true);
    await vhost.waitForCounts("a", { ready: 0, consumers: 0 });
    expect(runs.toSorted((one, other) => one - other)).toEqual(sent.map((_, n) => n));
    expect(most).toBe(2);
  });
}

test("another concurrency, timeout or retry counts at once, with the same consumer", async ({
  vhost,
  client,
}) => {
  const { released, release } = gate();
  const attempts: number[] = [];
  const handlers: TestHandlers = {
    a: () => released,
    b: (_event, { attempt }) => {
      attempts.push(attempt);
      throw new Error("no");
    },
    c: (_event, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("too late")));
      }),
  };
  const before = { a: ", concurrency: 1, prefetch: 50", b: "", c: ", retry: none, timeout: 20s" };
  const warren = await startEditable(vhost, topologyWith(before), handlers);
  await waitFor(async () => Object.keys(await tagsIn(vhost)).length === 3, { what: "tags" });
  const tags = await tagsIn(vhost);
  for (let n = 0; n < 6; n++) await publish(warren, "a");
  const runs = () => warren.runner.status().queues.a?.inFlight;
  await waitFor(() => runs() === 1, { what: "one run" });
  const after = {
    a: ", concurrency: 4, prefetch: 50",
    b: ", retry: [200ms, 250ms]",
    c: ", retry: none, timeout: 100ms",
  };
  const updated = await warren.edit(topologyWith(after));
  expect(updated).toMatchObject({ status: "updated", added: [], removed: [] });
  await publish(warren, "c");
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  expect((await client.get("dead_letters"))?.headers["x-warren-error"]).toContain("100 ms");
  await publish(warren, "b");
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await waitFor(() => runs() === 4, { what: "four runs at once" });
  release();
  expect(await tagsIn(vhost)).toEqual(tags);
  await warren.stop();
  expect(attempts).toEqual([1, 2, 3]);
});

test("a copy that waits for a delay which the queue no longer has comes back all the same", async ({
  vhost,
}) => {
  const attempts: number[] = [];
  const handlers: TestHandlers = {
    a: (_event, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error("once");
    },
  };
  const warren = await startEditable(vhost, topologyWith({ a: ", retry: [1500ms]" }), handlers);
  await publish(warren, "a");
  await vhost.waitForCounts("warren.test.retry.1500ms", { ready: 1 });
  expect(await warren.edit(topologyWith({ a: ", retry: [1h]" }))).toMatchObject({
    status: "updated",
  });
  await waitFor(() => attempts.length === 2, { what: "the second attempt" });
  await warren.stop();
  expect(attempts).toEqual([1, 2]);
});

test("what is in conflict with the broker is refused with its place; what ran goes on, and the next good edit is taken", async ({
  vhost,
}) => {
  const seen: string[] = [];
  const handlers = { a: () => seen.push("a"), b: nothing };
  const warren = await startEditable(vhost, topologyWith({ a: "" }), handlers);
  const updated = await warren.edit(topologyWith({ a: ", ttl: 1h", b: "" }));
  const problem = {
    code: "conflict",
    message: expect.stringMatching(/^queue "a": x-message-ttl: the file says 3600000/),
    at: { file: expect.stringMatching(/topology\.yaml$/), line: 8, column: 3 },
  };
  expect(updated).toEqual({ status: "refused", files: new Map(), problems: [problem] });
  expect(await vhost.queueCounts("b")).toBeUndefined();
  expect((await warren.get("/health")).body).toMatchObject({
    status: "degraded",
    summary: expect.stringContaining("the last edit is not in use: "),
    reload: { generation: 1, problems: [problem] },
  });
  expect((await warren.get("/readyz")).status).toBe(200);
  const said = warren.log.filter(({ message }) => message === "not reloaded");
  expect(said).toMatchObject([
    { level: "error", code: "conflict", at: expect.stringMatching(/topology\.yaml:8:3$/) },
  ]);
  await publish(warren, "a");
  await waitFor(() => seen.length === 1, { what: "a run" });
  expect(await warren.edit(topologyWith({ a: "", b: "" }))).toMatchObject({ generation: 2 });
  expect((await warren.get("/health")).body).toMatchObject({
    status: "ok",
    reload: { generation: 2, problems: [] },
  });
  await warren.stop();
});

test("another project, broker, http or store needs a restart, and is refused with its place", async ({
  vhost,
}) => {
  const warren = await startEditable(vhost, topologyWith({}), {});
  const { topology } = warren;
  const { broker, places } = topology;
  const update = async (changes: Partial<Topology>) =>
    await warren.runner.update({ ok: true, topology: { ...topology, ...changes } });
  const address = { url: "amqp://a:secret@other", shown: "amqp://a:***@other" };
  const cases = [
    [{ project: "other" }, 'project is "other" now, and the runner has "test"', "project"],
    [
      { broker: { ...broker, addresses: [address] } },
      expect.stringContaining(`broker is ${address.shown} with a heartbeat of 10000 ms now`),
      "broker",
    ],
    [{ http: { host: "::1", port: 1 } }, expect.stringContaining("http is ::1:1 now"), "http"],
    [
      { stores: { idempotency: address } },
      `stores is ${address.shown} now, and the runner has memory`,
      "stores",
    ],
  ] as const;
  for (const [changes, message, key] of cases) {
    const problem = { code: "restart-needed", message, at: places[key] };
    expect(await update(changes)).toMatchObject({ status: "refused", problems: [problem] });
  }
  // The broker's own timeout is for the loader's checks alone.
  const consumerTimeoutMs = broker.consumerTimeoutMs + 1;
  expect(await update({ broker: { ...broker, consumerTimeoutMs } })).toMatchObject({
    status: "updated",
  });
  await warren.stop();
});

test("publish and handlers go over to the new schemas together", async ({ vhost }) => {
  const seen: object[] = [];
  const topology = `exchanges: { jobs: { type: topic, events: ["job.*"] } }
queues: { a: { bind: { jobs: "#" }, handler: a, deadLetter: none } }
`;
  const schema = (field: string) => ({
    "job.done": { type: "object", required: [field], properties: { [field]: { type: "string" } } },
  });
  const handlers = { a: (event: object) => seen.push(event) };
  const warren = await startEditable(vhost, topology, handlers, { events: schema("old") });
  expect((await warren.post("/publish/job.done", { old: "x" })).status).toBe(202);
  await waitFor(() => seen.length === 1, { what: "the first event" });
  await warren.edit(topology, { events: schema("new") });
  expect((await warren.post("/publish/job.done", { old: "x" })).status).toBe(422);
  expect((await warren.post("/publish/job.done", { new: "x" })).status).toBe(202);
  await waitFor(() => seen.length === 2, { what: "the second event" });
  await warren.stop();
  expect(seen).toMatchObject([{ old: "x" }, { new: "x" }]);
});

test("a handler that began before goes on publishing what its own schemas say", async ({
  vhost,
}) => {
  const schema = (field: string) => ({ "job.done": { type: "object", required: [field] } });
  let begun = false;
  const { released, release } = gate();
  const outcomes: string[] = [];
  const handlers: TestHandlers = {
    a: async (_event, { publish: send }) => {
      begun = true;
      await released;
      const publishing = send as (...args: unknown[]) => Promise<void>;
      await publishing("jobs", "job.done", { old: "x" }).then(
        () => outcomes.push("published"),
        (error: Error) => outcomes.push(error.message),
      );
    },
  };
  const topology = `exchanges: { free: { type: topic }, jobs: { type: fanout, events: ["job.*"] } }
queues:
  a: { bind: { free: a }, handler: a, deadLetter: none }
  jobs_queue: { bind: jobs, handler: none, deadLetter: none }
`;
  const warren = await startEditable(vhost, topology, handlers, { events: schema("old") });
  await publish(warren, "a");
  await waitFor(() => begun, { what: "the handler to begin" });
  await warren.edit(topology, { events: schema("new") });
  release();
  await waitFor(() => outcomes.length === 1, { what: "the handler to publish" });
  await warren.stop();
  expect(outcomes).toEqual(["published"]);
});

test("of the updates that are asked for while one runs only the newest is taken", async ({
  vhost,
}) => {
  const handlers = { a: nothing, b: nothing, c: nothing, d: nothing };
  const warren = await startEditable(vhost, topologyWith({ a: "" }), handlers);
  const topologies = [];
  for (const name of ["b", "c", "d"]) {
    const topology = topologyWith({ a: "", [name]: "" });
    topologies.push(await loadTopology({ url: vhost.url, topology, handlers }));
  }
  const updates = topologies.map((topology) => warren.runner.update({ ok: true, topology }));
  const [first, second, third] = await Promise.all(updates);
  expect(first).toMatchObject({ status: "updated", generation: 2, added: ["d"] });
  expect([second, third]).toEqual([first, first]);
  expect(await vhost.queueCounts("b")).toBeUndefined();
  await warren.stop();
});

test("while the broker is away an edit of its objects is refused, and one of handlers is taken", async ({
  vhost,
  proxy,
}) => {
  const url = proxy.url(vhost.url);
  const handlers = { a: nothing, b: nothing };
  const warren = await startEditable(vhost, topologyWith({ a: "" }), handlers, { url });
  await proxy.close();
  expect(await warren.edit(topologyWith({ a: "", b: "" }))).toMatchObject({
    status: "refused",
    problems: [{ code: "connection-failed" }],
  });
  expect(await warren.edit(topologyWith({ a: ", timeout: 1s" }))).toMatchObject({
    status: "updated",
  });
  await warren.stop();
});

test("what was not whole when it was loaded is discarded without a word", async ({ vhost }) => {
  const warren = await startEditable(vhost, topologyWith({}), {});
  const { topology } = warren;
  const updated = await warren.runner.update({ ok: true, topology, isWhole: async () => false });
  expect(updated).toEqual({ status: "discarded", files: new Map() });
  expect((await warren.get("/health")).body).toMatchObject({
    reload: { generation: 1, problems: [] },
  });
  await warren.stop();
});

test("an update of a runner that stops is discarded", async ({ vhost }) => {
  const warren = await startEditable(vhost, topologyWith({ a: "" }), { a: nothing });
  await warren.stop();
  const { topology } = warren;
  expect(await warren.runner.update({ ok: true, topology })).toMatchObject({
    status: "discarded",
  });
});
