/** A publisher that is not warren, sends what is no event, and reads what is left at the end. */
import { setTimeout as sleep } from "node:timers/promises";
import { openClient, type SeenMessage } from "../test/support/client.ts";
import { now } from "./clock.ts";
import type { Found } from "./evidence.ts";
import type { Sent } from "./ledger.ts";

/** Where nothing may be left at the end. */
export const WORK_AND_DELAY_QUEUES = [
  "classic_jobs",
  "quorum_jobs",
  "victim_jobs",
  "warren.chaos.retry.200ms",
  "warren.chaos.retry.500ms",
] as const;

/** Sends an invalid body to each work queue in turn, until `signal` aborts. */
export async function sendInvalid(
  url: string,
  options: {
    readonly everyMs: number;
    readonly signal: AbortSignal;
    readonly sent: Map<string, Sent>;
  },
): Promise<void> {
  const { everyMs, signal, sent } = options;
  for (let n = 0; !signal.aborted; n++) {
    const kind = n % 2 === 0 ? "classic" : "quorum";
    const one: Sent = {
      id: `invalid-${n}`,
      queue: `${kind}_jobs`,
      script: "invalid",
      at: now(),
      tries: 1,
      state: "pending",
      wasUnknown: false,
    };
    sent.set(one.id, one);
    one.state = await publishInvalid(url, `job.${kind}`, one.id);
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Not tried again: what is unknown stays unknown. */
async function publishInvalid(url: string, key: string, id: string): Promise<Sent["state"]> {
  try {
    const client = await openClient(url, "foreign publisher");
    try {
      const body = { id, not: "what the schema wants" };
      const { routed } = await client.publish("jobs", key, body, { messageId: id });
      return routed ? "accepted" : "refused";
    } finally {
      await client.close();
    }
  } catch {
    return "unknown";
  }
}

/** Takes everything out of the dead letters and of these queues; after all runners have ended. */
export async function drainQueues(
  url: string,
  queues: readonly string[],
): Promise<{ readonly dead: readonly Found[]; readonly left: readonly Found[] }> {
  const client = await openClient(url, "drain");
  const drain = async (queue: string) => {
    const found: Found[] = [];
    for (let message = await client.get(queue); message; message = await client.get(queue)) {
      found.push(foundIn(queue, message));
    }
    return found;
  };
  try {
    const dead = await drain("dead_letters");
    const left: Found[] = [];
    for (const queue of queues) left.push(...(await drain(queue)));
    return { dead, left };
  } finally {
    await client.close();
  }
}

function foundIn(queue: string, { properties, headers }: SeenMessage): Found {
  const { "x-warren-reason": reason, "x-warren-attempts": attempts } = headers;
  return {
    queue,
    id: String(properties.messageId),
    reason: typeof reason === "string" ? reason : null,
    attempts: typeof attempts === "number" ? attempts : null,
  };
}
