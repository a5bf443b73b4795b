/** What happens to brokers, and what their operators do. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, openClient } from "../test/support/client.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { type Fault, lasting, type World } from "./fault.ts";

const outage = { lane: "broker", losesConnections: true, isOutage: true } as const;
const disturbance = { lane: "broker", losesConnections: false, isOutage: false } as const;
const FREEZE_MS = 8_000;
const ALARM_MS = 4_000;
const UNBOUND_MS = 1_500;
const RECOVERY_MS = 60_000;

export const brokerFaults: readonly Fault[] = [
  { ...outage, name: "KICK", isOutage: false, run: kick },
  {
    ...outage,
    name: "FREEZE",
    run: lasting(
      FREEZE_MS,
      ({ node }) => node.freeze(),
      ({ node }) => node.thaw(),
    ),
  },
  {
    ...outage,
    name: "KILL9",
    run: async ({ node }) => {
      await node.restart();
      return undefined;
    },
  },
  {
    ...outage,
    name: "RESTART",
    run: async ({ node }) => {
      await node.ctl("stop_app");
      await node.ctl("start_app");
      return undefined;
    },
  },
  {
    ...disturbance,
    name: "MEM",
    run: lasting(
      ALARM_MS,
      ({ node }) => node.ctl("set_vm_memory_high_watermark", "absolute", "1MB"),
      ({ node }) => node.ctl("set_vm_memory_high_watermark", "0.4"),
    ),
  },
  {
    ...disturbance,
    name: "DISK",
    run: lasting(
      ALARM_MS,
      ({ node }) => node.ctl("set_disk_free_limit", "99999GB"),
      ({ node }) => node.ctl("set_disk_free_limit", "50MB"),
    ),
  },
  { ...disturbance, name: "DELETE", run: (world) => withClient(world, deleteVictims) },
  { ...disturbance, name: "UNBIND", run: (world) => withClient(world, unbind) },
];

async function kick({ node }: World): Promise<undefined> {
  await node.ctl("close_all_connections", "kicked by the chaos test");
}

/** The runners have to declare the queue and the exchange again, and to consume. */
async function deleteVictims({ channel, queueCounts }: Client): Promise<undefined> {
  await channel.deleteQueue("victim_jobs");
  await waitFor(async (seen) => (seen(await queueCounts("victim_jobs"))?.consumers ?? 0) > 0, {
    timeoutMs: RECOVERY_MS,
    everyMs: 100,
    what: "victim_jobs to be declared and consumed again",
  });
  await channel.deleteExchange("victims");
}

/** Messages, and copies of failed ones, find no queue for a while. */
async function unbind({ channel }: Client): Promise<undefined> {
  const bindings = [
    ["classic_jobs", "jobs", "job.classic"],
    ["warren.chaos.retry.200ms", "warren.chaos.retry", "200ms.#"],
  ] as const;
  for (const [queue, exchange, key] of bindings) await channel.unbindQueue(queue, exchange, key);
  await sleep(UNBOUND_MS);
  for (const [queue, exchange, key] of bindings) await channel.bindQueue(queue, exchange, key);
}

/** Straight to the node, so that faults of the network don't touch it. */
async function withClient(
  { node }: World,
  use: (client: Client) => Promise<undefined>,
): Promise<undefined> {
  const client = await openClient(node.amqpUrl, "operator");
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
