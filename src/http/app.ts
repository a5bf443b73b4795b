/** The HTTP interface as an express app that does not listen. */
import express, { type Express, type RequestHandler } from "express";
import type { Log } from "../handler.ts";
import type { Published, PublishRequest } from "../runtime/publish/publish.ts";
import type { Called, CallRequest } from "../runtime/rpc/call.ts";
import type { RunnerStatus } from "../runtime/status.ts";
import type { TracedDelivery } from "../runtime/trace.ts";
import type { Topology } from "../topology.ts";
import { type Documents, documentRoutes } from "./documents.ts";
import { driftRoutes } from "./drift.ts";
import { healthRoutes } from "./health.ts";
import { metricsRoutes } from "./metrics.ts";
import { PAGES } from "./pages/pages.ts";
import { pageRoutes } from "./pages/routes.ts";
import { identify, Refusal, refuseWith } from "./problem.ts";
import { publishRoutes } from "./publish.ts";
import { rpcRoutes } from "./rpc.ts";
import { topologyRoutes } from "./topology.ts";
import { traceRoutes } from "./trace.ts";

export type AppParts = {
  /** null: no messages are taken here. */
  readonly publish: ((request: PublishRequest) => Promise<Published>) | null;
  readonly call: ((request: CallRequest) => Promise<Called>) | null;
  readonly status: () => RunnerStatus;
  /** The one that is in force. */
  readonly topology: () => Topology;
  /** In what the broker differs from it. @throws {WarrenError} when that can't be found out now. */
  readonly drift: () => Promise<object>;
  /** The last deliveries of a message in this process, oldest first. */
  readonly trace: (messageId: string) => readonly TracedDelivery[];
  readonly documents: Documents;
  readonly log: Log;
};

/** Routes, options and answers are in docs/http.md. */
export function createApp(parts: AppParts): Express {
  const { publish, call, status, topology, drift, trace, documents, log } = parts;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  app.use(identify, protect);
  if (publish) app.use(publishRoutes(publish));
  if (call) app.use(rpcRoutes(call));
  app.use(healthRoutes(status), metricsRoutes(status));
  app.use(topologyRoutes(topology), driftRoutes(drift), traceRoutes(trace));
  app.use(documentRoutes(documents), pageRoutes(PAGES));
  app.use(() => {
    throw new Refusal("unknown-route", "there is no such route");
  });
  app.use(refuseWith(log));
  return app;
}

/** Answers are for programs: nothing is kept, guessed, framed or run; what pages may, they say. */
const protect: RequestHandler = (_request, response, next) => {
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("Referrer-Policy", "no-referrer");
  next();
};
