import { setTimeout as delay } from "node:timers/promises";
import { startNode } from "../support/node.ts";
import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";

const topology = `
defaults: { retry: [200ms], deadLetter: dead }
exchanges:
  jobs:   { type: topic }
  others: { type: topic }
  dead:   { type: topic }
queues:
  work:  { bind: { jobs: "#" }, handler: work }
  other: { bind: { others: "#" }, handler: other }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const nothing = () => undefined;

/** The frame of a basic.ack: type 1, channel, 13 bytes, class 60, method 80. */
const ACK_FRAME = Buffer.from([0, 0, 0, 13, 0, 60, 0, 80]);

function gate() {
  let open: () => void = nothing;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test("an ack from before a reconnect never settles another delivery", async ({
  vhost,
  proxy,
  client,
}) => {
  const [first, second] = [gate(), gate()];
  const started: string[] = [];
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology: topology.replace("handler: work", "handler: work, concurrency: 2"),
    handlers: {
      other: nothing,
      work: async (event: { id: string }) => {
        started.push(event.id);
        await (event.id === "A" ? first.opened : second.opened);
      },
    },
  });
  await client.publish("jobs", "a", { id: "A" });
  await waitFor(() => started.length === 1, { what: "A to start" });
  // A goes to somebody else while the runner is away; B gets the tag that A had.
  proxy.stall();
  proxy.cut();
  const taken = await waitFor(() => client.get("work"), { what: "A to be back in its queue" });
  expect(taken.body).toBe('{"id":"A"}');
  await client.publish("jobs", "b", { id: "B" });
  proxy.resume();
  await waitFor(() => started.length === 2, { what: "B to start", timeoutMs: 20_000 });
  expect(started).toEqual(["A", "B"]);
  first.open();
  // Whatever the late ack did has arrived before the answers to what follows it.
  await delay(200);
  proxy.cut();
  await waitFor(() => started.length === 3, { what: "B to come again", timeoutMs: 20_000 });
  expect(started[2]).toBe("B");
  second.open();
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await warren.stop();
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
});

test("a crash between the retry copy and the ack repeats the message and never loses it", async ({
  vhost,
  proxy,
  client,
}) => {
  const ids = Array.from({ length: 50 }, (_, index) => `m${index}`);
  const handled = new Map<string, number>();
  const warren = await startRunner({
    url: proxy.url(vhost.url),
    topology,
    handlers: {
      other: nothing,
      work: (event: { id: string }, { attempt }) => {
        if (attempt === 1) throw new Error("once");
        handled.set(event.id, (handled.get(event.id) ?? 0) + 1);
      },
    },
  });
  let cuts = 0;
  for (const id of ids) {
    // Its copy is confirmed when the ack is about to leave.
    const cut = proxy.cutBefore(ACK_FRAME);
    await client.publish("jobs", "x", { id });
    await cut;
    cuts += 1;
    await waitFor(() => handled.has(id), { what: `${id} to be handled`, timeoutMs: 20_000 });
  }
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await vhost.waitForCounts("work", { ready: 0 });
  await warren.stop();
  expect([...handled.keys()].sort()).toEqual([...ids].sort());
  expect(cuts).toBe(50);
  const duplicates = [...handled.values()].reduce((sum, count) => sum + count - 1, 0);
  // Each cut repeats what was unacknowledged: this message, or the one before it.
  expect(duplicates).toBeLessThanOrEqual(2 * cuts);
  console.log(`retry crash: ${cuts} cuts, ${handled.size} of 50 handled, ${duplicates} duplicates`);
}, 120_000);

test("a retry copy without a route is held until it has one; nothing is lost", async ({
  vhost,
  client,
}) => {
  const attempts: number[] = [];
  const { opened, open } = gate();
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: async (_event, { attempt }) => {
        attempts.push(attempt);
        await opened;
        if (attempt === 1) throw new Error("once");
      },
    },
  });
  await client.publish("jobs", "x", { id: "A" });
  await waitFor(() => attempts.length === 1, { what: "the first attempt" });
  await client.channel.unbindQueue("warren.test.retry.200ms", "warren.test.retry", "200ms.#");
  open();
  await waitFor(() => attempts.length === 2, { what: "the second attempt", timeoutMs: 20_000 });
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
  await warren.stop();
  expect(attempts).toEqual([1, 2]);
  expect(warren.log.filter(({ message }) => message.startsWith("message held"))).not.toEqual([]);
});

test("an exchange deleted under load fails its own messages alone, and comes back by itself", async ({
  vhost,
  client,
}) => {
  const handled = { work: new Set<string>(), other: new Set<string>() };
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      work: (event: { id: string }) => void handled.work.add(event.id),
      other: (event: { id: string }) => void handled.other.add(event.id),
    },
  });
  const accepted = { jobs: new Set<string>(), others: new Set<string>() };
  const refused = { jobs: 0, others: 0 };
  let isOver = false;
  const load = async (exchange: "jobs" | "others") => {
    for (let n = 0; !isOver; n++) {
      const id = `${exchange}-${n}`;
      const { status } = await warren.post("/publish", {
        exchange,
        routing_key: "x",
        message: { id },
      });
      if (status === 202) accepted[exchange].add(id);
      else refused[exchange] += 1;
    }
  };
  const loads = [load("jobs"), load("others"), load("jobs"), load("others")];
  await waitFor(() => accepted.jobs.size > 20, { what: "load" });
  await client.channel.deleteExchange("jobs");
  const before = accepted.jobs.size;
  await waitFor(() => accepted.jobs.size > before + 20, {
    what: "jobs to be accepted again",
    timeoutMs: 15_000,
  });
  isOver = true;
  await Promise.all(loads);
  await waitFor(() => [...accepted.jobs].every((id) => handled.work.has(id)), { what: "jobs" });
  await waitFor(() => [...accepted.others].every((id) => handled.other.has(id)), {
    what: "others",
  });
  await warren.stop();
  expect(refused.others).toBe(0);
});

test("one poison message in a thousand has exactly its attempts, and the others one each", async ({
  vhost,
}) => {
  const attempts = new Map<number, number>();
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: ({ n }: { n: number }) => {
        attempts.set(n, (attempts.get(n) ?? 0) + 1);
        if (n === 500) throw new Error("poison");
      },
    },
  });
  const numbers = Array.from({ length: 1_000 }, (_, n) => n);
  for (let from = 0; from < 1_000; from += 50) {
    await Promise.all(
      numbers
        .slice(from, from + 50)
        .map((n) =>
          warren.post("/publish", { exchange: "jobs", routing_key: "x", message: { n } }),
        ),
    );
  }
  await vhost.waitForCounts("dead_letters", { ready: 1 }, 20_000);
  await waitFor(() => attempts.size === 1_000, { what: "all to be handled" });
  await warren.stop();
  expect(attempts.get(500)).toBe(2);
  expect([...attempts].filter(([n, count]) => n !== 500 && count !== 1)).toEqual([]);
});

test("two runners of one queue keep one count of attempts", async ({ vhost, client }) => {
  const attempts: number[] = [];
  const files = {
    url: vhost.url,
    topology,
    handlers: {
      other: nothing,
      work: (_event: never, { attempt }: { attempt: number }) => {
        attempts.push(attempt);
        throw new Error("always");
      },
    },
  };
  const runners = await Promise.all([startRunner(files), startRunner(files)]);
  for (let n = 0; n < 20; n++) await client.publish("jobs", "x", { n });
  await vhost.waitForCounts("dead_letters", { ready: 20 }, 20_000);
  await Promise.all(runners.map(({ stop }) => stop()));
  expect(attempts.filter((attempt) => attempt === 1)).toHaveLength(20);
  expect(attempts.filter((attempt) => attempt === 2)).toHaveLength(20);
  expect(attempts).toHaveLength(40);
});

test("a broker that comes back empty is given its topology again, and is consumed", async () => {
  const node = await startNode();
  try {
    const handled: string[] = [];
    const warren = await startRunner({
      url: node.amqpUrl,
      topology,
      handlers: { other: nothing, work: ({ id }: { id: string }) => void handled.push(id) },
    });
    await node.ctl("stop_app");
    await node.ctl("reset");
    await node.ctl("start_app");
    await waitFor(
      async () => {
        const { status } = await warren.post("/publish", {
          exchange: "jobs",
          routing_key: "x",
          message: { id: "after" },
        });
        return status === 202;
      },
      { what: "a publish to be accepted", timeoutMs: 30_000, everyMs: 200 },
    );
    await waitFor(() => handled.includes("after"), { what: "it to be handled", timeoutMs: 20_000 });
    expect((await warren.get("/readyz")).status).toBe(200);
    await warren.stop();
  } finally {
    await node.stop();
  }
}, 120_000);

test("kill -9 of the broker under load loses nothing that was answered 202", async () => {
  const node = await startNode();
  try {
    const handled = new Map<string, number>();
    const note = ({ id }: { id: string }) => void handled.set(id, (handled.get(id) ?? 0) + 1);
    const warren = await startRunner({
      url: node.amqpUrl,
      topology: topology.replace('others: "#" }', 'others: "#" }, type: classic'),
      handlers: { work: note, other: note },
      heartbeat: "2s",
    });
    const answers = new Map<string, number>();
    let isOver = false;
    const load = async (exchange: string, lane: number) => {
      for (let n = 0; !isOver; n++) {
        const id = `${exchange}-${lane}-${n}`;
        const body = { exchange, routing_key: "x", message: { id } };
        const { status } = await warren.post("/publish", body);
        answers.set(id, status);
        if (status !== 202) await delay(50);
      }
    };
    const loads = [0, 1, 2, 3].flatMap((lane) => [load("jobs", lane), load("others", lane)]);
    const accepted = () => [...answers].filter(([, status]) => status === 202);
    for (let kill = 0; kill < 2; kill++) {
      const before = accepted().length;
      // A second after its declaration a quorum queue survives a kill of its node.
      await delay(1_500);
      await waitFor(() => accepted().length > before + 200, { what: "load", timeoutMs: 30_000 });
      await node.restart();
    }
    const before = accepted().length;
    await waitFor(() => accepted().length > before + 100, { what: "recovery", timeoutMs: 30_000 });
    isOver = true;
    await Promise.all(loads);
    await waitFor((seen) => seen(accepted().filter(([id]) => !handled.has(id))).length === 0, {
      what: "everything accepted to be handled",
      timeoutMs: 30_000,
    });
    await warren.stop();
    const lost = accepted().filter(([id]) => !handled.has(id));
    expect(lost).toEqual([]);
    for (const status of new Set(answers.values())) expect([202, 503, 504]).toContain(status);
    const duplicates = [...handled.values()].reduce((sum, count) => sum + count - 1, 0);
    console.log(
      `kill -9: ${answers.size} sent, ${accepted().length} accepted, ${lost.length} lost, ${duplicates} duplicates`,
    );
  } finally {
    await node.stop();
  }
}, 180_000);

test("a forged x-death from a foreign publisher is parked by a copy without it", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: {
      work: nothing,
      other: (_event, { attempt }) => {
        throw new Error(`attempt ${attempt}`);
      },
    },
  });
  await client.publish(
    "others",
    "x",
    { id: "A" },
    {
      messageId: "forged",
      CC: ["another.key"],
      headers: {
        "x-death": ["a"],
        "x-warren-attempt": 999,
        "x-warren-exchange": "elsewhere",
        tenant: "kept",
      },
    },
  );
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  const parked = await client.peek("dead_letters");
  expect(parked).toHaveLength(1);
  expect(parked[0]?.headers).toMatchObject({
    "x-warren-attempts": 2,
    "x-warren-error": "Error: attempt 2",
    "x-warren-exchange": "others",
    tenant: "kept",
  });
  expect(parked[0]?.headers).not.toHaveProperty("x-death");
  expect(parked[0]?.headers).not.toHaveProperty("CC");
});

test("a queue deleted under its consumer is declared and consumed again", async ({
  vhost,
  client,
}) => {
  const handled: unknown[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { other: nothing, work: (event) => void handled.push(event) },
  });
  for (let round = 0; round < 3; round++) {
    await client.channel.deleteQueue("work");
    await vhost.waitForCounts("work", { consumers: 1 }, 15_000);
    await client.publish("jobs", "x", { round });
    await waitFor(() => handled.length === round + 1, { what: `round ${round}` });
  }
  expect((await warren.get("/readyz")).status).toBe(200);
  await warren.stop();
  expect(handled).toEqual([{ round: 0 }, { round: 1 }, { round: 2 }]);
});

test("a queue that comes back with other arguments is said, and consumed all the same", async ({
  vhost,
  client,
}) => {
  const handled: unknown[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { other: nothing, work: (event) => void handled.push(event) },
  });
  await client.channel.deleteQueue("work");
  await client.channel.assertQueue("work", { durable: true, messageTtl: 60_000 });
  await client.channel.bindQueue("work", "jobs", "#");
  await vhost.waitForCounts("work", { consumers: 1 }, 15_000);
  await client.publish("jobs", "x", { after: "drift" });
  await waitFor(() => handled.length === 1, { what: "a message" });
  const ready = await warren.get("/readyz");
  const health = await warren.get("/health");
  await warren.stop();
  expect(ready.status).toBe(503);
  expect(JSON.stringify(health.body)).toContain("x-message-ttl");
  expect(JSON.stringify(health.body)).toContain("conflict");
});

test("an orderly stop loses no ack of a quorum queue, and gives back what has not started", async ({
  vhost,
  client,
}) => {
  const { opened, open } = gate();
  let started = 0;
  const warren = await startRunner({
    url: vhost.url,
    topology: topology.replace("handler: work", "handler: work, concurrency: 200, prefetch: 250"),
    handlers: {
      other: nothing,
      work: async ({ n }: { n: number }) => {
        started += 1;
        await opened;
        // The first ends last, so that no ack of the others can stand for those before it.
        if (n === 0) await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      },
    },
  });
  await Promise.all(Array.from({ length: 260 }, (_, n) => client.publish("jobs", "x", { n })));
  await waitFor(() => started === 200, { what: "200 runs" });
  const stopping = warren.stop();
  open();
  expect(await stopping).toBe(true);
  await vhost.waitForCounts("work", { ready: 60, consumers: 0 });
  expect(started).toBe(200);
});
