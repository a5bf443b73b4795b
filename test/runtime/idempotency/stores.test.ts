/** The rules of a store, the same in memory and in Redis. */
import { describe } from "vitest";
import { MemoryStore } from "../../../src/runtime/idempotency/memory.ts";
import { RedisStore } from "../../../src/runtime/idempotency/redis.ts";
import type { LeaseStore } from "../../../src/runtime/idempotency/store.ts";
import { expect, type Redis, test } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";

const HOUR = 3_600_000;
const nothing = () => undefined;

const stores: Readonly<Record<string, (redis: Redis) => LeaseStore>> = {
  memory: () => new MemoryStore(),
  Redis: ({ url }) => new RedisStore({ address: { url, shown: url }, onLost: nothing }),
};

describe.each(Object.keys(stores))("%s", (name) => {
  const withStore = async (redis: Redis, use: (store: LeaseStore) => Promise<void>) => {
    const store = stores[name]?.(redis);
    if (!store) throw new Error("there is no such store");
    await use(store);
    await store.stop();
  };

  test("a lease is its holder's until it is released", async ({ redis }) => {
    await withStore(redis, async (store) => {
      expect(await store.take("key", "me", HOUR)).toBe("ours");
      expect(await store.take("key", "another", HOUR)).toBe("held");
      expect(await store.take("key", "me", HOUR)).toBe("ours");
      await store.release("key", "another");
      expect(await store.take("key", "another", HOUR)).toBe("held");
      await store.release("key", "me");
      expect(await store.take("key", "another", HOUR)).toBe("ours");
    });
  });

  test("a lease ends by itself, and not before the last time that it was taken", async ({
    redis,
  }) => {
    await withStore(redis, async (store) => {
      expect(await store.take("key", "me", 1)).toBe("ours");
      expect(await store.take("key", "me", HOUR)).toBe("ours");
      expect(await store.take("key", "another", 1)).toBe("held");
      expect(await store.take("key", "me", 1)).toBe("ours");
      await waitFor(async () => (await store.take("key", "another", HOUR)) === "ours", {
        what: "the end of the lease",
      });
    });
  });

  test("what was handled is done for everybody, until it is forgotten", async ({ redis }) => {
    await withStore(redis, async (store) => {
      await store.take("key", "me", HOUR);
      expect(await store.finish("key", "me", HOUR)).toBe(true);
      expect(await store.finish("key", "me", HOUR)).toBe(true);
      await store.release("key", "me");
      expect(await store.take("key", "me", HOUR)).toBe("done");
      expect(await store.take("key", "another", HOUR)).toBe("done");
      await store.finish("key", "me", 1);
      await waitFor(async () => (await store.take("key", "another", HOUR)) === "ours", {
        what: "its end",
      });
    });
  });

  test("what was handled is done also if somebody else has the lease, and that is said", async ({
    redis,
  }) => {
    await withStore(redis, async (store) => {
      await store.take("key", "another", HOUR);
      expect(await store.finish("key", "me", HOUR)).toBe(false);
      await store.release("key", "another");
      expect(await store.take("key", "another", HOUR)).toBe("done");
      expect(await store.finish("key", "another", HOUR)).toBe(true);
    });
  });

  test("keys have nothing to do with each other", async ({ redis }) => {
    await withStore(redis, async (store) => {
      await store.take("a", "me", HOUR);
      await store.finish("b", "me", HOUR);
      expect(await store.take("c", "another", HOUR)).toBe("ours");
    });
  });
});
