/** A host whose handlers run on a thread of their own. */
import { realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Place, Problem } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import type { Delivery, HandlerHost, HostPorts, HostStatus, Prepared } from "./host.ts";
import { type LoadProblem, RemoteThread } from "./remote-thread.ts";

export type WorkerHostOptions = {
  /** What handlers see as `process.env`, but for what names the broker. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Loads the handlers on a thread of their own, which is ended then; what is wrong with them. */
export async function checkHandlers(
  topology: Topology,
  { env, log }: WorkerHostOptions & { readonly log: Log },
): Promise<readonly Problem[]> {
  const publish = async () => {
    throw new Error("a check publishes nothing");
  };
  const host = new WorkerHost({ publish, onResults: () => undefined, log }, { env });
  const prepared = await host.prepare(topology);
  if (!prepared.ok) return prepared.problems;
  prepared.discard();
  return [];
}

export class WorkerHost implements HandlerHost {
  readonly #ports: HostPorts;
  readonly #options: WorkerHostOptions;
  #thread: RemoteThread | null = null;
  #generation = 0;

  constructor(ports: HostPorts, options: WorkerHostOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  warm(): void {}

  async prepare(topology: Topology): Promise<Prepared> {
    const thread = this.#createThread(topology);
    const problems = await thread.load(topology, NUMBERS.workerLoadMs);
    if (problems.length > 0) {
      const described = problems.map((one) => describe(topology, one));
      return { ok: false, files: new Map(), problems: described };
    }
    const activate = () => {
      this.#thread?.retire();
      this.#thread = thread;
      this.#generation += 1;
    };
    return { ok: true, files: new Map(), activate, discard: () => thread.end() };
  }

  deliver(batch: readonly Delivery[]): void {
    this.#thread?.deliver(batch);
  }

  status(): HostStatus {
    return { generation: this.#generation, restarts: 0, quarantined: 0 };
  }

  async stop(): Promise<void> {
    this.#thread?.end();
    await this.#thread?.exited;
  }

  #createThread(topology: Topology): RemoteThread {
    const files = Object.values(topology.queues).map(({ handler }) => handler?.file ?? "");
    return new RemoteThread({
      publish: (request) => this.#ports.publish(request, topology),
      log: this.#ports.log,
      env: this.#env(topology),
      isTypeScript: files.some((file) => /\.m?ts$/.test(file)),
      maxHeapBytes: topology.worker.maxHeapBytes,
      onResults: (_thread, results) => this.#ports.onResults(results),
      onDeath: () => undefined,
    });
  }

  /** Without the broker's addresses, whatever they are called. */
  #env(topology: Topology): Record<string, string> {
    const secrets = topology.broker.addresses.map(({ url }) => new URL(url).host);
    const entries = Object.entries(this.#options.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        !/^RABBITMQ_(MANAGEMENT_)?URL$/.test(entry[0]) &&
        !secrets.some((secret) => entry[1]?.includes(secret)),
    );
    return Object.fromEntries(entries);
  }
}

/** Its place is in the module if that is known, else where the file names the handler's queue. */
function describe(topology: Topology, { queue: name, reason, at }: LoadProblem): Problem {
  const queue = topology.queues[name];
  if (!queue) throw new Error(`no queue ${name}`);
  const message = `handler "${queue.handler?.name}": ${reason}`;
  return { code: "bad-handler", message, at: at === null ? queue.at : shown(at, topology) };
}

/** As the user would write it: seen from the folder from which topology.yaml was named. */
function shown(at: Place, topology: Topology): Place {
  const folder = dirname(topology.file);
  const path = relative(realpathSync(folder), at.file);
  return path.startsWith("..") ? at : { ...at, file: join(folder, path) };
}
