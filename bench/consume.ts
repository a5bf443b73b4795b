import amqplib from "amqplib";
import { createEventReader } from "../src/events/reader.ts";
import { defineHandler, type Log } from "../src/handler.ts";
import { load } from "../src/loader/load.ts";
import { Runner } from "../src/runtime/runner.ts";
import type { QueueType, Topology } from "../src/topology.ts";
import { type Project, writeProject } from "../test/support/project.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { compare, type Measurement } from "./measure.ts";

const PREFETCH = 100;
const QUEUES: Readonly<Record<QueueType, string>> = { classic: "on_classic", quorum: "on_quorum" };

const TOPOLOGY = `
version: 1
project: bench
broker:
  url: \${RABBITMQ_URL}
defaults: { concurrency: ${PREFETCH}, prefetch: ${PREFETCH}, deadLetter: none, retry: none }
exchanges:
  orders: { type: topic, events: [order.placed] }
queues:
  ${QUEUES.classic}: { type: classic, bind: { orders: order.placed }, handler: nothing }
  ${QUEUES.quorum}: { type: quorum, bind: { orders: order.placed }, handler: nothing }
`;

const ORDER_PLACED = {
  type: "object",
  required: ["order_id", "user_id"],
  properties: {
    order_id: { type: "string" },
    user_id: { type: "string" },
    total_amount: { type: "number" },
    books: {
      type: "array",
      items: {
        type: "object",
        required: ["book_id", "quantity"],
        properties: {
          book_id: { type: "string" },
          quantity: { type: "integer" },
          price: { type: "number" },
        },
      },
    },
  },
};

/** About 200 bytes. */
const EVENT = Buffer.from(
  JSON.stringify({
    event_type: "order.placed",
    order_id: "order456",
    user_id: "user789",
    books: [
      { book_id: "book123", quantity: 2, price: 39.99 },
      { book_id: "book124", quantity: 1, price: 12.5 },
    ],
    total_amount: 92.48,
  }),
);

/**
 * How fast a full queue is emptied: warren, which validates each event and runs a handler that
 * does nothing, against a bare amqplib consumer that parses and acks each message.
 */
export async function benchConsume(
  vhost: Vhost,
  { messages, rounds }: { readonly messages: number; readonly rounds: number },
): Promise<readonly Measurement[]> {
  const handlers = { nothing: 'throw new Error("only its file is wanted");\n' };
  const project = await writeProject({
    topology: TOPOLOGY,
    handlers,
    events: { "order.placed": ORDER_PLACED },
  });
  try {
    const topology = loadTopology(project, vhost.url);
    // Declares the queues.
    await withRunner(topology, {}, async () => undefined);
    const results: Measurement[] = [];
    for (const type of ["classic", "quorum"] as const) {
      const queue = QUEUES[type];
      const measure = async (consume: typeof consumeOurs) => {
        await fill(vhost.url, queue, messages);
        const seconds = await consume({ url: vhost.url, topology, queue, messages });
        const left = await vhost.queueCounts(queue);
        if (left?.ready !== 0) throw new Error(`${left?.ready} messages are left in ${queue}`);
        return messages / seconds;
      };
      results.push(
        await compare(`consume-dispatch-${type}`, "messages/s", rounds, {
          ours: () => measure(consumeOurs),
          theirs: () => measure(consumeTheirs),
        }),
      );
    }
    return results;
  } finally {
    await project.remove();
  }
}

type Task = {
  readonly url: string;
  readonly topology: Topology;
  readonly queue: string;
  readonly messages: number;
};

async function consumeOurs({ topology, queue, messages }: Task): Promise<number> {
  const { isDone, tick } = stopwatch(messages);
  const modules = { [queue]: defineHandler<never>(tick) };
  return await withRunner(topology, modules, () => isDone);
}

async function consumeTheirs({ url, queue, messages }: Task): Promise<number> {
  const { isDone, tick } = stopwatch(messages);
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createChannel();
  await channel.prefetch(PREFETCH);
  await channel.consume(queue, (message) => {
    if (message === null) return;
    JSON.parse(message.content.toString("utf8"));
    tick();
    channel.ack(message);
  });
  const seconds = await isDone;
  await channel.close();
  await model.close();
  return seconds;
}

/** Counts handler runs: from the first to the last, so that connecting is no part of it. */
function stopwatch(messages: number) {
  let count = 0;
  let start = 0;
  let resolve: (seconds: number) => void = () => undefined;
  const isDone = new Promise<number>((done) => {
    resolve = done;
  });
  const tick = () => {
    if (count++ === 0) start = performance.now();
    if (count === messages) resolve((performance.now() - start) / 1_000);
  };
  return { isDone, tick };
}

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: console.error };

async function withRunner<T>(
  topology: Topology,
  modules: ConstructorParameters<typeof Runner>[0]["modules"],
  use: () => Promise<T>,
): Promise<T> {
  const reader = createEventReader(topology.events);
  const runner = new Runner({ topology, reader, modules, log });
  await runner.start();
  try {
    return await use();
  } finally {
    await runner.stop();
  }
}

function loadTopology(project: Project, url: string): Topology {
  const loaded = load({
    file: project.path("topology.yaml"),
    handlersDirectory: project.path("src/handlers"),
    env: { RABBITMQ_URL: url },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  return loaded.topology;
}

async function fill(url: string, queue: string, messages: number): Promise<void> {
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createConfirmChannel();
  const options = { persistent: true, contentType: "application/json", type: "order.placed" };
  for (let sent = 0; sent < messages; sent++) {
    channel.sendToQueue(queue, EVENT, { ...options, messageId: `m${sent}` });
    if (sent % 1_000 === 999) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await channel.close();
  await model.close();
}
