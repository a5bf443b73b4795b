import { type Redis, startRedis } from "./redis-server.ts";
import { test as base } from "./test.ts";

export { expect } from "vitest";
export { PASSWORD, type Redis } from "./redis-server.ts";

export const test = base.extend<{ readonly redis: Redis }>({
  redis: async ({ leaks: _ }, use) => {
    const { redis, stop } = await startRedis();
    await use(redis);
    await stop();
  },
});
