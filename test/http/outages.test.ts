import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { type RabbitNode, startNode } from "../support/node.ts";
import { type Answer, startRunner, type TestHandlers, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import { createVhost, deleteVhost, type Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";

const topology = `
defaults: { type: classic, retry: none, deadLetter: none, timeout: 3m }
exchanges:
  jobs: { type: topic }
  slow: { type: topic }
queues:
  work:    { bind: { jobs: "#" }, handler: work }
  backlog: { bind: { slow: "#" }, handler: backlog, concurrency: 2 }
`;

// One node for the file: each test leaves it as it found it.
let node: RabbitNode;
beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node.stop());

type Outage = {
  readonly warren: TestRunner;
  readonly vhost: Vhost;
  /** Ids that `work` has handled. */
  readonly handled: readonly string[];
  /** Publishes to `work`. */
  publish(id: string): Promise<Timed>;
};
type Timed = Answer & { readonly ms: number };

/** Runs `use`, then shows that the same runner is well again and lost nothing that it accepted. */
async function duringOutage(
  backlog: TestHandlers[string],
  use: (outage: Outage) => Promise<void>,
  heartbeat = "2s",
): Promise<void> {
  const { vhost, observer } = await createVhost(node);
  const handled: string[] = [];
  const accepted: string[] = [];
  const warren = await startRunner({
    url: vhost.url,
    topology,
    heartbeat,
    handlers: { backlog, work: ({ id }: { id: string }) => void handled.push(id) },
  });
  const publish = async (id: string): Promise<Timed> => {
    const began = performance.now();
    const body = { exchange: "jobs", routing_key: "k", message: { id }, message_id: id };
    const answer = await warren.post("/publish", body);
    if (answer.status === 202) accepted.push(id);
    return { ...answer, ms: performance.now() - began };
  };
  try {
    expect((await publish("before")).status).toBe(202);
    expect(await probe(warren)).toEqual({ health: 200, livez: 200, readyz: 200 });
    await use({ warren, vhost, handled, publish });
    await waitFor(async (seen) => seen(await publish("after")).status === 202, {
      what: "a publish to be accepted again",
      everyMs: 100,
    });
    await waitFor(async () => (await warren.get("/readyz")).status === 200, {
      what: "readiness",
    });
    await waitFor((seen) => seen(accepted.filter((id) => !handled.includes(id))).length === 0, {
      what: "everything accepted to be handled",
    });
    expect(await probe(warren)).toEqual({ health: 200, livez: 200, readyz: 200 });
    expect((await warren.get("/health")).body).toMatchObject({ status: "ok" });
  } finally {
    await warren.stop();
    await observer.close();
    await deleteVhost(vhost);
  }
}

const nothing = () => undefined;

function problem(answer: Answer, code: string, detail: string, messageId: string): object {
  return {
    type: `urn:warren:problem:${code}`,
    title: code.charAt(0).toUpperCase() + code.slice(1).replaceAll("-", " "),
    status: answer.status,
    code,
    detail,
    message_id: messageId,
    request_id: answer.headers.get("x-request-id"),
  };
}

test("503: with the broker killed every publish is refused at once, until it is back", async () => {
  await duringOutage(nothing, async ({ warren, publish }) => {
    await node.kill9();
    const killedAt = Date.now();
    const downSince = () => warren.runner.status().connections.publish.downSince;
    await waitFor((seen) => seen(downSince()), { what: "the loss to be seen" });
    // Two heartbeats would be 4 s.
    expect(Date.parse(downSince() ?? "") - killedAt).toBeLessThan(2_000);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => publish(`m${n}`)));
    for (const [n, answer] of answers.entries()) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(answer.body).toEqual(problem(answer, "disconnected", "the broker is away", `m${n}`));
      // The deadline of a publish is ten seconds.
      expect(answer.ms).toBeLessThan(3_000);
    }
    expect(await probe(warren)).toEqual({ health: 200, livez: 200, readyz: 503 });
    const { body } = await warren.get("/health");
    expect(body).toMatchObject({
      status: "degraded",
      summary: expect.stringMatching(/the publish connection is (down|connecting)/),
    });
    await node.restart();
  });
});

