import { startRedis } from "../test/support/redis-server.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { benchOption, type Size } from "./consume.ts";
import type { Measurement } from "./measure.ts";

const keys = ", idempotency: { by: message_id, ttl: 1h }";

/** What it costs that messages are handled once, by the memory of the runner. */
export function benchMemory(vhost: Vhost, size: Size): Promise<Measurement> {
  return benchOption(vhost, "consume-once-memory", { keys }, size);
}

/** Likewise by a Redis on the same machine. */
export async function benchRedis(vhost: Vhost, size: Size): Promise<Measurement> {
  const { redis, stop } = await startRedis();
  try {
    const head = `stores: { idempotency: "${redis.url}" }`;
    return await benchOption(vhost, "consume-once-redis", { head, keys }, size);
  } finally {
    await stop();
  }
}
