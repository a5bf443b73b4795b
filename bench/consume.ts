import { randomUUID } from "node:crypto";
import amqplib from "amqplib";
import type { Log } from "../src/handler.ts";
import { load } from "../src/loader/load.ts";
import type { HostPorts } from "../src/runtime/host/host.ts";
import { WorkerHost } from "../src/runtime/host/worker-host.ts";
import { Runner } from "../src/runtime/runner.ts";
import type { QueueType, Topology } from "../src/topology.ts";
import { type Project, writeProject } from "../test/support/project.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { compare, type Measurement } from "./measure.ts";

const PREFETCH = 100;
/** What a topology says beside the rest, and its queue beside its type. */
export type Extras = { readonly head?: string; readonly keys?: string };

/** One queue, bound to an exchange of its own. */
const topologyOf = (name: string, type: QueueType, { head = "", keys = "" }: Extras) => `
version: 1
project: bench-${name}
broker: { url: "\${RABBITMQ_URL}" }
${head}
defaults: { concurrency: ${PREFETCH}, prefetch: ${PREFETCH}, deadLetter: none, retry: none }
exchanges:
  orders_${name}: { type: topic, events: [order.placed] }
queues:
  work_${name}: { type: ${type}, bind: { orders_${name}: order.placed }, handler: count${keys} }
`;

/** Says how long it took from its first run to its last. */
const handlerOf = (messages: number) => `
import { defineHandler } from "warren";

let count = 0;
let start = 0;
export default defineHandler<never>((_event, { log }) => {
  if (count++ === 0) start = performance.now();
  if (count === ${messages}) log.info({ seconds: (performance.now() - start) / 1_000 }, "counted");
});
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

/** How much is measured. */
export type Size = { readonly messages: number; readonly rounds: number };

/**
 * How fast a full queue is emptied: warren, which validates each event and runs a handler that
 * does nothing on its thread, against a bare amqplib consumer that parses and acks each message.
 */
export async function benchConsume(
  vhost: Vhost,
  type: QueueType,
  { messages, rounds }: Size,
): Promise<Measurement> {
  return await withTask(vhost, { name: type, type, messages }, {}, async (task) => {
    const measure = (consume: (task: Task) => Promise<number>) => rateOf(vhost, task, consume);
    return await compare(`consume-dispatch-${type}`, "messages/s", rounds, {
      ours: () => measure(consumeOurs),
      theirs: () => measure(consumeTheirs),
    });
  });
}

/** The same with and without what a file says of its queue. */
export async function benchOption(
  vhost: Vhost,
  name: string,
  extras: Extras,
  { messages, rounds }: Size,
): Promise<Measurement> {
  const plain = { name: "plain", type: "classic", messages } as const;
  return await withTask(vhost, { ...plain, name: "option" }, extras, (ours) =>
    withTask(vhost, plain, {}, (theirs) =>
      compare(name, "messages/s", rounds, {
        ours: () => rateOf(vhost, ours, consumeOurs),
        theirs: () => rateOf(vhost, theirs, consumeOurs),
      }),
    ),
  );
}

type Load = { readonly name: string; readonly type: QueueType; readonly messages: number };

async function withTask(
  vhost: Vhost,
  { name, type, messages }: Load,
  extras: Extras,
  use: (task: Task) => Promise<Measurement>,
): Promise<Measurement> {
  const project = await writeProject({
    topology: topologyOf(name, type, extras),
    handlers: { count: handlerOf(messages) },
    events: { "order.placed": ORDER_PLACED },
  });
  try {
    const topology = loadTopology(project, vhost.url);
    const task: Task = { url: vhost.url, topology, queue: `work_${name}`, messages };
    // Declares the queue.
    await withRunner(topology, async () => undefined);
    return await use(task);
  } finally {
    await project.remove();
  }
}

/** Messages a second. */
async function rateOf(
  vhost: Vhost,
  task: Task,
  consume: (task: Task) => Promise<number>,
): Promise<number> {
  await fill(task, task.queue.replace("work", "orders"));
  const seconds = await consume(task);
  // Every ack has to have reached the broker; a quorum queue's count comes a little late.
  await vhost.waitForCounts(task.queue, { ready: 0 });
  return task.messages / seconds;
}

type Task = {
  readonly url: string;
  readonly topology: Topology;
  readonly queue: string;
  readonly messages: number;
};

async function consumeOurs({ topology }: Task): Promise<number> {
  return await withRunner(topology, (counted) => counted);
}

async function consumeTheirs({ url, queue, messages }: Task): Promise<number> {
  const { isDone, tick } = stopwatch(messages);
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createChannel();
  await channel.prefetch(PREFETCH);
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message === null) return;
    JSON.parse(message.content.toString("utf8"));
    tick();
    channel.ack(message);
  });
  const seconds = await isDone;
  // Cancelled first: a channel to a quorum queue may hold acks back, and drops them when it closes.
  await channel.cancel(consumerTag);
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

/**
 * `counted`: the seconds that the handler has said.
 *
 * @param complain gets what the runner warns of.
 */
export async function withRunner<T>(
  topology: Topology,
  use: (counted: Promise<number>) => Promise<T>,
  complain: Log["warn"] = console.error,
): Promise<T> {
  let count: (seconds: number) => void = silent;
  const counted = new Promise<number>((resolve) => {
    count = resolve;
  });
  const info = (fields: { readonly seconds?: number }) => fields.seconds && count(fields.seconds);
  const log: Log = { debug: silent, info, warn: complain, error: complain };
  const createHost = (ports: HostPorts) => new WorkerHost(ports, { env: process.env });
  const runner = new Runner({ topology, createHost, log });
  const loaded = await runner.load();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  await runner.start();
  try {
    return await use(counted);
  } finally {
    await runner.stop();
  }
}

/** A project's topology, on the broker of this url. */
export function loadTopology(project: Project, url: string): Topology {
  const loaded = load({
    file: project.path("topology.yaml"),
    handlersDirectory: project.path("src/handlers"),
    env: { RABBITMQ_URL: url },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  return loaded.topology;
}

async function fill({ url, messages }: Task, exchange: string): Promise<void> {
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createConfirmChannel();
  const options = { persistent: true, contentType: "application/json" };
  const round = randomUUID();
  for (let sent = 0; sent < messages; sent++) {
    const messageId = `${round} ${sent}`;
    channel.publish(exchange, "order.placed", EVENT, { ...options, messageId });
    if (sent % 1_000 === 999) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await channel.close();
  await model.close();
}
