/** A broker whose disk takes nothing, and one that lives on without its quorum queues. */
import { setTimeout as delay } from "node:timers/promises";
import { type RabbitNode, startNode } from "../../support/node.ts";
import type { TestRunner } from "../../support/runner.ts";
import { expect, test as plain } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { topology } from "../jobs.ts";
import { untilReady, withRunner } from "../running.ts";
import { Ledger } from "./load.ts";

/** A node of the test's own: one that was maimed like this may declare no quorum queue any more. */
const test = plain.extend<{ diskMiB: number | undefined; node: RabbitNode }>({
  diskMiB: undefined,
  node: async ({ diskMiB }, use) => {
    const node = await startNode(diskMiB === undefined ? {} : { diskMiB });
    await use(node);
    await node.stop();
  },
});

test("a quorum queue that the broker can't serve stops no other queue, and is named in /health", async ({
  node,
}) => {
  const ledger = new Ledger();
  const two = topology.replace('others: "#" }', 'others: "#" }, type: classic');
  const handlers = { work: ledger.handler(), other: ledger.handler() };
  await withRunner(node, { topology: two, handlers }, async ({ warren, vhost }) => {
    ledger.start(warren, ["jobs", "others"], 1);
    await ledger.more(20);
    // As after a full disk: the log of the quorum queues is dead, and the node goes on.
    await node.ctl("eval", "supervisor:terminate_child(ra_systems_sup, quorum_queues).");
    await node.ctl("close_all_connections", "--vhost", vhost.vhost, "fault");
    const problems = () => warren.runner.status().problems;
    await waitFor((seen) => seen(problems()).length === 1, {
      what: "the queue to be named",
    });
    expect(problems()).toEqual([
      expect.stringMatching(/^every connection that consumes work ends with .* a restart$/),
    ]);
    const { work, other } = warren.runner.status().queues;
    expect([work?.consumer, other?.consumer]).toEqual(["down", "live"]);
    expect((await warren.get("/readyz")).status).toBe(503);
    // The others go on, over one and the same connection.
    const ends = () => warren.log.filter(({ message }) => message === "connection lost").length;
    const before = ends();
    await ledger.more(100);
    expect(ends()).toBe(before);
    await node.restart();
    await untilReady(warren);
    await ledger.more(20);
    const account = await ledger.end();
    expect(account).toMatchObject({ lost: [], refusedButHandled: [], attempts: [1] });
    expect(problems()).toEqual([]);
  });
});

/** A disk of its own is mounted for the node, which needs root. */
const onSmallDisk = test.extend({ diskMiB: 128 });

onSmallDisk.skipIf(process.getuid?.() !== 0).for(["quorum", "classic"] as const)(
  "a disk that takes nothing, under %s queues, loses nothing that was accepted",
  async (type, { node }) => {
    const ledger = new Ledger();
    const typed = topology.replace("defaults: {", `defaults: { type: ${type},`);
    const handlers = { work: ledger.handler(), other: ledger.handler() };
    await withRunner(node, { topology: typed, handlers }, async ({ warren }) => {
      ledger.start(warren, ["jobs", "others"], 1);
      await ledger.more(50);
      await node.fillDisk();
      await waitFor((seen) => seen(ledger.statuses()).some((status) => status !== 202), {
        what: "the fault to be felt",
      });
      // Unconfirmed messages, or a node that is gone: /health names what it is.
      await waitFor(
        async (seen) => {
          const { body } = await warren.get("/health");
          const parts = [body.problems, body.connections].map((one) => JSON.stringify(one));
          return /has not confirmed \d+ messages in time|"downSince":"/.test(seen(parts.join()));
        },
        { what: "/health to name what it is" },
      );
      const attempts = await countAttempts(warren, 5_000);
      // The shortest pauses are of 250 ms on average.
      console.log(`5 s without a disk: failures ${JSON.stringify(attempts)}`);
      for (const [name, count] of Object.entries(attempts)) expect(count, name).toBeLessThan(40);
      await node.emptyDisk();
      await node.restart();
      await untilReady(warren);
      await ledger.more(20);
      const account = await ledger.end();
      expect(account).toMatchObject({ lost: [], refusedButHandled: [], attempts: [1] });
      for (const status of ledger.statuses()) expect([202, 502, 503, 504]).toContain(status);
      await waitFor((seen) => seen(warren.runner.status().problems).length === 0, {
        what: "no problem to be left",
      });
    });
  },
);

/** How often each connection failed within this time, and each queue was tried again. */
async function countAttempts(warren: TestRunner, withinMs: number) {
  const failures = { publish: new Set<string>(), consume: new Set<string>() };
  const { length: before } = warren.log;
  for (const end = performance.now() + withinMs; performance.now() < end; await delay(5)) {
    const { publish, consume } = warren.runner.status().connections;
    if (publish.lastFailure) failures.publish.add(publish.lastFailure.at);
    if (consume.lastFailure) failures.consume.add(consume.lastFailure.at);
  }
  const tries = warren.log
    .slice(before)
    .filter(({ message }) => message === "not consumed: trying again");
  return {
    publish: failures.publish.size,
    consume: failures.consume.size,
    work: tries.filter(({ queue }) => queue === "work").length,
    other: tries.filter(({ queue }) => queue === "other").length,
  };
}
