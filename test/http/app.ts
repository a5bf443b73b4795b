import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createDocuments } from "../../src/commands/documents.ts";
import { WarrenError } from "../../src/errors.ts";
import { createEventReader } from "../../src/events/reader.ts";
import { createApp } from "../../src/http/app.ts";
import { createServer } from "../../src/http/server.ts";
import { createPublish } from "../../src/runtime/publish/publish.ts";
import type { Outgoing } from "../../src/runtime/publish/publisher.ts";
import { createCall } from "../../src/runtime/rpc/call.ts";
import { RpcClient } from "../../src/runtime/rpc/client.ts";
import type { ConnectionStatus, RunnerStatus } from "../../src/runtime/status.ts";
import { topologyOf } from "../support/topology.ts";

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
};

/** The HTTP interface without a broker: for what never gets as far as one. */
export type TestApp = {
  readonly url: string;
  /** What would have gone to the broker. */
  readonly published: readonly Outgoing[];
  status: RunnerStatus;
  /** Why nobody can say what the broker has. */
  driftError: Error;
  /** A text or bytes are sent as they are, anything else as JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  request(path: string, init?: RequestInit): Promise<Answer>;
  /** GET of what is no JSON. */
  text(path: string): Promise<Omit<Answer, "body"> & { readonly text: string }>;
  close(): Promise<void>;
};

const topology = topologyOf({
  exchanges: {
    books: { events: ["book.created", "book.deleted"] },
    content: {},
    tasks: { type: "direct" },
    inner: { internal: true },
  },
  schemas: {
    "book.created": {
      type: "object",
      required: ["id", "title"],
      properties: { id: { type: "string" }, title: { type: "string" } },
    },
    "book.deleted": { type: "object", required: ["id"] },
    "film.shown": { type: "object" },
  },
});

export const up: ConnectionStatus = {
  state: "ready",
  downSince: null,
  lastFailure: null,
  nextAttempt: null,
};

/** A runner for which all is well. */
export const well: RunnerStatus = {
  project: "test",
  stopping: false,
  connections: { publish: up, consume: up },
  topology: "verified",
  topologyGeneration: 1,
  drift: null,
  problems: [],
  queues: { q: { consumer: "live", pauses: [], breaker: null, inFlight: 0 } },
  idempotency: null,
  handlers: { state: "ready", problems: [], restarts: 0, finishing: 0, quarantined: 0 },
  rpc: { waiting: 0, lateReplies: 0, droppedReplies: 0, expiredRequests: 0 },
  mainLoop: { p50Ms: 0, p99Ms: 0, maxMs: 0, worstMs: 0 },
  reload: { generation: 1, at: "2026-01-01T00:00:00.000Z", pending: null, problems: [] },
};

export async function startApp(): Promise<TestApp> {
  const published: Outgoing[] = [];
  const publisher = {
    publish: async (message: Outgoing) => {
      published.push(message);
      return { status: "disconnected", message: "amqp://guest:secret@broker" } as const;
    },
  };
  const nothing = () => undefined;
  const app = {
    status: well,
    driftError: new WarrenError("connection-failed", "no connection to amqp://broker"),
    published,
  };
  const reader = createEventReader(topology.events);
  const parts = { topology, reader, isReused: async () => false };
  const server = createServer(
    createApp({
      publish: createPublish({ ...parts, publisher }),
      call: createCall({ ...parts, client: new RpcClient(publisher.publish) }),
      status: () => app.status,
      topology: () => topology,
      drift: async () => {
        throw app.driftError;
      },
      trace: () => [],
      documents: createDocuments(() => topology, { publishes: true }),
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request = (path: string, init: RequestInit = {}) => answerOf(`${url}${path}`, init);
  return Object.assign(app, {
    url,
    request,
    text: async (path: string) => {
      const response = await fetch(`${url}${path}`, { headers: { connection: "close" } });
      const { status, headers } = response;
      return { status, headers, text: await response.text() };
    },
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      request(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  });
}

// A connection of its own for each request: none is left open when the test ends.
async function answerOf(url: string, init: RequestInit): Promise<Answer> {
  const headers = { ...(init.headers as Record<string, string>), connection: "close" };
  const response = await fetch(url, { ...init, headers });
  const text = await response.text();
  const body: Record<string, unknown> = text === "" ? {} : JSON.parse(text);
  return { status: response.status, headers: response.headers, body };
}
