/** The paths that only say something. */
import type { JsonObject } from "../json.ts";
import { problemResponses, type RouteKind } from "./problems.ts";

export const RUNNER = "Runner";
export const DOCUMENTS = "Documents";

type Reading = {
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly kind: RouteKind;
  readonly parameters?: readonly JsonObject[];
  readonly answers: JsonObject;
};

const json = (description: string, schema: JsonObject) => ({
  description,
  content: { "application/json": { schema } },
});

const text = (description: string, mediaType: string) => ({
  description,
  content: { [mediaType]: { schema: { type: "string" } } },
});

const object = (properties: JsonObject) => ({
  type: "object",
  required: Object.keys(properties),
  properties,
});

const strings = { type: "array", items: { type: "string" } };
const ready = object({ status: { enum: ["ready", "not ready"] }, summary: { type: "string" } });

const delivery = object({
  queue: { type: "string" },
  handler: { type: "string" },
  attempt: { description: "1 for the first.", type: "integer" },
  outcome: { enum: ["handled", "duplicate", "retried", "dead-lettered", "dropped", "expired"] },
  ms: { description: "Of the handler's run.", type: "number" },
});

const health = object({
  status: { enum: ["ok", "degraded", "stopping"] },
  summary: { description: "Everything that makes it so, in words.", type: "string" },
  project: { type: "string" },
  stopping: { type: "boolean" },
  connections: object({ publish: { type: "object" }, consume: { type: "object" } }),
  topology: { enum: ["pending", "verified", "conflict", "waiting", "missing"] },
  problems: strings,
  queues: { description: "What the consumer of each does.", type: "object" },
  handlers: { description: "The thread that runs them.", type: "object" },
  reload: { description: "Which edit runs, and why a later one does not.", type: "object" },
});

const topology = object({
  project: { type: "string" },
  file: { type: "string" },
  exchanges: { type: "array", items: { type: "object" } },
  queues: { type: "array", items: { type: "object" } },
  bindings: { type: "array", items: { type: "object" } },
  policies: { type: "array", items: { type: "object" } },
  events: { type: "array", items: object({ type: { type: "string" }, schema: true }) },
});

const messageId = {
  ...{ name: "message_id", in: "path", required: true, schema: { type: "string" } },
  description: "Of the message, as its publish was answered.",
};

const readings: readonly Reading[] = [
  {
    ...{ path: "/health", id: "health", tag: RUNNER, kind: "reading" },
    summary: "How the runner is, in words; 200 as long as it lives",
    answers: { "200": json("How it is.", health) },
  },
  {
    ...{ path: "/livez", id: "livez", tag: RUNNER, kind: "reading" },
    summary: "Whether it lives",
    answers: { "200": json("It lives.", object({ status: { const: "alive" } })) },
  },
  {
    ...{ path: "/readyz", id: "readyz", tag: RUNNER, kind: "reading" },
    summary: "Whether it is connected, its topology is on the broker, and every consumer is live",
    answers: { "200": json("It is ready.", ready), "503": json("It is not ready.", ready) },
  },
  {
    ...{ path: "/metrics", id: "metrics", tag: RUNNER, kind: "reading" },
    summary: "Numbers for Prometheus",
    answers: { "200": text("In Prometheus' text format.", "text/plain") },
  },
  {
    ...{ path: "/topology", id: "topology", tag: RUNNER, kind: "reading" },
    summary: "What topology.yaml means, with every default filled in",
    answers: { "200": json("The topology in force.", topology) },
  },
  {
    ...{ path: "/drift", id: "drift", tag: RUNNER, kind: "drift" },
    summary: "In what the broker differs from the topology",
    answers: { "200": json("A plan, as `plan --json` prints it.", { type: "object" }) },
  },
  {
    ...{ path: "/trace/{message_id}", id: "trace", tag: RUNNER, kind: "named" },
    summary: "The last deliveries of a message in this process",
    parameters: [messageId],
    answers: {
      "200": json(
        "Those that have ended, oldest first; none of a message that is not known.",
        object({
          message_id: { type: "string" },
          deliveries: { type: "array", items: delivery },
        }),
      ),
    },
  },
  {
    ...{ path: "/openapi.json", id: "openapi", tag: DOCUMENTS, kind: "reading" },
    summary: "This document",
    answers: { "200": json("OpenAPI 3.1.", { type: "object" }) },
  },
  {
    ...{ path: "/asyncapi.json", id: "asyncapi", tag: DOCUMENTS, kind: "reading" },
    summary: "The exchanges, the queues and their messages",
    answers: { "200": json("AsyncAPI 3.0.", { type: "object" }) },
  },
  {
    ...{ path: "/docs", id: "docs", tag: DOCUMENTS, kind: "page" },
    summary: "A page to try this interface",
    answers: { "200": text("Swagger UI.", "text/html") },
  },
  {
    ...{ path: "/redoc", id: "redoc", tag: DOCUMENTS, kind: "page" },
    summary: "A page to read about this interface",
    answers: { "200": text("Redoc.", "text/html") },
  },
  {
    ...{ path: "/asyncapi", id: "asyncapi.page", tag: DOCUMENTS, kind: "page" },
    summary: "A page to read about the messages",
    answers: { "200": text("AsyncAPI's page.", "text/html") },
  },
];

/** What is the same for every topology. */
export const readingPaths: JsonObject = Object.fromEntries(
  readings.map(({ path, id, tag, summary, kind, parameters = [], answers }) => {
    const responses = { ...problemResponses(kind), ...answers };
    return [path, { get: { operationId: id, tags: [tag], summary, parameters, responses } }];
  }),
);
