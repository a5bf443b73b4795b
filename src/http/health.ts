import { type RequestHandler, Router } from "express";
import { formatProblem } from "../errors.ts";
import { type ConnectionStatus, isReady, type RunnerStatus } from "../runtime/status.ts";
import { allowOnly } from "./problem.ts";

/** `GET /health`, `/livez` and `/readyz`. */
export function healthRoutes(status: () => RunnerStatus): Router {
  const router = Router();
  const get = (path: string, handler: RequestHandler) =>
    router.route(path).get(handler).all(allowOnly("GET, HEAD"));
  get("/health", (_request, response) => {
    const current = status();
    response.json({ status: wordOf(current), summary: summarize(current), ...current });
  });
  get("/livez", (_request, response) => {
    response.json({ status: "alive" });
  });
  get("/readyz", (_request, response) => {
    const current = status();
    const isUp = isReady(current);
    response.status(isUp ? 200 : 503);
    response.json({ status: isUp ? "ready" : "not ready", summary: summarize(current) });
  });
  return router;
}

function wordOf(status: RunnerStatus): "ok" | "degraded" | "stopping" {
  if (status.stopping) return "stopping";
  return ills(status).length === 0 ? "ok" : "degraded";
}

function summarize(status: RunnerStatus): string {
  const facts = [...(status.stopping ? ["stopping"] : []), ...ills(status)];
  if (facts.length > 0) return [...facts, ...pauses(status)].join("; ");
  return ["connected, topology verified, all consumers live", ...pauses(status)].join("; ");
}

/** What a queue's own settings want is no ill. */
function pauses({ queues }: RunnerStatus): readonly string[] {
  return Object.entries(queues).flatMap(([name, { consumer, pauses: all }]) =>
    consumer === "paused" && all.length > 0
      ? [`${name} is paused: ${all.map(({ reason }) => reason).join(", ")}`]
      : [],
  );
}

/** Everything that keeps it from being ready, from its messages, or from running the last edit. */
function ills(status: RunnerStatus): readonly string[] {
  const { connections, topology, problems, queues, idempotency, handlers, reload } = status;
  return [
    ...Object.entries(connections)
      .filter(([, { state }]) => state !== "ready")
      .map(([name, status]) => `the ${name} connection is ${describeConnection(status)}`),
    ...(topology === "verified" ? [] : [`the topology is ${inWords[topology]}`]),
    ...problems,
    ...Object.entries(queues)
      .filter(([, { consumer }]) => consumer !== "live" && consumer !== "paused")
      .map(([name, { consumer }]) => `the consumer of ${name} is ${consumer}`),
    ...(idempotency?.downSince
      ? [
          `the idempotency store ${idempotency.store} is away since ${idempotency.downSince}: ${idempotency.reason}`,
        ]
      : []),
    ...handlers.problems.map((one) => `handlers can't be loaded again: ${formatProblem(one)}`),
    ...(reload.pending === null ? [] : [`the last edit is not in use yet: ${reload.pending}`]),
    ...reload.problems.map((problem) => `the last edit is not in use: ${formatProblem(problem)}`),
  ];
}

function describeConnection({ state, downSince, lastFailure }: ConnectionStatus): string {
  if (downSince === null || lastFailure === null) return state;
  return `${state} since ${downSince}: ${lastFailure.reason}`;
}

const inWords = {
  pending: "not verified yet",
  conflict: "in conflict with the broker",
  waiting: "not declared by this runner",
  missing: "not on the broker",
} as const;
