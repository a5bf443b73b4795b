/** Applying many queues with a binding each, against what people do instead. */
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import amqplib from "amqplib";
import { applyTopology } from "../src/apply/change/apply.ts";
import { desiredObjects } from "../src/apply/objects.ts";
import { load } from "../src/loader/load.ts";
import type { Topology } from "../src/topology.ts";
import { createVhost, deleteVhost, type Vhost } from "../test/support/vhost.ts";
import { compare, type Measurement, median, rounded } from "./measure.ts";

type Broker = Parameters<typeof createVhost>[0];
type Size = { readonly applies: number; readonly queues: number };

/** Seconds for an empty vhost to have them all; in turn with each of the other two ways. */
export async function benchApply(
  broker: Broker,
  { applies, queues }: Size,
): Promise<Measurement[]> {
  const ours = () =>
    inVhost(broker, async (vhost) => await seconds(applyTopology(await loadMany(vhost, queues))));
  const oneByOne = () =>
    inVhost(
      broker,
      async (vhost) => await seconds(declareOneByOne(await loadMany(vhost, queues), vhost)),
    );
  const definitions = () =>
    inVhost(
      broker,
      async (vhost) => await seconds(postDefinitions(await loadMany(vhost, queues), vhost)),
    );
  return [
    await compare("apply-to-one-channel", "s", applies, { ours, theirs: oneByOne }),
    await compare("apply-to-definitions", "s", applies, { ours, theirs: definitions }),
    await inVhost(broker, (vhost) => benchNothing(vhost, { applies, queues })),
  ];
}

/** Seconds to read and check the file; the handlers are parked, so that none is loaded. */
export async function benchCheck({ applies, queues }: Size): Promise<Measurement> {
  const taken: number[] = [];
  const { file, remove } = await writeMany("amqp://localhost", undefined, queues);
  for (let round = 0; round < applies; round++) {
    taken.push(await seconds(Promise.resolve().then(() => loadFile(file))));
  }
  remove();
  return single(`check-${queues}-queues`, taken);
}

/** Seconds of an apply that finds everything right. */
async function benchNothing(vhost: Vhost, { applies, queues }: Size): Promise<Measurement> {
  const topology = await loadMany(vhost, queues);
  await applyTopology(topology);
  const taken: number[] = [];
  for (let round = 0; round < applies; round++) taken.push(await seconds(applyTopology(topology)));
  return single("apply-nothing-to-do", taken);
}

function single(name: string, taken: readonly number[]): Measurement {
  return { name, ratio: null, ours: rounded(median(taken)), theirs: null, unit: "s" };
}

async function declareOneByOne(topology: Topology, { url }: Vhost): Promise<void> {
  const { exchanges, queues, bindings } = desiredObjects(topology);
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  for (const { name, type } of exchanges) await channel.assertExchange(name, type);
  for (const { name, arguments: given } of queues) {
    await channel.assertQueue(name, { durable: true, arguments: { ...given } });
  }
  for (const { destination, source, key } of bindings) {
    await channel.bindQueue(destination, source, key);
  }
  await channel.close();
  await connection.close();
}

async function postDefinitions(topology: Topology, { managementUrl, vhost }: Vhost): Promise<void> {
  const { exchanges, queues, bindings } = desiredObjects(topology);
  const flags = { durable: true, auto_delete: false };
  const body = {
    exchanges: exchanges.map(({ name, type }) => ({
      ...{ name, type, internal: false, arguments: {} },
      ...flags,
    })),
    queues: queues.map(({ name, arguments: given }) => ({ name, arguments: given, ...flags })),
    bindings: bindings.map(({ source, destination, key }) => ({
      ...{ source, destination, destination_type: "queue", routing_key: key, arguments: {} },
    })),
  };
  const { origin, username, password } = new URL(managementUrl);
  const response = await fetch(`${origin}/api/definitions/${encodeURIComponent(vhost)}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${btoa(`${username}:${password}`)}`,
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST /api/definitions: ${response.status}`);
}

async function loadMany(vhost: Vhost, queues: number): Promise<Topology> {
  const { file, remove } = await writeMany(vhost.url, vhost.managementUrl, queues);
  try {
    return loadFile(file);
  } finally {
    remove();
  }
}

function loadFile(file: string): Topology {
  const loaded = load({ file, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems[0]));
  return loaded.topology;
}

async function writeMany(url: string, management: string | undefined, queues: number) {
  const folder = await mkdtemp(join(tmpdir(), "warren-many-"));
  const file = join(folder, "topology.yaml");
  const lines = [
    "version: 1",
    "project: many",
    `broker: { url: "${url}"${management === undefined ? "" : `, management: "${management}"`} }`,
    "defaults: { type: classic, deadLetter: none }",
    "exchanges: { all: { type: topic } }",
    "queues:",
    ...Array.from(
      { length: queues },
      (_, at) => `  queue_${at}: { bind: { all: "key.${at}" }, handler: none, ttl: 1h }`,
    ),
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return { file, remove: () => rmSync(folder, { recursive: true }) };
}

async function inVhost<T>(broker: Broker, run: (vhost: Vhost) => Promise<T>): Promise<T> {
  const { vhost, observer } = await createVhost(broker);
  try {
    return await run(vhost);
  } finally {
    await observer.close();
    await deleteVhost(vhost);
  }
}

async function seconds(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return (performance.now() - start) / 1_000;
}
