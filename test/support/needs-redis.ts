import { existsSync } from "node:fs";

/** Tests with a Redis of their own; a machine without one leaves them out, and CI fails. */
export const NEEDS_REDIS: Readonly<Record<string, string>> = {
  "test/runtime/idempotency/faults.test.ts": "kills and freezes a Redis",
  "test/runtime/idempotency/reused.test.ts": "what all runners know of a key",
  "test/runtime/idempotency/stores.test.ts": "compares a runner's memory with Redis",
  "test/runtime/idempotency/two-runners.test.ts": "runners that share a Redis",
};

export const REDIS_INSTALL_COMMAND = "apt-get update && apt-get install -y redis-server";

export function findRedis(): string | undefined {
  return ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
    .map((folder) => `${folder}/redis-server`)
    .find(existsSync);
}

/** The kind of broker is said in CI alone, where everything has to be there. */
export function leavesRedisOut(env: NodeJS.ProcessEnv = process.env): boolean {
  return findRedis() === undefined && env.WARREN_TEST_BROKER !== "rabbitmq";
}
