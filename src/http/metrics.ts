import { Router } from "express";
import type { Registry } from "prom-client";
import type { QueueStatus, RpcStatus, RunnerStatus } from "../runtime/status.ts";
import { allowOnly } from "./problem.ts";

/** `GET /metrics`, in Prometheus' text format. */
export function metricsRoutes(status: () => RunnerStatus): Router {
  const router = Router();
  let registry: Promise<Registry> | null = null;
  router
    .route("/metrics")
    .get(async (_request, response) => {
      registry ??= createRegistry(status);
      const { contentType, metrics } = await registry.then(async (known) => ({
        contentType: known.contentType,
        metrics: await known.metrics(),
      }));
      response.setHeader("Content-Type", contentType);
      response.send(metrics);
    })
    .all(allowOnly("GET, HEAD"));
  return router;
}

/** Without a value a metric is left out: nobody has looked yet. */
type Reading = { readonly name: string; readonly help: string; readonly read: Read };
type Read = (status: RunnerStatus) => number | null;

const READINGS: readonly Reading[] = [
  {
    name: "warren_topology_drift",
    help: "Objects in which the broker differs from the topology, when it was last looked at.",
    read: ({ drift }) => drift?.differences ?? null,
  },
  {
    name: "warren_topology_generation",
    help: "Generation of the topology that this runner applied last.",
    read: ({ topologyGeneration }) => topologyGeneration,
  },
  {
    name: "warren_rpc_calls_waiting",
    help: "Calls of this runner that wait for their replies.",
    read: ({ rpc }) => rpc.waiting,
  },
  {
    name: "warren_main_loop_delay_worst_seconds",
    help: "How late the main loop has turned at most since the start.",
    read: ({ mainLoop }) => mainLoop.worstMs / 1_000,
  },
];

/** Of each queue with a handler. */
type QueueReading = {
  readonly name: string;
  readonly help: string;
  readonly read: (status: QueueStatus) => number | null;
};

/** They only grow. */
const COUNTS: readonly (Omit<Reading, "read"> & { readonly read: (rpc: RpcStatus) => number })[] = [
  {
    name: "warren_rpc_late_replies_total",
    help: "Replies to calls of this runner that came when nobody waited any more.",
    read: ({ lateReplies }) => lateReplies,
  },
  {
    name: "warren_rpc_dropped_replies_total",
    help: "Replies of this runner whose caller was gone.",
    read: ({ droppedReplies }) => droppedReplies,
  },
  {
    name: "warren_rpc_expired_requests_total",
    help: "Requests that no handler had, since their callers' time was over.",
    read: ({ expiredRequests }) => expiredRequests,
  },
];

const OPEN = { closed: 0, "half-open": 0.5, open: 1 } as const;

const QUEUE_READINGS: readonly QueueReading[] = [
  {
    name: "warren_queue_paused",
    help: "1 while the queue is left alone on purpose: /health says why.",
    read: ({ consumer }) => (consumer === "paused" ? 1 : 0),
  },
  {
    name: "warren_queue_breaker_open",
    help: "1 while the queue's breaker is open, 0.5 while it tries one message at a time, else 0.",
    read: ({ breaker }) => breaker && OPEN[breaker],
  },
];

/** Taken from what the runner says of itself, when it is asked. Loaded then: a start needs none of it. */
async function createRegistry(status: () => RunnerStatus): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  for (const { name, help, read } of READINGS) {
    const collect = () => {
      const value = read(status());
      if (value === null) gauge.remove();
      else gauge.set(value);
    };
    const gauge = new Gauge({ name, help, registers, collect });
  }
  for (const { name, help, read } of COUNTS) {
    const collect = () => {
      counter.reset();
      counter.inc(read(status().rpc));
    };
    const counter = new Counter({ name, help, registers, collect });
  }
  for (const { name, help, read } of QUEUE_READINGS) {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ["queue"] as const,
      registers,
      collect: () => {
        gauge.reset();
        for (const [queue, one] of Object.entries(status().queues)) {
          const value = read(one);
          if (value !== null) gauge.set({ queue }, value);
        }
      },
    });
  }
  const delay = new Gauge({
    name: "warren_main_loop_delay_seconds",
    help: "How late the main loop turns, of the last half minute to a minute.",
    labelNames: ["quantile"] as const,
    registers,
    collect: () => {
      const { p50Ms, p99Ms, maxMs } = status().mainLoop;
      delay.set({ quantile: "0.5" }, p50Ms / 1_000);
      delay.set({ quantile: "0.99" }, p99Ms / 1_000);
      delay.set({ quantile: "1" }, maxMs / 1_000);
    },
  });
  const duplicates = new Counter({
    name: "warren_duplicates_total",
    help: "Messages that were acknowledged without their handler, because they were handled before.",
    labelNames: ["queue"] as const,
    registers,
    collect: () => {
      duplicates.reset();
      for (const [queue, { duplicates: count }] of Object.entries(status().queues)) {
        if (count !== undefined) duplicates.inc({ queue }, count);
      }
    },
  });
  return registry;
}
