import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApplyReport } from "../../src/apply/change/results.ts";
import { createDocuments } from "../../src/commands/documents.ts";
import { formatProblem } from "../../src/errors.ts";
import { defineHandler, type HandlerContext, type HandlerModule } from "../../src/handler.ts";
import { createApp } from "../../src/http/app.ts";
import { createServer } from "../../src/http/server.ts";
import { load } from "../../src/loader/load.ts";
import type { HandlerHost, HostPorts } from "../../src/runtime/host/host.ts";
import { Runner } from "../../src/runtime/runner.ts";
import type { Topology } from "../../src/topology.ts";
import { InlineHost } from "./inline-host.ts";
import { type Project, writeProject } from "./project.ts";

/** Handler name → its function. */
export type TestHandlers = Readonly<
  Record<string, (event: never, context: HandlerContext) => unknown>
>;

export type RunnerFiles = {
  /** topology.yaml without version, project, broker and http, which are added. */
  readonly topology: string;
  readonly handlers?: TestHandlers;
  readonly events?: Readonly<Record<string, object>>;
  /** By queue. */
  readonly replies?: Readonly<Record<string, object>>;
  /** Of the broker; a proxy's, say. */
  readonly url: string;
  /** `10s` unless given. */
  readonly heartbeat?: string;
  /** `test` unless given. */
  readonly project?: string;
  /** The management API; none unless given. */
  readonly management?: string;
  /** The store of idempotency; memory unless given. */
  readonly store?: string;
  /** It consumes these alone; all that have a handler unless given. */
  readonly queues?: readonly string[];
};

export type LogLine = { readonly level: string; readonly message: string } & Record<
  string,
  unknown
>;

/** A runner in this process, with its HTTP interface. */
export type TestRunner = {
  readonly runner: Runner;
  readonly topology: Topology;
  readonly report: ApplyReport;
  /** `http://127.0.0.1:1234` */
  readonly url: string;
  readonly log: readonly LogLine[];
  /** POST of a JSON body. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  stop(): Promise<boolean>;
};

export type Answer = {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
};

/** Loads a topology as a user's file; the project is removed at once. */
export async function loadTopology(files: RunnerFiles): Promise<Topology> {
  const { events = {}, replies = {}, handlers = {} } = files;
  const stubs = Object.fromEntries(Object.keys(handlers).map((name) => [name, ""]));
  const project: Project = await writeProject({
    topology: fileOf(files),
    events,
    replies,
    handlers: stubs,
  });
  try {
    const loaded = load({ file: project.path("topology.yaml"), env: {} });
    if (loaded.ok) return loaded.topology;
    throw new Error(loaded.problems.map(formatProblem).join("\n"));
  } finally {
    await project.remove();
  }
}

/** The text of topology.yaml. */
export function fileOf({
  topology,
  url,
  heartbeat = "10s",
  project = "test",
  management,
  store,
}: Omit<RunnerFiles, "handlers" | "events">): string {
  const listing = management === undefined ? "" : `, management: "${management}"`;
  const head = [
    "version: 1",
    `project: ${project}`,
    `broker: { url: "${url}", heartbeat: ${heartbeat}${listing} }`,
    "http: { port: 0 }",
    ...(store === undefined ? [] : [`stores: { idempotency: "${store}" }`]),
  ];
  return `${head.join("\n")}\n${topology}\n`;
}

/** Starts a runner as `start` does, with functions in place of handler files. */
export async function startRunner(files: RunnerFiles): Promise<TestRunner> {
  const topology = await loadTopology(files);
  const modules = modulesOf(topology, files.handlers ?? {});
  return await runWith(topology, (ports) => new InlineHost(ports, modules), files.queues);
}

/** Runs a loaded topology with these modules, by queue, and its HTTP interface. */
export async function runTopology(
  topology: Topology,
  modules: Readonly<Record<string, HandlerModule>>,
): Promise<TestRunner> {
  return await runWith(topology, (ports) => new InlineHost(ports, modules));
}

/** Runs a loaded topology with such a host, and its HTTP interface. */
export async function runWith(
  topology: Topology,
  createHost: (ports: HostPorts) => HandlerHost,
  queues: readonly string[] | null = null,
): Promise<TestRunner> {
  const log: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void log.push({ level, message, ...fields });
  const sink = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  const runner = new Runner({ topology, createHost, queues, log: sink });
  const prepared = await runner.load();
  if (!prepared.ok) throw new Error(prepared.problems.map(formatProblem).join("\n"));
  const server = createServer(
    createApp({
      publish: runner.publish,
      call: runner.call,
      status: () => runner.status(),
      topology: () => runner.topology,
      drift: () => runner.drift(),
      trace: (messageId) => runner.trace(messageId),
      documents: createDocuments(() => runner.topology, { publishes: true }),
      log: sink,
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    await close(server);
    return await runner.stop();
  };
  try {
    const report = await runner.start();
    if (!report) throw new Error("it was not to be applied");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const post: TestRunner["post"] = (path, body, headers = {}) =>
      answer(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
    return {
      runner,
      topology,
      report,
      url,
      log,
      post,
      get: (path) => answer(`${url}${path}`),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function modulesOf(topology: Topology, handlers: TestHandlers) {
  return Object.fromEntries(
    Object.values(topology.queues).flatMap(({ name, handler }) => {
      const run = handler && handlers[handler.name];
      return run ? [[name, defineHandler(run as never)]] : [];
    }),
  );
}

// A connection of its own for each request: none is left open when the test ends.
async function answer(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, {
    ...init,
    headers: { ...(init.headers as Record<string, string>), connection: "close" },
  });
  const text = await response.text();
  const body = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { text };
  return { status: response.status, body, headers: response.headers };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
