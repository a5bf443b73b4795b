/** What a broker itself can do to a runner: freeze, raise an alarm, have few channels. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import type { HandlerContext } from "../../../src/handler.ts";
import { type RabbitNode, startNode } from "../../support/node.ts";
import { startRunner, type TestHandlers, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { createVhost, deleteVhost } from "../../support/vhost.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate, nothing, topology } from "../jobs.ts";
import { ask, ends } from "../rpc/calling.ts";
import { untilReady, withRunner } from "../running.ts";
import { Ledger } from "./load.ts";

type Job = { readonly id: string; readonly isPoison: boolean };
type AnyPublish = (...args: unknown[]) => Promise<void>;

// One node for the file: each test leaves it as it found it.
let node: RabbitNode;
beforeAll(async () => {
  node = await startNode({ extraConf: "channel_max = 8" });
});
afterAll(() => node.stop());

test("a broker that freezes is noticed within two heartbeats, and is consumed again by itself", async () => {
  const ledger = new Ledger();
  await withRunner(
    node,
    { handlers: { work: ledger.handler(), other: ledger.handler() } },
    async ({ warren }) => {
      ledger.start(warren, ["jobs", "others"], 1);
      await ledger.more(50);
      const [frozenAt, frozenSince] = [Date.now(), performance.now()];
      node.freeze();
      try {
        const ends = () => connectionsOf(warren).map(({ downSince }) => downSince);
        await waitFor(() => ends().every((end) => end !== null), {
          what: "both connections to be given up",
        });
        expect((await warren.get("/readyz")).status).toBe(503);
        const first = ends();
        const noticedMs = first.map((end) => Date.parse(end ?? "") - frozenAt);
        console.log(`silence noticed after ${noticedMs.join(" and ")} ms, by heartbeats of 2 s`);
        // Two heartbeats are 4 s; the rest is for a machine that has other things to do.
        expect(Math.max(...noticedMs)).toBeLessThan(8_000);
        await delay(Math.max(0, frozenSince + 20_000 - performance.now()));
        expect((await warren.get("/readyz")).status).toBe(503);
        expect(ends()).toEqual(first);
      } finally {
        node.thaw();
      }
      const thawedAt = performance.now();
      await ledger.more(1);
      console.log(`consuming ${Math.round(performance.now() - thawedAt)} ms after the thaw`);
      const account = await ledger.end();
      await untilReady(warren);
      expect(account).toMatchObject({ lost: [], refusedButHandled: [], attempts: [1] });
    },
  );
});

const alarms = {
  memory: {
    on: ["set_vm_memory_high_watermark", "absolute", "1MB"],
    off: ["set_vm_memory_high_watermark", "0.4"],
  },
  disk: { on: ["set_disk_free_limit", "99999GB"], off: ["set_disk_free_limit", "50MB"] },
} as const;

test.for(["memory", "disk"] as const)(
  "during a %s alarm handlers go on, publishers are told at once, and the connections stay",
  async (kind) => {
    const { opened, open } = gate();
    const ledger = new Ledger();
    // Its messages wait for the alarm; then they are handled during it.
    const work = ledger.handler((id) => (id.startsWith("jobs") ? opened : undefined));
    await withRunner(
      node,
      { handlers: { work, other: ledger.handler() } },
      async ({ warren, vhost }) => {
        await Promise.all(
          Array.from({ length: 100 }, (_, n) => {
            const body = { exchange: "jobs", routing_key: "x", message: { id: `jobs-${n}` } };
            return warren.post("/publish", body);
          }),
        );
        ledger.start(warren, ["others"]);
        await ledger.more(20);
        await node.ctl(...alarms[kind].on);
        const refusals: number[] = [];
        try {
          await waitFor(() => warren.runner.status().connections.publish.state === "blocked", {
            what: "the alarm to be seen",
          });
          open();
          // Longer than the heartbeats that would end a silent connection.
          for (const endsAt = performance.now() + 10_000; performance.now() < endsAt; ) {
            refusals.push(await refusedAfter(warren));
            // To ask without a pause would be load for the other tests alone.
            await delay(5);
          }
          await vhost.waitForCounts("work", { ready: 0 });
          expect(warren.runner.status().connections).toMatchObject({
            publish: { state: "blocked" },
            consume: { state: "ready" },
          });
          expect((await warren.get("/readyz")).status).toBe(503);
        } finally {
          await node.ctl(...alarms[kind].off);
        }
        await ledger.more(20);
        const account = await ledger.end();
        await untilReady(warren);
        expect(account).toMatchObject({ lost: [], refusedButHandled: [], attempts: [1] });
        expect(ledger.duplicates).toBe(0);
        expect(warren.log.filter(({ message }) => message === "connection lost")).toEqual([]);
        const p99 = percentile(refusals, 0.99);
        console.log(
          `${kind} alarm: ${refusals.length} refusals, p99 ${p99.toFixed(1)} ms (target 50)`,
        );
        expect(p99).toBeLessThan(1_000);
      },
    );
  },
);

test("calls that have begun before an alarm are answered after it, and new ones are refused meanwhile", async () => {
  const { opened, open } = gate();
  let begun = 0;
  const echo = async (request: unknown) => {
    begun += 1;
    await opened;
    return request;
  };
  const rpc = `
defaults: { retry: none, deadLetter: none, concurrency: 50, timeout: 3m }
exchanges: { tasks: { type: direct } }
queues:
  classic: { type: classic, rpc: true, bind: { tasks: classic }, handler: echo }
  quorum:  { type: quorum, rpc: true, bind: { tasks: quorum }, handler: echo }
`;
  await withRunner(node, { topology: rpc, handlers: { echo } }, async ({ warren }) => {
    const requests: unknown[] = Array.from({ length: 100 }, (_, number) => ({ number }));
    const calls = requests.map((request, index) =>
      ask(warren, index % 2 === 0 ? "classic" : "quorum", request, 180_000),
    );
    await waitFor(() => begun === 100, { what: "all runs" });
    await node.ctl(...alarms.memory.on);
    try {
      // A connection hears of an alarm once it publishes.
      requests.push("first");
      calls.push(ask(warren, "classic", "first", 180_000));
      await waitFor(() => warren.runner.status().connections.publish.state === "blocked", {
        what: "the alarm to be seen",
      });
      expect(await ask(warren, "classic", "new")).toMatchObject({ ok: false, code: "blocked" });
      open();
      // The replies of all wait, and with them their requests.
      const states = () => Object.values(warren.runner.status().queues);
      await waitFor(() => states().every(({ consumer }) => consumer === "held"), {
        what: "the held replies",
      });
      expect(warren.runner.status().rpc.waiting).toBe(101);
    } finally {
      await node.ctl(...alarms.memory.off);
    }
    expect(new Set(ends(await Promise.all(calls), requests))).toEqual(new Set(["ok"]));
    await untilReady(warren);
    expect({ begun, ...warren.runner.status().rpc }).toEqual({
      begun: 101,
      waiting: 0,
      lateReplies: 0,
      droppedReplies: 0,
      expiredRequests: 0,
    });
  });
});

test("a failed message waits for the copy that an alarm keeps unconfirmed, and is not copied again", async () => {
  const { opened, open } = gate();
  const runs: string[] = [];
  const work = async ({ id }: { readonly id: string }, { attempt }: HandlerContext) => {
    runs.push(`${id} ${attempt}`);
    await opened;
    if (attempt === 1) throw new Error("the first attempt fails");
  };
  await withRunner(node, { handlers: { work, other: nothing } }, async ({ warren }) => {
    const publish = (id: string) =>
      warren.post("/publish", { exchange: "jobs", routing_key: "x", message: { id } });
    await publish("late");
    await waitFor(() => runs.length === 1, { what: "the first run" });
    await node.ctl(...alarms.memory.on);
    try {
      // The broker says that it takes nothing once somebody publishes: this copy is sent before.
      open();
      const reasons = () => warren.log.map(({ reason }) => reason);
      await waitFor((seen) => seen(reasons()).includes("sent, but not confirmed within 10000 ms"), {
        what: "the copy to be late",
      });
    } finally {
      await node.ctl(...alarms.memory.off);
    }
    await waitFor((seen) => seen(warren.runner.status().queues.work?.inFlight) === 0, {
      what: "the message to be settled",
    });
    // A second copy would come before this one does.
    await publish("next");
    await waitFor((seen) => seen(runs).includes("next 2"), { what: "what comes after it" });
    expect(runs.toSorted()).toEqual(["late 1", "late 2", "next 1", "next 2"]);
  });
});

/** Longer than a publish may take; `WARREN_TEST_BLOCK_MS=30000` blocks for 30 s. */
const BLOCK_MS = Number(process.env.WARREN_TEST_BLOCK_MS ?? 12_000);

