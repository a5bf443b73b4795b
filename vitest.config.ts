import { defineConfig } from "vitest/config";
import { brokerKind } from "./test/support/broker.ts";
import { NEEDS_RABBITMQ } from "./test/support/needs-rabbitmq.ts";
import { leavesRedisOut, NEEDS_REDIS } from "./test/support/needs-redis.ts";
import { LongestFirst } from "./test/support/order.ts";

// `import "warren"` is the source, here as in a handler that is loaded without a build.
const conditions = ["warren-source"];
const resolve = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};

const shared = {
  pool: "forks",
  // For worker threads, which inherit it.
  execArgv: conditions.map((condition) => `--conditions=${condition}`),
  testTimeout: 180_000,
  hookTimeout: 180_000,
  teardownTimeout: 60_000,
} as const;

const left = [
  "test/fixtures/**",
  ...(brokerKind() === "embedded" ? Object.keys(NEEDS_RABBITMQ) : []),
  ...(leavesRedisOut() ? Object.keys(NEEDS_REDIS) : []),
];

/** One after another in one process: to start one, and to load the source, takes longer than most. */
const TOGETHER = [
  "test/{apply,chaos,codegen,commands,conformance,demo,events,evolution,http,loader,routing}/**/*.test.ts",
  "test/runtime/{consume,intake,pace,publish,rpc}/**/*.test.ts",
  "test/errors.test.ts",
];

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    sequence: { sequencer: LongestFirst },
    // Most of their time test files wait for a broker.
    maxWorkers: 4,
    projects: [
      {
        ...resolve,
        test: {
          ...shared,
          name: "apart",
          include: ["test/**/*.test.ts"],
          exclude: [...left, ...TOGETHER],
        },
      },
      {
        ...resolve,
        test: { ...shared, name: "together", include: TOGETHER, exclude: left, isolate: false },
      },
    ],
  },
});