test("503, 504: a frozen broker is given up by the deadline, and published to again once it thaws", async () => {
  let unsent = 0;
  await duringOutage(
    () => void unsent++,
    async ({ warren, publish }) => {
      node.freeze();
      try {
        // The first message of this exchange: its channel can't be opened, so nothing is sent.
        const body = { exchange: "slow", routing_key: "k", message: {} };
        const withoutChannel = warren.post("/publish", body);
        const sent: Promise<Timed>[] = [];
        let isOver = false;
        const first = publish("first").finally(() => {
          isOver = true;
        });
        for (let n = 0; !isOver; n++) {
          sent.push(publish(`m${n}`));
          await Promise.race([first, delay(250)]);
        }
        const answer = await first;
        const detail = "the broker has not confirmed the message in time: it may have arrived";
        expect([answer.status, answer.body]).toEqual([
          504,
          problem(answer, "outcome-unknown", detail, "first"),
        ]);
        const answers = [answer, ...(await Promise.all(sent))];
        for (const { ms } of answers) expect(ms).toBeLessThan(15_000);
        // Before the missing heartbeat is noticed a message may have been sent; after it, never.
        const codes = answers.map(({ status, body }) => `${status} ${body.code}`);
        expect([...new Set(codes)]).toEqual(["504 outcome-unknown", "503 disconnected"]);
        expect(codes.slice(codes.indexOf("503 disconnected")).join()).not.toContain("504");
        expect(await withoutChannel).toMatchObject({ status: 503, body: { code: "disconnected" } });
        expect(await probe(warren)).toEqual({ health: 200, livez: 200, readyz: 503 });
      } finally {
        node.thaw();
      }
    },
  );
  expect(unsent).toBe(0);
});

test("202: a broker that stands still for less than the heartbeat is waited for", async () => {
  const use = async ({ warren, publish }: Outage) => {
    node.freeze();
    const answers = Array.from({ length: 20 }, (_, n) => publish(`m${n}`));
    await delay(500);
    node.thaw();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(202));
    expect(warren.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  };
  await duringOutage(nothing, use, "10s");
});

test("503: what is in flight is bounded by its bytes, and what is over is refused at once", async () => {
  const use = async ({ warren }: Outage) => {
    const message = "x".repeat(1024 * 1024 - 2);
    const body = JSON.stringify({ exchange: "slow", routing_key: "k", message });
    node.freeze();
    let refused = 0;
    const answers = Array.from({ length: 40 }, async () => {
      const { status, body: refusal } = await warren.post("/publish", body);
      if (refusal.code === "overloaded") refused += 1;
      return refusal.code ?? status;
    });
    try {
      await waitFor((seen) => seen(refused) === 8, { what: "8 of 40 to be refused" });
    } finally {
      node.thaw();
    }
    const others = (await Promise.all(answers)).filter((answer) => answer !== "overloaded");
    // Confirmed, or unknown where 40 large requests took longer than a publish may take.
    expect(others).toHaveLength(32);
    for (const answer of others) expect([202, "outcome-unknown"]).toContain(answer);
  };
  // However long they take, the broker is not given up meanwhile.
  await duringOutage(nothing, use, "60s");
});

test("503: while a memory alarm blocks publishes, handlers go on, and nothing is lost", async () => {
  let open: () => void = nothing;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let done = 0;
  const backlog = async () => {
    await opened;
    done += 1;
  };
  await duringOutage(backlog, async ({ warren, vhost, handled, publish }) => {
    const backlogged = Array.from({ length: 100 }, () =>
      warren.post("/publish", { exchange: "slow", routing_key: "k", message: {} }),
    );
    await Promise.all(backlogged);
    await node.ctl("set_vm_memory_high_watermark", "absolute", "1MB");
    // The broker says that it is blocked when somebody publishes, so the first one is sent.
    const first = publish("first");
    try {
      await waitFor(async () => (await warren.get("/readyz")).status === 503, {
        what: "the alarm to be seen",
      });
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => publish(`m${n}`)));
      for (const [n, answer] of answers.entries()) {
        expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
        const detail = "the broker takes no messages at present: its memory or disk is full";
        expect(answer.body).toEqual(problem(answer, "blocked", detail, `m${n}`));
        expect(answer.ms).toBeLessThan(3_000);
      }
      expect((await warren.get("/health")).body).toMatchObject({
        status: "degraded",
        summary: "the publish connection is blocked",
        connections: { publish: { state: "blocked" }, consume: { state: "ready" } },
      });
      open();
      await waitFor((seen) => seen(done) === 100, { what: "the backlog to be handled" });
      await vhost.waitForCounts("backlog", { ready: 0 });
    } finally {
      await node.ctl("set_vm_memory_high_watermark", "0.4");
    }
    // Sent before the block: it arrives, whatever is answered when the alarm lasts.
    expect([202, 504]).toContain((await first).status);
    await waitFor(() => handled.includes("first"), { what: "the first one to arrive" });
    expect(handled.filter((id) => id.startsWith("m"))).toEqual([]);
  });
  expect(done).toBe(100);
});

async function probe(warren: TestRunner): Promise<Record<string, number>> {
  const names = ["health", "livez", "readyz"];
  const answers = await Promise.all(names.map((name) => warren.get(`/${name}`)));
  return Object.fromEntries(answers.map(({ status }, index) => [names[index], status]));
}
