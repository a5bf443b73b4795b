/** A host whose handlers run on the thread of the runner. */
import { createEventReader } from "../../events/reader.ts";
import type { Topology } from "../../topology.ts";
import type { Delivery, HandlerHost, HostPorts, HostStatus, Prepared } from "./host.ts";
import { type LoadedHandlers, loadHandlers } from "./modules.ts";
import { HandlerThread } from "./thread.ts";

export class InlineHost implements HandlerHost {
  readonly #ports: HostPorts;
  readonly #load: (topology: Topology) => Promise<LoadedHandlers>;
  #thread: HandlerThread | null = null;
  #generation = 0;

  constructor(ports: HostPorts, load: typeof loadHandlers = loadHandlers) {
    this.#ports = ports;
    this.#load = load;
  }

  async prepare(topology: Topology): Promise<Prepared> {
    const { modules, problems } = await this.#load(topology);
    if (problems.length > 0) return { ok: false, files: [], problems };
    const reader = createEventReader(topology.events);
    const thread = new HandlerThread({ ...this.#ports, topology, reader, modules });
    const activate = () => {
      this.#thread = thread;
      this.#generation += 1;
    };
    return { ok: true, files: [], activate, discard: () => undefined };
  }

  deliver(batch: readonly Delivery[]): void {
    this.#thread?.deliver(batch);
  }

  status(): HostStatus {
    return { generation: this.#generation, restarts: 0, quarantined: 0 };
  }

  async stop(): Promise<void> {
    this.#thread = null;
  }
}
