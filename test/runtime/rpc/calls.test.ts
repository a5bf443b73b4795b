import { NUMBERS } from "../../../src/numbers.ts";
import type { Called } from "../../../src/runtime/rpc/call.ts";
import { startRunner, type TestRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

const topology = `
defaults: { retry: none, deadLetter: none, type: classic }
exchanges:
  tasks: { type: direct }
  all:   { type: fanout }
queues:
  echo:  { rpc: true, bind: { tasks: echo }, handler: echo, concurrency: 50 }
  quorum: { type: quorum, rpc: true, bind: { tasks: quorum }, handler: echo, concurrency: 50 }
  slow:  { rpc: true, bind: { tasks: slow }, handler: slow, concurrency: 1 }
  first: { rpc: true, bind: [all, { tasks: twice }], handler: echo }
  other: { rpc: true, bind: [all, { tasks: twice }], handler: echo }
  quiet: { bind: { tasks: [quiet, echo] }, handler: quiet }
`;
const quiet = () => "nobody asked";
const echo = (request: unknown) => request;

/** Asks with a key of the exchange tasks. */
function ask({ runner }: TestRunner, key: string, request: unknown, timeoutMs = 60_000) {
  return runner.call({
    exchange: "tasks",
    routingKey: key,
    body: Buffer.from(JSON.stringify(request)),
    contentType: "application/json",
    messageId: null,
    timeoutMs,
  });
}

/** What a call must not be: the answer to another one. */
const ANSWERS: ReadonlySet<string> = new Set(["ok", "no-reply", "outcome-unknown", "disconnected"]);

function ends(all: readonly Called[], requests: readonly unknown[]): readonly string[] {
  return all.map((called, index) => {
    if (!called.ok) return called.code;
    return called.reply === JSON.stringify(requests[index]) ? "ok" : `another's: ${called.reply}`;
  });
}

test("1,000 calls at once: each has its own answer, from a classic queue and from a quorum queue", async ({
  vhost,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { echo, quiet, slow: echo },
  });
  for (const key of ["echo", "quorum"]) {
    const requests = Array.from({ length: 1_000 }, (_, number) => ({ key, number }));
    const called = await Promise.all(requests.map((request) => ask(warren, key, request)));
    expect(new Set(ends(called, requests))).toEqual(new Set(["ok"]));
  }
  const { waiting, lateReplies } = warren.runner.status().rpc;
  expect({ waiting, lateReplies }).toEqual({ waiting: 0, lateReplies: 0 });
  await warren.stop();
});

test("a call without a reply in time ends as no-reply, and what comes late is dropped and counted", async ({
  vhost,
}) => {
  const { opened, open } = gate();
  const slow = async (request: unknown) => {
    await opened;
    return request;
  };
  const warren = await startRunner({ url: vhost.url, topology, handlers: { echo, quiet, slow } });
  expect(await ask(warren, "slow", 1, 100)).toMatchObject({ ok: false, code: "no-reply" });
  // Waits behind it, in the queue, for longer than its caller does: nobody handles it.
  expect(await ask(warren, "slow", 2, 100)).toMatchObject({ ok: false, code: "no-reply" });
  open();
  await waitFor(() => warren.runner.status().rpc.lateReplies > 0, { what: "the late reply" });
  expect(await ask(warren, "slow", 3)).toMatchObject({ ok: true, reply: "3" });
  expect(warren.runner.status().rpc).toMatchObject({ waiting: 0 });
  await warren.stop();
});

test("an exchange and key that lead to no queue with rpc, or to several, are not called", async ({
  vhost,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { echo, quiet, slow: echo },
  });
  const refused = { ok: false, code: "not-callable" };
  expect(await ask(warren, "quiet", 1)).toMatchObject(refused);
  expect(await ask(warren, "nobody", 1)).toMatchObject(refused);
  expect(await ask(warren, "twice", 1)).toMatchObject({
    ...refused,
    message: 'exchange "tasks" with key "twice" leads to 2 queues that reply: first, other',
  });
  for (const timeoutMs of [0, -1, Number.NaN, NUMBERS.maxCallTimeoutMs + 1]) {
    expect(await ask(warren, "echo", 1, timeoutMs)).toMatchObject({ ok: false, code: "malformed" });
  }
  await warren.stop();
});

test("whatever cuts the connections, a call has its own answer or ends as unknown, and none is left", async ({
  vhost,
  proxy,
}) => {
  const handlers = { echo, quiet, slow: echo };
  const warren = await startRunner({ url: proxy.url(vhost.url), topology, handlers });
  const seen = new Map<string, number>();
  for (let round = 0; round < 5; round++) {
    const requests = Array.from({ length: 200 }, (_, number) => ({ round, number }));
    const keys = ["echo", "quorum"] as const;
    const calls = requests.map((request, index) =>
      ask(warren, keys[index % 2] ?? "echo", request, 20_000),
    );
    // Once some of them have an answer, the others are on their way, somewhere.
    await Promise.race(calls);
    proxy.cut();
    for (const end of ends(await Promise.all(calls), requests)) {
      expect(ANSWERS).toContain(end);
      seen.set(end, (seen.get(end) ?? 0) + 1);
    }
    const isReady = async () => (await warren.get("/readyz")).status === 200;
    await waitFor(isReady, { what: "readiness" });
  }
  expect(seen.get("ok")).toBeGreaterThan(0);
  expect(await ask(warren, "echo", "after")).toMatchObject({ ok: true, reply: '"after"' });
  expect(warren.runner.status().rpc.waiting).toBe(0);
  await warren.stop();
});
