import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApplyEntry } from "../apply/apply.ts";
import { EXIT, WarrenError } from "../errors.ts";
import { createApp } from "../http/app.ts";
import { closeServer, createServer } from "../http/server.ts";
import type { HostPorts } from "../runtime/host/host.ts";
import { WorkerHost } from "../runtime/host/worker-host.ts";
import { Runner } from "../runtime/runner.ts";
import type { Topology } from "../topology.ts";
import { type Context, loadOrReport, reportProblems } from "./command.ts";

/**
 * Applies the topology, consumes and serves HTTP until `stopped` resolves.
 *
 * @returns 0 when everything in flight has ended, 1 when some of it was cut off.
 */
export async function start(context: Context, stopped: Promise<string>): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const { env, log } = context;
  const createHost = (ports: HostPorts) => new WorkerHost(ports, { env });
  const runner = new Runner({ topology, createHost, log });
  const prepared = await runner.load();
  if (!prepared.ok) {
    reportProblems(context, prepared.problems);
    return EXIT.failed;
  }
  const { publish } = runner;
  const status = () => runner.status();
  const trace = (messageId: string) => runner.trace(messageId);
  const server = createServer(createApp({ publish, status, trace, log }));
  await listen(server, topology);
  try {
    const report = await runner.start();
    const { broker, entries } = report;
    const created = entries.filter(({ result }) => result === "created").map(describeEntry);
    log.info({ broker, objects: entries.length, created }, "topology applied");
  } catch (error) {
    server.close();
    await runner.stop();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  log.info({ url: `http://${hostInUrl(topology.http.host)}:${port}` }, "ready");

  const reason = await stopped;
  log.info({ reason }, "stopping");
  runner.announceStop();
  await closeServer(server);
  const isDrained = await runner.stop();
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

function describeEntry({ kind, name }: ApplyEntry): string {
  return `${kind} ${name}`;
}

function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
