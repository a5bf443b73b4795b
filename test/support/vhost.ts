import { randomBytes } from "node:crypto";
import type { Broker } from "./broker.ts";
import { type Client, openClient, type QueueCounts, type SeenMessage } from "./client.ts";
import { openManagement } from "./management.ts";
import { waitFor } from "./wait-for.ts";

/** A vhost that belongs to one test, and what can be seen in it. */
export type Vhost = {
  readonly vhost: string;
  /** AMQP url of this vhost. */
  readonly url: string;
  /** Of the broker, without a path: for RABBITMQ_MANAGEMENT_URL. */
  readonly managementUrl: string;
  /** Up to `count` messages from the head, which stay in the queue (marked as redelivered). */
  peek(queue: string, count?: number): Promise<readonly SeenMessage[]>;
  /** Takes the first message away, or undefined. */
  get(queue: string): Promise<SeenMessage | undefined>;
  /** Ready messages and consumers, as they are now; undefined if there is no such queue. */
  queueCounts(queue: string): Promise<QueueCounts | undefined>;
  /** Polls `queueCounts` until it has these. */
  waitForCounts(queue: string, wanted: Partial<QueueCounts>): Promise<void>;
  /** Polls until somebody holds the lock of this project of warren's. */
  waitForLock(project: string): Promise<void>;
  /**
   * GET below /api of the management API, with `{vhost}` in the path replaced: `queues/{vhost}/q`.
   * Its message counts are up to half a second old.
   *
   * @returns undefined for 404.
   */
  management<T = unknown>(path: string): Promise<T | undefined>;
};

/** Makes a vhost with the user's full permissions. */
export async function createVhost(
  broker: Pick<Broker, "amqpUrl" | "managementUrl">,
): Promise<{ vhost: Vhost; observer: Client }> {
  const management = openManagement(broker.managementUrl);
  const name = `test-${process.pid}-${randomBytes(4).toString("hex")}`;
  const url = Object.assign(new URL(broker.amqpUrl), { pathname: `/${name}` }).href;
  const user = new URL(broker.amqpUrl).username || "guest";
  await management.remove(`vhosts/${name}`);
  await management.put(`vhosts/${name}`);
  await management.put(`permissions/${name}/${user}`, { configure: ".*", write: ".*", read: ".*" });
  const observer = await openClient(url, "test observer");
  const vhost: Vhost = {
    vhost: name,
    url,
    managementUrl: broker.managementUrl,
    peek: observer.peek,
    get: observer.get,
    queueCounts: observer.queueCounts,
    async waitForCounts(queue, wanted) {
      const what = `queue ${queue} to have ${JSON.stringify(wanted)}`;
      await waitFor(
        async (seen) => {
          const counts = seen(await observer.queueCounts(queue));
          return counts !== undefined && isLike(counts, wanted);
        },
        { what },
      );
    },
    async waitForLock(project) {
      const path = `queues/${name}/warren.${project}.lock`;
      const isHeld = async () => (await management.get(path)) !== undefined;
      await waitFor(isHeld, { what: `the lock of ${project}`, everyMs: 2 });
    },
    management: (path) => management.get(path.replace("{vhost}", name)),
  };
  return { vhost, observer };
}

/** Deletes the vhost with everything in it; the broker closes connections that are left. */
export async function deleteVhost({ vhost, managementUrl }: Vhost): Promise<void> {
  await openManagement(managementUrl).remove(`vhosts/${vhost}`);
}

/** What is left in the queues of a failed test, one line each. */
export async function describeQueues({ vhost, management }: Vhost): Promise<string> {
  const queues = (await management<QueueState[]>("queues/{vhost}")) ?? [];
  const lines = queues.map(
    ({ name, messages_ready = 0, messages_unacknowledged = 0, consumers = 0 }) =>
      `  ${name}: ${messages_ready} ready, ${messages_unacknowledged} unacked, ${consumers} consumers`,
  );
  return [`vhost ${vhost} is kept:`, ...lines].join("\n");
}

type QueueState = {
  readonly name: string;
  readonly messages_ready?: number;
  readonly messages_unacknowledged?: number;
  readonly consumers?: number;
};

function isLike(counts: QueueCounts, wanted: Partial<QueueCounts>): boolean {
  const { ready = counts.ready, consumers = counts.consumers } = wanted;
  return counts.ready === ready && counts.consumers === consumers;
}
