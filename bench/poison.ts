import { setTimeout as sleep } from "node:timers/promises";
import amqplib from "amqplib";
import { writeProject } from "../test/support/project.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { loadTopology, type Size, withRunner } from "./consume.ts";
import { compare, type Measurement } from "./measure.ts";

/** Messages a second, far below what a runner can do: what waits is not what is measured. */
const RATE = 1_000;
/** Of so many messages one is poison: it throws each time, or it wants to end its thread each time. */
const EVERY = 1_000;
const TICK_MS = 10;

const topology = `
version: 1
project: bench-poison
broker: { url: "\${RABBITMQ_URL}" }
defaults: { deadLetter: dead, retry: [100ms, 200ms] }
exchanges:
  jobs: { type: fanout }
  dead: { type: fanout }
queues:
  work: { bind: jobs, handler: work }
  dead_letters: { bind: dead, handler: none, deadLetter: none }
`;

/** Says the 99th percentile of how long the others took from their publish to their handler. */
const handler = `
import { defineHandler } from "warren";

const latencies: number[] = [];
export default defineHandler<never>((event, { log }) => {
  const { at, poison, others } = event as { at: number; poison: string | null; others: number };
  if (poison === "throws") throw new Error("poison");
  if (poison === "exits") process.exit(1);
  latencies.push(performance.timeOrigin + performance.now() - at);
  if (latencies.length < others) return;
  latencies.sort((a, b) => a - b);
  log.info({ seconds: (latencies[Math.floor(others * 0.99)] ?? 0) / 1_000 }, "counted");
});
`;

/** What one poison message of 1,000 does to the latency of the others, against none. */
export async function benchPoison(vhost: Vhost, { messages, rounds }: Size): Promise<Measurement> {
  const project = await writeProject({ topology, handlers: { work: handler } });
  try {
    const loaded = loadTopology(project, vhost.url);
    const measure = (isPoisoned: boolean) =>
      withRunner(
        loaded,
        async (p99) => {
          await publish(vhost.url, messages, isPoisoned);
          return (await p99) * 1_000;
        },
        () => undefined,
      );
    return await compare("p99-beside-poison", "ms", rounds, {
      ours: () => measure(true),
      theirs: () => measure(false),
    });
  } finally {
    await project.remove();
  }
}

async function publish(url: string, messages: number, isPoisoned: boolean): Promise<void> {
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createConfirmChannel();
  const others = isPoisoned ? messages - Math.floor(messages / EVERY) : messages;
  const began = performance.now();
  for (let sent = 0; sent < messages; ) {
    const due = Math.min(messages, Math.ceil(((performance.now() - began) / 1_000) * RATE));
    for (; sent < due; sent++) {
      const isPoison = isPoisoned && sent % EVERY === EVERY - 1;
      const kind = Math.floor(sent / EVERY) % 2 === 0 ? "throws" : "exits";
      const at = performance.timeOrigin + performance.now();
      const body = JSON.stringify({ at, poison: isPoison ? kind : null, others });
      channel.publish("jobs", "", Buffer.from(body), { persistent: true });
    }
    await sleep(TICK_MS);
  }
  await channel.waitForConfirms();
  await model.close();
}
