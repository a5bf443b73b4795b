import { expect, test } from "vitest";
import { startApp, well } from "./app.ts";

test("the metrics are what the runner says of itself, in Prometheus' text format", async () => {
  const app = await startApp();
  app.status = {
    ...well,
    topologyGeneration: 15,
    drift: { at: "2026-01-01T00:00:00.000Z", differences: 2 },
    queues: {
      plain: { consumer: "paused", pauses: [], breaker: "open", inFlight: 0 },
      once: { consumer: "live", pauses: [], breaker: null, inFlight: 0, duplicates: 3 },
    },
    rpc: { waiting: 4, lateReplies: 5, droppedReplies: 6, expiredRequests: 7 },
    mainLoop: { p50Ms: 1, p99Ms: 20.5, maxMs: 30, worstMs: 250 },
  };
  const { status, headers, text } = await app.text("/metrics");
  app.status = well;
  const later = await app.text("/metrics");
  await app.close();
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(samplesOf(text)).toEqual([
    "warren_topology_drift 2",
    "warren_topology_generation 15",
    "warren_rpc_calls_waiting 4",
    "warren_main_loop_delay_worst_seconds 0.25",
    "warren_rpc_late_replies_total 5",
    "warren_rpc_dropped_replies_total 6",
    "warren_rpc_expired_requests_total 7",
    'warren_queue_paused{queue="plain"} 1',
    'warren_queue_paused{queue="once"} 0',
    'warren_queue_breaker_open{queue="plain"} 1',
    'warren_main_loop_delay_seconds{quantile="0.5"} 0.001',
    'warren_main_loop_delay_seconds{quantile="0.99"} 0.0205',
    'warren_main_loop_delay_seconds{quantile="1"} 0.03',
    'warren_duplicates_total{queue="once"} 3',
  ]);
  expect(samplesOf(later.text)[0]).toBe("warren_topology_generation 1");
});

function samplesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}
