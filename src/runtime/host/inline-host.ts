/** A host whose handlers run on the thread of the runner. */
import { createEventReader } from "../../events/reader.ts";
import type { HandlerModule } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Delivery, HandlerHost, HostPorts, HostStatus, Prepared, Result } from "./host.ts";
import { HandlerThread } from "./thread.ts";

export class InlineHost implements HandlerHost {
  readonly #ports: HostPorts;
  readonly #modules: Readonly<Record<string, HandlerModule>>;
  #thread: HandlerThread | null = null;
  #results: Result[] = [];
  #generation = 0;

  /** @param modules by queue. */
  constructor(ports: HostPorts, modules: Readonly<Record<string, HandlerModule>>) {
    this.#ports = ports;
    this.#modules = modules;
  }

  warm(): void {}

  async prepare(topology: Topology): Promise<Prepared> {
    const thread = new HandlerThread({
      topology,
      log: this.#ports.log,
      publish: (request) => this.#ports.publish(request, topology),
      reader: createEventReader(topology.events),
      modules: this.#modules,
      onResult: (result) => this.#report(result),
    });
    const activate = () => {
      this.#thread = thread;
      this.#generation += 1;
    };
    return { ok: true, files: new Map(), activate, discard: () => undefined };
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

  /** The results of a tick go together. */
  #report(result: Result): void {
    this.#results.push(result);
    if (this.#results.length > 1) return;
    setImmediate(() => {
      const results = this.#results;
      this.#results = [];
      this.#ports.onResults(results);
    });
  }
}
