import { NUMBERS } from "../../../src/numbers.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";
import { ask, askThousand, ends } from "./calling.ts";

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

/** How a call may end whose connection is lost: never with the answer to another one. */
const ANSWERS: ReadonlySet<string> = new Set(["ok", "no-reply", "outcome-unknown", "disconnected"]);

test("1,000 calls at once: each has its own answer, from a classic queue and from a quorum queue", async ({
  vhost,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology,
    handlers: { echo, quiet, slow: echo },
  });
  for (const key of ["echo", "quorum"]) {
    const { requests, calls } = askThousand(warren, [key]);
    expect(new Set(ends(await Promise.all(calls), requests))).toEqual(new Set(["ok"]));
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

/** What a call may come to, by whose connections are cut; the caller's address ends with its own alone. */
const cuts = [
  { side: "its caller", isAnswered: false, isCallerCut: true, isCalleeCut: false },
  { side: "its handler", isAnswered: true, isCallerCut: false, isCalleeCut: true },
  { side: "both", isAnswered: false, isCallerCut: true, isCalleeCut: true },
];

test.for(cuts)(
  "a call among 1,000, while the connections of $side are cut: its own answer, or it ends as unknown",
  async ({ isAnswered, isCallerCut, isCalleeCut }, { vhost, proxy }) => {
    const handlers = { echo, quiet, slow: echo };
    const through = (isCut: boolean) => (isCut ? proxy.url(vhost.url) : vhost.url);
    const callee = await startRunner({ url: through(isCalleeCut), topology, handlers });
    const caller = await startRunner({
      ...{ url: through(isCallerCut), topology, handlers },
      queues: [],
    });
    const seen = new Map<string, number>();
    for (let round = 0; round < 2; round++) {
      const { requests, calls } = askThousand(caller, ["echo", "quorum"], round);
      // Once some of them have an answer, the others are on their way, somewhere.
      await Promise.race(calls);
      proxy.cut();
      expect(caller.runner.status().rpc.waiting).toBeGreaterThan(0);
      for (const end of ends(await Promise.all(calls), requests)) {
        seen.set(end, (seen.get(end) ?? 0) + 1);
      }
      for (const warren of [caller, callee]) {
        const isReady = async () => (await warren.get("/readyz")).status === 200;
        await waitFor(isReady, { what: "readiness" });
      }
    }
    if (isAnswered) expect(seen).toEqual(new Map([["ok", 2_000]]));
    else for (const end of seen.keys()) expect(ANSWERS).toContain(end);
    expect(seen.get("ok")).toBeGreaterThan(0);
    expect(await ask(caller, "echo", "after")).toMatchObject({ ok: true, reply: '"after"' });
    expect(caller.runner.status().rpc.waiting).toBe(0);
    for (const warren of [caller, callee]) await warren.stop();
  },
);
