/** The embedded broker: how fast it moves messages beside RabbitMQ, how soon it listens, what it takes. */
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import amqplib from "amqplib";
import { startEmbeddedBroker } from "../src/embedded/start.ts";
import { REPOSITORY } from "../test/support/processes.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { compare, type Measurement, median, rounded } from "./measure.ts";

/** Messages that are published and not confirmed, and deliveries that are not acked, at most. */
const WINDOW = 500;
const BODY = Buffer.alloc(200, "x");

/** Messages a second, transient, published with confirms and consumed with acks over one connection. */
export async function benchEmbedded(
  vhost: Vhost,
  { messages, rounds }: { readonly messages: number; readonly rounds: number },
): Promise<Measurement> {
  const embedded = await startEmbeddedBroker();
  try {
    return await compare("embedded-publish-consume", "messages/s", rounds, {
      ours: () => rateOf(embedded.url, messages),
      theirs: () => rateOf(vhost.url, messages),
    });
  } finally {
    await embedded.stop();
  }
}

async function rateOf(url: string, messages: number): Promise<number> {
  const model = await amqplib.connect(url, { noDelay: true });
  const publisher = await model.createConfirmChannel();
  const consumer = await model.createChannel();
  const { queue } = await publisher.assertQueue("", { exclusive: true, durable: false });
  await consumer.prefetch(WINDOW);
  let received = 0;
  let finish: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await consumer.consume(queue, (message) => {
    if (message) consumer.ack(message);
    received += 1;
    if (received === messages) finish();
  });
  const start = performance.now();
  let sent = 0;
  const publishNext = () => {
    if (sent === messages) return;
    sent += 1;
    publisher.publish("", queue, BODY, { messageId: String(sent) }, publishNext);
  };
  for (let open = 0; open < WINDOW; open++) publishNext();
  await all;
  const seconds = (performance.now() - start) / 1_000;
  await model.close();
  return messages / seconds;
}

/** Starts the compiled broker in a process of its own, and prints how long it took and what it takes. */
const PROBE = `
const { startEmbeddedBroker } = await import("./dist/embedded/start.js");
globalThis.gc();
const before = process.memoryUsage.rss();
const start = performance.now();
const broker = await startEmbeddedBroker();
const ms = performance.now() - start;
await new Promise((resolve) => setTimeout(resolve, 500));
console.log(JSON.stringify({ ms, bytes: process.memoryUsage.rss() - before }));
await broker.stop();
`;

/** Milliseconds until it listens, and MiB that it adds to its process at rest; after `npm run build`. */
export async function benchEmbeddedStart({
  rounds,
}: {
  readonly rounds: number;
}): Promise<readonly Measurement[]> {
  const probes: { readonly ms: number; readonly bytes: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const args = ["--expose-gc", "--input-type=module", "-e", PROBE];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY });
    probes.push(JSON.parse(stdout) as (typeof probes)[number]);
    await delay(100);
  }
  const alone = (name: string, unit: string, values: readonly number[]): Measurement => {
    return { name, ratio: null, ours: rounded(median(values)), theirs: null, unit };
  };
  return [
    alone(
      "embedded-start",
      "ms",
      probes.map(({ ms }) => ms),
    ),
    alone(
      "embedded-memory",
      "MiB",
      probes.map(({ bytes }) => bytes / 2 ** 20),
    ),
  ];
}
