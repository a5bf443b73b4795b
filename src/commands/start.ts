import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApplyReport, Result } from "../apply/change/results.ts";
import type { Digests } from "../digest.ts";
import { EXIT, formatPlace, type Problem, WarrenError } from "../errors.ts";
import { createApp } from "../http/app.ts";
import { createServer } from "../http/server.ts";
import type { HostPorts } from "../runtime/host/host.ts";
import { WorkerHost } from "../runtime/host/worker-host.ts";
import { Runner } from "../runtime/runner.ts";
import type { Topology } from "../topology.ts";
import { type Context, reportProblems } from "./command.ts";
import { createDocuments } from "./documents.ts";
import { drain } from "./drain.ts";
import { Embedded } from "./embedded.ts";
import { Generator } from "./generator.ts";
import { Reloader } from "./reload.ts";
import { type Role, type RoleOptions, roleOf } from "./role.ts";

export type StartOptions = RoleOptions & {
  /** Edits of topology.yaml are taken as well. */
  readonly isDev?: boolean;
  /** Nothing is declared: everything has to be there. */
  readonly isPassive?: boolean;
};

/**
 * Applies the topology, consumes and serves HTTP until `stopped` resolves. What is saved meanwhile
 * runs from the next message on: handlers and schemas; with `isDev` topology.yaml as well.
 *
 * @returns 0 when everything in flight has ended, 1 when some of it was cut off.
 */
export async function start(
  context: Context,
  stopped: Promise<string>,
  { isDev = false, isPassive = false, ...options }: StartOptions = {},
): Promise<number> {
  const role = roleOf(options);
  const embedded = new Embedded(context);
  const generator = new Generator(context);
  const onUpdated = (topology: Topology) => void generator.generate(topology);
  const reloader = new Reloader(context, { isDev, embedded, role, onUpdated });
  try {
    for (;;) {
      // From here on: the fix may be saved while what it mends is still loaded.
      const changed = reloader.nextChange();
      const loading = loadRunner(context, { reloader, embedded, isPassive, role });
      const loaded = await Promise.race([loading, stopped]);
      if (typeof loaded === "string") return EXIT.done;
      const { runner, files, problems } = loaded;
      const parts = { reloader, generator, files, role };
      if (runner) return await serve(context, { runner, ...parts }, stopped);
      reportProblems(context, problems);
      if (!isDev) return EXIT.failed;
      context.printError("waiting for a change");
      reloader.watch(files);
      const reason = await Promise.race([changed, stopped]);
      if (reason !== undefined) return EXIT.done;
    }
  } finally {
    reloader.close();
    await generator.stop();
    await embedded.stop();
  }
}

type LoadedRunner = {
  /** null: because of the problems. */
  readonly runner: Runner | null;
  readonly files: Digests;
  readonly problems: readonly Problem[];
};

type LoadingParts = {
  readonly reloader: Reloader;
  readonly embedded: Embedded;
  readonly isPassive: boolean;
  readonly role: Role;
};

async function loadRunner(
  { env, by, log }: Context,
  { reloader, embedded, isPassive, role }: LoadingParts,
): Promise<LoadedRunner> {
  const loaded = reloader.load();
  if (!loaded.ok) return { runner: null, files: new Map(), problems: loaded.problems };
  for (const { code, message, at } of loaded.warnings) {
    log.warn({ code, place: formatPlace(at), warning: message }, "topology warning");
  }
  const topology = await embedded.provide(loaded.topology);
  const createHost = (ports: HostPorts) => new WorkerHost(ports, { env });
  const { queues } = role;
  const runner = new Runner({ topology, createHost, isPassive, queues, by, log });
  const prepared = await runner.load();
  const { files } = prepared;
  if (prepared.ok) return { runner, files, problems: [] };
  await runner.stop();
  return { runner: null, files, problems: prepared.problems };
}

type Parts = {
  readonly runner: Runner;
  readonly reloader: Reloader;
  readonly generator: Generator;
  readonly files: Digests;
  readonly role: Role;
};

async function serve(
  { log }: Context,
  { runner, reloader, generator, files, role }: Parts,
  stopped: Promise<string>,
): Promise<number> {
  const { topology } = runner;
  const publish = role.publishes ? runner.publish : null;
  const call = role.publishes ? runner.call : null;
  const status = () => runner.status();
  const trace = (messageId: string) => runner.trace(messageId);
  const drift = () => runner.drift();
  const current = () => runner.topology;
  const documents = createDocuments(current, role);
  const app = { publish, call, status, topology: current, drift, trace, documents, log };
  const server = createServer(createApp(app));
  const begin = async () => {
    sayApplied(await runner.start(), log);
    reloader.follow(runner, files);
    const { port } = server.address() as AddressInfo;
    log.info({ url: `http://${hostInUrl(topology.http.host)}:${port}` }, "ready");
    void generator.generate(runner.topology);
    return await stopped;
  };
  let reason: string;
  try {
    await listen(server, topology);
    reason = await Promise.race([stopped, begin()]);
  } catch (error) {
    server.close();
    await runner.stop();
    throw error;
  }
  log.info({ reason }, "stopping");
  reloader.close();
  const isDrained = await drain(server, runner);
  log.info({ drained: isDrained }, "stopped");
  return isDrained ? EXIT.done : EXIT.failed;
}

async function listen(server: Server, { http }: Topology): Promise<void> {
  server.listen(http.port, http.host);
  try {
    await once(server, "listening");
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (!isTaken) throw error;
    const text = `${http.host}:${http.port} is taken by another program`;
    throw new WarrenError("port-in-use", text, { cause: error });
  }
}

function sayApplied(report: ApplyReport | null, log: Context["log"]): void {
  if (!report) {
    log.info({}, "topology verified: nothing is declared by this runner");
    return;
  }
  const { broker, generation, entries } = report;
  const namesOf = (wanted: Result) =>
    entries.filter(({ result }) => result === wanted).map(({ kind, name }) => `${kind} ${name}`);
  const unbound = namesOf("unbound");
  const facts = { broker, generation, objects: entries.length, created: namesOf("created") };
  log.info({ ...facts, ...(unbound.length > 0 && { unbound }) }, "topology applied");
}

function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
