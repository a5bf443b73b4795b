/** A host without a runner: what is delivered is made up, and what becomes of it is collected. */
import { formatProblem } from "../../../src/errors.ts";
import { load } from "../../../src/loader/load.ts";
import type { Delivery, HostPorts, Result } from "../../../src/runtime/host/host.ts";
import { WorkerHost } from "../../../src/runtime/host/worker-host.ts";
import type { Topology } from "../../../src/topology.ts";
import type { Project } from "../../support/project.ts";
import { fileOf, type LogLine } from "../../support/runner.ts";

export type Hosting = {
  readonly host: WorkerHost;
  readonly topology: Topology;
  readonly results: readonly Result[];
  readonly log: readonly LogLine[];
};

/** topology.yaml for a project whose broker is never asked. */
export const withoutBroker = (topology: string) => fileOf({ url: "amqp://127.0.0.1:1", topology });

/** The caller stops the host. */
export function openHost(project: Project, publish: HostPorts["publish"] = refuse): Hosting {
  const loaded = load({ file: project.path("topology.yaml"), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const results: Result[] = [];
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, ...fields });
  const log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  const onResults = (more: readonly Result[]) => void results.push(...more);
  const host = new WorkerHost({ publish, call: refuse, onResults, log }, { env: {} });
  return { host, topology: loaded.topology, results, log: lines };
}

async function refuse(): Promise<never> {
  throw new Error("nothing is published");
}

let lastId = 0;

/** A first delivery of this event. */
export function deliveryOf(queue: string, event: unknown): Delivery {
  const id = ++lastId;
  const message = {
    id: `m${id}`,
    queue,
    exchange: "jobs",
    routingKey: "x",
    headers: {},
    body: Buffer.from(JSON.stringify(event)),
    contentType: null,
    contentEncoding: null,
    correlationId: null,
    priority: null,
    redelivered: false,
  };
  return { id, queue, attempt: 1, message };
}
