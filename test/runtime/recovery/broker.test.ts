import { setTimeout as delay } from "node:timers/promises";
import { startNode } from "../../support/node.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { nothing, topology } from "../jobs.ts";
import { untilReady } from "../running.ts";

test("a broker that comes back empty is given its topology again, and is consumed", async () => {
  const node = await startNode();
  try {
    const handled: unknown[] = [];
    const warren = await startRunner({
      url: node.amqpUrl,
      topology,
      handlers: {
        other: nothing,
        work: ({ id }: { id: string }, { attempt }) => void handled.push([id, attempt]),
      },
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
      { what: "a publish to be accepted", everyMs: 200 },
    );
    await waitFor(() => handled.length > 0, { what: "it to be handled" });
    expect(handled).toEqual([["after", 1]]);
    await untilReady(warren);
    await warren.stop();
  } finally {
    await node.stop();
  }
});

test("kill -9 of the broker under load loses nothing that was answered 202", async () => {
  const node = await startNode();
  try {
    const handled = new Map<string, number>();
    const attempts = new Set<number>();
    const note = ({ id }: { id: string }, { attempt }: { attempt: number }) => {
      handled.set(id, (handled.get(id) ?? 0) + 1);
      attempts.add(attempt);
    };
    const warren = await startRunner({
      url: node.amqpUrl,
      topology: topology.replace('others: "#" }', 'others: "#" }, type: classic'),
      handlers: { work: note, other: note },
      heartbeat: "3s",
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
      await waitFor(() => accepted().length > before + 200, { what: "load" });
      await node.restart();
    }
    const before = accepted().length;
    await waitFor(() => accepted().length > before + 100, { what: "recovery" });
    isOver = true;
    await Promise.all(loads);
    await waitFor((seen) => seen(accepted().filter(([id]) => !handled.has(id))).length === 0, {
      what: "everything accepted to be handled",
    });
    await warren.stop();
    const lost = accepted().filter(([id]) => !handled.has(id));
    expect(lost).toEqual([]);
    expect([...attempts]).toEqual([1]);
    for (const status of new Set(answers.values())) expect([202, 503, 504]).toContain(status);
    const duplicates = [...handled.values()].reduce((sum, count) => sum + count - 1, 0);
    console.log(
      `kill -9: ${answers.size} sent, ${accepted().length} accepted, ${lost.length} lost, ${duplicates} duplicates`,
    );
  } finally {
    await node.stop();
  }
}, 300_000);
