import { randomUUID } from "node:crypto";
import amqplib from "amqplib";
import type { Log } from "../src/handler.ts";
import { load } from "../src/loader/load.ts";
import type { HostPorts } from "../src/runtime/host/host.ts";
import { WorkerHost } from "../src/runtime/host/worker-host.ts";
import { Runner } from "../src/runtime/runner.ts";
import { writeProject } from "../test/support/project.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { compare, type Measurement } from "./measure.ts";

/** Calls that wait at a time. */
const CONCURRENCY = 50;

const topology = `
version: 1
project: bench-rpc
broker: { url: "\${RABBITMQ_URL}" }
defaults: { type: classic, concurrency: ${2 * CONCURRENCY}, deadLetter: none, retry: none }
exchanges:
  tasks: { type: direct }
queues:
  quote: { rpc: true, bind: { tasks: quote }, handler: quote }
`;
const handler = `
import { defineHandler } from "warren";

export default defineHandler<never>(({ book_id }: { book_id: string }) => ({ book_id, price: 40 }));
`;
const REPLY = {
  type: "object",
  required: ["book_id", "price"],
  properties: { book_id: { type: "string" }, price: { type: "number" } },
};
const REQUEST = Buffer.from(JSON.stringify({ book_id: "book123", quantity: 2, currency: "EUR" }));

type Size = { readonly calls: number; readonly rounds: number };

/**
 * Round trips a second: warren calls itself, with its handler on its thread and the reply checked
 * by its schema, against bare amqplib, whose server parses and answers over direct reply-to.
 */
export async function benchRpc(vhost: Vhost, { calls, rounds }: Size): Promise<Measurement> {
  const project = await writeProject({
    topology,
    handlers: { quote: handler },
    replies: { quote: REPLY },
  });
  try {
    const loaded = load({
      file: project.path("topology.yaml"),
      env: { RABBITMQ_URL: vhost.url },
    });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
    return await compare("rpc-round-trips", "calls/s", rounds, {
      ours: () => withRunner(loaded.topology, (ask) => throughput(calls, ask)),
      theirs: () => withAmqplib(vhost.url, (ask) => throughput(calls, ask)),
    });
  } finally {
    await project.remove();
  }
}

type Ask = () => Promise<void>;

/** After a while: a runner's first second goes to a thread that it keeps in reserve. */
async function throughput(calls: number, ask: Ask): Promise<number> {
  await askAll(calls / 2, ask);
  const start = performance.now();
  await askAll(calls, ask);
  return (calls * 1_000) / (performance.now() - start);
}

async function askAll(calls: number, ask: Ask): Promise<void> {
  let left = calls;
  const askOn = async () => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, askOn));
}

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: console.error, error: console.error };

async function withRunner(
  topology: Runner["topology"],
  use: (ask: Ask) => Promise<number>,
): Promise<number> {
  const createHost = (ports: HostPorts) => new WorkerHost(ports, { env: process.env });
  const runner = new Runner({ topology, createHost, log });
  const prepared = await runner.load();
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems, null, 2));
  await runner.start();
  const ask = async () => {
    const called = await runner.call({
      exchange: "tasks",
      routingKey: "quote",
      body: REQUEST,
      contentType: "application/json",
      messageId: null,
      timeoutMs: 10_000,
    });
    if (!called.ok) throw new Error(called.message);
    JSON.parse(called.reply);
  };
  try {
    return await use(ask);
  } finally {
    await runner.stop();
  }
}

/** A connection each for the caller and the server, as services have. */
async function withAmqplib(url: string, use: (ask: Ask) => Promise<number>): Promise<number> {
  const server = await serve(url);
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createConfirmChannel();
  const waiting = new Map<string, (body: Buffer) => void>();
  await channel.consume(
    "amq.rabbitmq.reply-to",
    (reply) => {
      const id: string = reply?.properties.correlationId ?? "";
      if (reply) waiting.get(id)?.(reply.content);
      waiting.delete(id);
    },
    { noAck: true },
  );
  const ask = async () => {
    const correlationId = randomUUID();
    const body = await new Promise<Buffer>((resolve) => {
      waiting.set(correlationId, resolve);
      channel.publish("", SERVED, REQUEST, {
        correlationId,
        replyTo: "amq.rabbitmq.reply-to",
        contentType: "application/json",
        expiration: 10_000,
      });
    });
    JSON.parse(body.toString("utf8"));
  };
  const result = await use(ask);
  await model.close();
  await server.close();
  return result;
}

const SERVED = "quote_bare";

async function serve(url: string) {
  const model = await amqplib.connect(url, { noDelay: true });
  const channel = await model.createChannel();
  await channel.assertQueue(SERVED);
  await channel.prefetch(CONCURRENCY);
  await channel.consume(SERVED, (message) => {
    if (message === null) return;
    const { book_id } = JSON.parse(message.content.toString("utf8")) as { book_id: string };
    const { replyTo, correlationId } = message.properties;
    const reply = Buffer.from(JSON.stringify({ book_id, price: 40 }));
    channel.sendToQueue(replyTo, reply, { correlationId, contentType: "application/json" });
    channel.ack(message);
  });
  return model;
}
