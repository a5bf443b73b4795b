import { defineConfig } from "vitest/config";
import { brokerKind } from "./test/support/broker.ts";
import { NEEDS_RABBITMQ } from "./test/support/needs-rabbitmq.ts";
import { leavesRedisOut, NEEDS_REDIS } from "./test/support/needs-redis.ts";

// `import "warren"` is the source, here as in a handler that is loaded without a build.
const conditions = ["warren-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/fixtures/**",
      ...(brokerKind() === "embedded" ? Object.keys(NEEDS_RABBITMQ) : []),
      ...(leavesRedisOut() ? Object.keys(NEEDS_REDIS) : []),
    ],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    // Most of their time test files wait for a broker.
    maxWorkers: 3,
    // For worker threads, which inherit it.
    execArgv: conditions.map((condition) => `--conditions=${condition}`),
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
  },
});