const blocked = `
defaults: { deadLetter: dead, retry: [100ms, 100ms], timeout: 3m }
exchanges:
  jobs: { type: fanout }
  out: { type: fanout }
  dead: { type: fanout }
queues:
  quorum:  { bind: jobs, handler: fail }
  classic: { bind: jobs, handler: fail, type: classic }
  ordered: { bind: jobs, handler: fail, ordered: true }
  publishing: { bind: jobs, handler: publish }
  sink: { bind: out, handler: none, deadLetter: none }
  dead_letters: { bind: dead, handler: none, deadLetter: none }
`;

test("while the broker is blocked no message loses an attempt", async () => {
  const { opened, open } = gate();
  const runs = new Map<string, Set<number>>();
  const note = (queue: string, id: string, attempt: number) => {
    const key = `${queue} ${id}`;
    runs.set(key, (runs.get(key) ?? new Set()).add(attempt));
  };
  const published = new Set<string>();
  const handlers: TestHandlers = {
    fail: async ({ id, isPoison }: Job, { attempt, message }) => {
      note(message.queue, id, attempt);
      await opened;
      if (isPoison || attempt < 3) throw new Error(`attempt ${attempt}`);
    },
    publish: async ({ id }: Job, { attempt, publish }) => {
      note("publishing", id, attempt);
      await opened;
      await (publish as unknown as AnyPublish)("out", "", { id });
      published.add(id);
    },
  };
  await withRunner(node, { topology: blocked, handlers }, async ({ warren, vhost }) => {
    const jobs = Array.from({ length: 10 }, (_, n): Job => ({ id: `${n}`, isPoison: n % 5 === 0 }));
    for (const message of jobs) await warren.post("/publish", { exchange: "jobs", message });
    await waitFor(() => runs.size === 31, {
      what: "all but those behind the ordered one to begin",
    });
    await node.ctl(...alarms.memory.on);
    const began = performance.now();
    try {
      open();
      await waitFor(() => warren.runner.status().connections.publish.state === "blocked", {
        what: "the alarm to be seen",
      });
      await delay(Math.max(0, BLOCK_MS - (performance.now() - began)));
      expect([...published]).toEqual([]);
      const counted = [...runs].filter(([key]) => !key.startsWith("ordered"));
      expect(new Set(counted.flatMap(([, attempts]) => [...attempts]))).toEqual(new Set([1]));
    } finally {
      await node.ctl(...alarms.memory.off);
    }
    // Two of each queue that fails.
    await vhost.waitForCounts("dead_letters", { ready: 6 });
    await waitFor(() => published.size === jobs.length, { what: "what is published" });
    await waitFor(() => [...runs.values()].filter(({ size }) => size === 3).length === 30, {
      what: "every message to have had its three attempts",
    });
    const dead = await vhost.peek("dead_letters");
    expect(new Set(dead.map(({ headers }) => headers["x-warren-attempts"]))).toEqual(new Set([3]));
    expect(new Set(dead.map(({ body }) => (JSON.parse(body) as Job).id))).toEqual(
      new Set(jobs.filter(({ isPoison }) => isPoison).map(({ id }) => id)),
    );
    expect(Math.max(...[...runs.values()].flatMap((attempts) => [...attempts]))).toBe(3);
    const ofPublishing = [...runs].filter(([key]) => key.startsWith("publishing"));
    expect(ofPublishing.map(([, attempts]) => [...attempts])).toEqual(jobs.map(() => [1]));
  });
});

