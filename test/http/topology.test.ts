import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";

const topology = `
exchanges:
  jobs: { type: topic, events: ["job.*"], alternate: rest }
  rest: { type: fanout }
queues:
  work: { bind: { jobs: "job.#" }, handler: work, deadLetter: none, retry: [1s], ttl: 1h, concurrency: 3 }
  parked: { type: classic, bind: rest, handler: none, deadLetter: none, maxPriority: 5 }
`;
const schema = { type: "object", required: ["id"] };

test("GET /topology is what the file means, without a password or a folder", async ({ vhost }) => {
  const handlers = { work: () => undefined };
  const events = { "job.done": schema };
  const warren = await startRunner({ url: vhost.url, topology, events, handlers });
  const { status, body } = await warren.get("/topology");
  const wrong = await warren.post("/topology", {});
  await warren.stop();
  const exchange = { internal: false, autoDelete: false, arguments: {}, external: false };
  const binding = { destinationKind: "queue", arguments: {}, line: expect.any(Number) };
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      project: "test",
      file: "topology.yaml",
      exchanges: [
        {
          ...exchange,
          name: "jobs",
          type: "topic",
          alternate: "rest",
          events: ["job.done"],
          line: 7,
        },
        { ...exchange, name: "rest", type: "fanout", alternate: null, events: null, line: 8 },
      ],
      queues: [
        {
          name: "work",
          type: "quorum",
          arguments: {
            "x-queue-type": "quorum",
            "x-delivery-limit": 1000,
            "x-message-ttl": 3_600_000,
          },
          handler: "work",
          concurrency: 3,
          consumerPriority: 0,
          ratePerHour: null,
          breaker: null,
          acksOnDelivery: false,
          autoDelete: false,
          exclusive: false,
          rpc: false,
          prefetch: 3,
          timeoutMs: 30_000,
          retryDelaysMs: [1_000],
          retryOn: null,
          rejectOn: [],
          deadLetter: null,
          idempotency: null,
          ordered: false,
          external: false,
          was: null,
          line: 10,
        },
        {
          name: "parked",
          type: "classic",
          arguments: { "x-queue-type": "classic", "x-max-priority": 5 },
          handler: null,
          concurrency: 20,
          consumerPriority: 0,
          ratePerHour: null,
          breaker: null,
          acksOnDelivery: false,
          autoDelete: false,
          exclusive: false,
          rpc: false,
          prefetch: 20,
          timeoutMs: 30_000,
          retryDelaysMs: [1_000, 5_000, 30_000],
          retryOn: null,
          rejectOn: [],
          deadLetter: null,
          idempotency: null,
          ordered: false,
          external: false,
          was: null,
          line: 11,
        },
      ],
      bindings: [
        { ...binding, source: "jobs", destination: "work", key: "job.#" },
        { ...binding, source: "rest", destination: "parked", key: "" },
      ],
      policies: [],
      events: [{ type: "job.done", schema }],
    },
  });
  expect(wrong.status).toBe(405);
});
