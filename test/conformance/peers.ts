/** The two brokers that a case runs on, and a vhost of the case's own on each. */
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { startEmbeddedBroker } from "../../src/embedded/start.ts";
import { openManagement } from "../support/management.ts";
import { type Client, openClient, type Request } from "./client.ts";
import type { Answer } from "./observe.ts";

/** A broker for the length of a test file. */
export type Broker = {
  readonly name: "rabbitmq" | "embedded";
  readonly url: string;
  /** Undefined where vhosts need no making. */
  readonly managementUrl?: string;
  readonly version: string;
  stop(): Promise<void>;
};

/** One of the two brokers as a case sees it: in a vhost that nobody else uses. */
export type Peer = {
  readonly broker: Broker;
  readonly vhost: string;
  /** AMQP url of the vhost. */
  readonly url: string;
  /** A client that is closed when the case ends. */
  connect(): Promise<Client>;
  /**
   * What the broker answers to each request, by its name; one after another, each on a channel of
   * its own, and all on one connection unless an answer ends it.
   */
  answers(requests: Requests): Promise<Record<string, Answer>>;
};

export type Requests = Readonly<Record<string, Request>>;

/** A request of every value, by its name in `values`. */
export function each<T>(
  values: Readonly<Record<string, T>>,
  request: (value: T, name: string) => Request,
): Requests {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, request(value, name)]),
  );
}

/** The broker of the run, and the embedded one that is held against it. */
export async function openBrokers(): Promise<readonly [Broker, Broker]> {
  const { amqpUrl, managementUrl, version } = inject("broker");
  const stop = async () => undefined;
  const rabbitmq: Broker = { name: "rabbitmq", url: amqpUrl, managementUrl, version, stop };
  return [rabbitmq, (await openOther()) ?? (await openEmbedded())];
}

async function openEmbedded(): Promise<Broker> {
  const { url, stop } = await startEmbeddedBroker();
  return { name: "embedded", url, version: "4.3", stop };
}

// Another RabbitMQ in the place of the embedded broker: what the suite says of 4.3 is held against
// 4.3 itself.
async function openOther(): Promise<Broker | undefined> {
  const { CONFORMANCE_OTHER_URL: url, CONFORMANCE_OTHER_MANAGEMENT_URL: managementUrl } =
    process.env;
  if (url === undefined || managementUrl === undefined) return undefined;
  return { name: "embedded", url, managementUrl, version: "4.3", stop: async () => undefined };
}

/** A name for a vhost; of the same length for every case, since brokers cut texts at 255 bytes. */
export function nameVhost(): string {
  return `conformance-${randomBytes(5).toString("hex")}`;
}

/** Runs `use` in a fresh vhost, and closes what it opened. */
export async function withPeer<T>(
  broker: Broker,
  vhost: string,
  use: (peer: Peer) => Promise<T>,
): Promise<T> {
  const remove = await makeVhost(broker, vhost);
  const url = Object.assign(new URL(broker.url), { pathname: `/${vhost}` }).href;
  const clients: Client[] = [];
  const connect = async () => {
    const client = await openClient(url);
    clients.push(client);
    return client;
  };
  try {
    const answers = (requests: Requests) => answersTo(requests, connect);
    return await use({ broker, vhost, url, connect, answers });
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await remove();
  }
}

async function answersTo(requests: Requests, connect: Peer["connect"]) {
  const answers: Record<string, Answer> = {};
  let client = await connect();
  for (const [name, request] of Object.entries(requests)) {
    if (!client.isOpen) client = await connect();
    answers[name] = await client.answer(request);
  }
  return answers;
}

async function makeVhost({ url, managementUrl }: Broker, vhost: string) {
  if (managementUrl === undefined) return async () => undefined;
  const management = openManagement(managementUrl);
  const user = new URL(url).username || "guest";
  await management.put(`vhosts/${vhost}`);
  const all = { configure: ".*", write: ".*", read: ".*" };
  await management.put(`permissions/${vhost}/${user}`, all);
  return () => management.remove(`vhosts/${vhost}`);
}