test("what was sent when a stop meets an alarm is unknown, and never said to have failed", async () => {
  const { vhost, observer } = await createVhost(node);
  const warren = await startRunner({
    topology: topology.replace("handler: work", "handler: none"),
    url: vhost.url,
    handlers: { other: nothing },
  });
  const publish = (messageId: string) =>
    warren.runner.publish({
      exchange: "jobs",
      routingKey: "x",
      messageId,
      body: Buffer.from("{}"),
      contentType: "application/json",
    });
  expect(await publish("before")).toMatchObject({ ok: true });
  await node.ctl(...alarms.memory.on);
  try {
    const sent = publish("sent");
    await waitFor(() => warren.runner.status().connections.publish.state === "blocked", {
      what: "the alarm to be seen",
    });
    expect(await publish("refused")).toMatchObject({ ok: false, code: "blocked" });
    const began = performance.now();
    await warren.stop();
    expect(await sent).toMatchObject({ ok: false, code: "outcome-unknown", messageId: "sent" });
    // The deadline of the publish that was under way, and not that of the stop, which is 30 s.
    expect(performance.now() - began).toBeLessThan(20_000);
  } finally {
    await node.ctl(...alarms.memory.off);
  }
  const ids = async () => (await vhost.peek("work")).map((one) => one.properties.messageId);
  await waitFor(async (seen) => seen(await ids()).includes("before"), { what: "the first one" });
  expect(await ids()).not.toContain("refused");
  console.log(
    `a stop during an alarm: the sent one ${(await ids()).includes("sent") ? "arrived" : "did not arrive"}`,
  );
  await observer.close();
  await deleteVhost(vhost);
});

