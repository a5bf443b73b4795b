/** A client that does nothing wrong while others do. */
import { setTimeout as delay } from "node:timers/promises";
import { openClient } from "../support/client.ts";

export type Bystander = {
  /** What it has seen by now: every message that it sent came back to it. */
  stop(): Promise<{ readonly rounds: number; readonly slowestMs: number }>;
};

const PAUSE_MS = 20;

/** Sends a message to itself, over and over, until it is stopped. */
export async function startBystander(url: string): Promise<Bystander> {
  const client = await openClient(url, "bystander");
  const { queue } = await client.channel.assertQueue("", { exclusive: true });
  let [rounds, slowestMs, isStopped] = [0, 0, false];
  const work = async () => {
    for (; !isStopped; await delay(PAUSE_MS)) {
      const startedAt = performance.now();
      await client.publish("", queue, `${rounds}`);
      const message = await client.get(queue);
      if (message?.body !== `${rounds}`) throw new Error(`it got ${message?.body} for ${rounds}`);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      rounds++;
    }
  };
  const worked = work();
  worked.catch(() => undefined);
  return {
    async stop() {
      isStopped = true;
      await worked;
      await client.close();
      return { rounds, slowestMs };
    },
  };
}
