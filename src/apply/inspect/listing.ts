/** What the management API lists of a vhost: one call for each kind of object, all at once. */
import { WarrenError } from "../../errors.ts";
import type { PolicyTarget } from "../../topology.ts";
import type { LiveBinding, LiveExchange, LivePolicy, LiveQueue } from "../live.ts";
import { type Consumers, type CountConsumers, listConsumers } from "./consumers.ts";
import { type Management, statusOf } from "./management.ts";
import { listRows, type Row } from "./row.ts";

/** Everything in the vhost, the broker's own objects included. */
export type Listed = {
  readonly exchanges: readonly LiveExchange[];
  readonly queues: readonly LiveQueue[];
  /** Without those of the default exchange, which has one for each queue. */
  readonly bindings: readonly LiveBinding[];
  /** null: the user may not see them. */
  readonly policies: readonly LivePolicy[] | null;
  /** What was not looked at, in words. */
  readonly unseen: readonly string[];
};

export type ListOptions = {
  /** Whose consumers are no foreign ones. */
  readonly project: string;
  /** Whether messages and consumers are counted, which costs the broker a call of every queue. */
  readonly isCounted: boolean;
};

/**
 * Lists everything.
 *
 * @throws {WarrenError} `management-failed`, `management-refused`.
 */
export async function listVhost(
  management: Management,
  { project, isCounted }: ListOptions,
): Promise<Listed> {
  const [exchanges, queues, bindings, policies, consumers] = await Promise.all([
    listRows(management, "exchanges"),
    listRows(management, "queues", isCounted ? COUNTED : QUICK),
    listBindings(management),
    listPolicies(management),
    isCounted ? listConsumers(management, project) : UNCOUNTED,
  ]);
  return {
    exchanges: exchanges.map(readExchange),
    queues: queues.map((row) => readQueue(row, consumers.count)),
    bindings: bindings.map(readBinding).filter(({ source }) => source !== ""),
    policies,
    unseen: [
      ...(policies === null ? [`policies: user "${management.user}" may not see them`] : []),
      ...consumers.unseen,
    ],
  };
}

/** Without statistics, a queue costs the broker a tenth; the totals are then asked of the queue. */
const QUICK = { disable_stats: "true" };
const COUNTED = { ...QUICK, enable_queue_totals: "true" };

const UNCOUNTED: Consumers = {
  count: () => ({ consumers: null, foreignConsumers: null }),
  unseen: [],
};

/** One binding that RabbitMQ can't write down, on any version, and it lists none of the vhost. */
async function listBindings(management: Management): Promise<readonly Row[]> {
  try {
    return await listRows(management, "bindings");
  } catch (error) {
    const isItsFault = error instanceof WarrenError && statusOf(error) === 500;
    if (!isItsFault) throw error;
    const hint = "it can't list a binding that has arguments and a ~ in its key: is there one?";
    throw new WarrenError(error.code, `${error.message} (${hint})`, { cause: error });
  }
}

async function listPolicies(management: Management): Promise<readonly LivePolicy[] | null> {
  try {
    return (await listRows(management, "policies")).map(readPolicy);
  } catch (error) {
    if (error instanceof WarrenError && error.code === "management-refused") return null;
    throw error;
  }
}

function readExchange(row: Row): LiveExchange {
  return {
    kind: "exchange",
    name: row.text("name"),
    type: row.text("type"),
    durable: row.flag("durable"),
    autoDelete: row.flag("auto_delete"),
    internal: row.flag("internal"),
    arguments: row.arguments("arguments"),
  };
}

function readQueue(row: Row, countConsumers: CountConsumers): LiveQueue {
  const name = row.text("name");
  return {
    kind: "queue",
    name,
    durable: row.flag("durable"),
    autoDelete: row.flag("auto_delete"),
    // Of a queue that can't be, a quorum queue say, it says nothing.
    exclusive: row.has("exclusive") && row.flag("exclusive"),
    arguments: { "x-queue-type": row.text("type"), ...row.arguments("arguments") },
    counts: {
      // Streams have no totals, and neither have queues whose node is down.
      ready: row.count("messages_ready") ?? 0,
      unacked: row.count("messages_unacknowledged"),
      messages: row.count("messages"),
      ...countConsumers(name),
    },
  };
}

function readBinding(row: Row): LiveBinding {
  return {
    kind: "binding",
    source: row.text("source"),
    destination: row.text("destination"),
    destinationKind: row.text("destination_type") === "exchange" ? "exchange" : "queue",
    key: row.text("routing_key"),
    arguments: row.arguments("arguments"),
    propertiesKey: row.text("properties_key"),
  };
}

function readPolicy(row: Row): LivePolicy {
  return {
    kind: "policy",
    name: row.text("name"),
    pattern: row.text("pattern"),
    applyTo: row.text("apply-to") as PolicyTarget,
    priority: row.count("priority") ?? 0,
    definition: row.arguments("definition"),
  };
}