test("a connection with fewer channels than there are queues consumes what it can, and says so", async () => {
  const names = Array.from({ length: 10 }, (_, n) => `q${n}`);
  const queues = names.map((name) => `  ${name}: { type: classic, bind: jobs, handler: work }`);
  const many = `
defaults: { retry: none, deadLetter: none }
exchanges: { jobs: { type: fanout } }
queues:
${queues.join("\n")}
`;
  let handled = 0;
  const work = () => void handled++;
  await withRunner(node, { topology: many, handlers: { work } }, async ({ warren }) => {
    const states = Object.values(warren.runner.status().queues).map(({ consumer }) => consumer);
    expect(states.toSorted()).toEqual([...Array(2).fill("down"), ...Array(8).fill("live")]);
    expect((await warren.get("/readyz")).status).toBe(503);
    await warren.post("/publish", { exchange: "jobs", routing_key: "", message: {} });
    await waitFor((seen) => seen(handled) === 8, { what: "the message in the 8 queues" });
    await waitFor(
      () => warren.log.find(({ reason }) => String(reason).includes("No channels left")),
      { what: "the reason to be said" },
    );
  });
});

/** How long a refusal for the alarm takes, in milliseconds. */
async function refusedAfter(warren: TestRunner): Promise<number> {
  const began = performance.now();
  const body = { exchange: "jobs", routing_key: "x", message: { id: "refused" } };
  const { status, headers, body: refusal } = await warren.post("/publish", body);
  const ms = performance.now() - began;
  expect([status, refusal.code, headers.get("retry-after")]).toEqual([503, "blocked", "1"]);
  return ms;
}

function connectionsOf(warren: TestRunner) {
  return Object.values(warren.runner.status().connections);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
