import { setTimeout as delay } from "node:timers/promises";
import { startNode } from "../support/node.ts";
import type { RunningProcess } from "../support/processes.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import {
  handlers,
  linesOf,
  post,
  QUEUES,
  readyUrl,
  stopMs,
  topologyOf,
  untilHandled,
} from "./jobs.ts";

/** Sends SIGTERM. @returns its status, if it has ended within the time that is promised. */
async function stop(running: RunningProcess, timeoutMs: number): Promise<number | string> {
  const begin = performance.now();
  running.kill("SIGTERM");
  const exit = await running.exit;
  // By its own clock, where it had begun to serve; and as others see it, on a busy machine.
  if (running.stdout.includes('"msg":"stopped"')) {
    expect(stopMs(running)).toBeLessThan(timeoutMs + 2_000);
  }
  expect(performance.now() - begin).toBeLessThan(timeoutMs + 10_000);
  return exit;
}

test("a stop beside a broker in trouble ends in time, with a true status, and loses nothing", async ({
  createProject,
  startCli,
}) => {
  const node = await startNode();
  const topologyWith = (drainMs: number) =>
    topologyOf(node.amqpUrl, `drain: { timeout: ${drainMs}ms }`, "3s");
  const project = await createProject({ topology: topologyWith(3_000), handlers });
  const accepted: number[] = [];
  let lastId = 0;
  const publish = async (url: string, message: object) => {
    const id = ++lastId;
    const status = await post(url, { id, ...message });
    if (status === 202) accepted.push(id);
    return status;
  };
  const started = async () => {
    const running = startCli(project, ["start"]);
    return { running, url: await readyUrl(running) };
  };
  const underLoad = async () => {
    const { running, url } = await started();
    const load = async () => {
      while (running.isRunning) if ((await publish(url, { ms: 50 })) !== 202) await delay(20);
    };
    void load();
    const before = accepted.length;
    await waitFor(() => accepted.length > before + 20, { what: "load" });
    return running;
  };
  try {
    // Frozen: acks and confirms are not answered, so nobody can say that all is done.
    for (const waitMs of [0, 1_000]) {
      const running = await underLoad();
      node.freeze();
      await delay(waitMs);
      expect(await stop(running, 3_000)).toBe(1);
      node.thaw();
    }
    // Frozen before it has begun: there is nothing to be done.
    node.freeze();
    const early = startCli(project, ["start"]);
    await delay(2_000);
    expect([0, "SIGTERM"]).toContain(await stop(early, 3_000));
    node.thaw();
    // Out of memory: acks are taken, copies are not. The message that needs one goes back, and a
    // request that had been sent is answered when its time is over.
    await project.write("topology.yaml", topologyWith(15_000));
    const { running, url } = await started();
    lastId = Math.ceil(lastId / 10) * 10 + 7;
    const [good, failing] = [lastId + 1, lastId + 2];
    for (const _ of [good, failing]) expect(await publish(url, { gate: "gate" })).toBe(202);
    const linesOfBoth = async () =>
      (await linesOf(project)).filter((line) =>
        [good, failing].includes(Number(line.split(" ")[2])),
      );
    await waitFor(async () => (await linesOfBoth()).length === 4, { what: "four runs" });
    await node.ctl("set_vm_memory_high_watermark", "absolute", "1MB");
    const unconfirmed = publish(url, {});
    await running.waitForLine(/"msg":"blocked/);
    const stopping = stop(running, 15_000);
    await project.write("gate", "");
    expect(await unconfirmed).toBe(504);
    expect(await stopping).toBe(0);
    expect((await linesOfBoth()).filter((line) => line.startsWith("end")).sort()).toEqual(
      QUEUES.map((queue) => `end ${queue} ${good} 1`).sort(),
    );
    await node.ctl("set_vm_memory_high_watermark", "0.6");

    const last = await underLoad();
    await untilHandled(project, accepted);
    expect(await stop(last, 15_000)).toBe(0);
    for (const queue of QUEUES) {
      const runs = (await linesOfBoth()).filter((line) =>
        line.startsWith(`begin ${queue} ${failing}`),
      );
      expect(runs).toEqual([1, 1, 2].map((attempt) => `begin ${queue} ${failing} ${attempt}`));
    }
    console.log(`stops beside a broker in trouble: ${accepted.length} accepted, 0 lost`);
  } finally {
    node.thaw();
    await node.stop();
  }
}, 300_000);
