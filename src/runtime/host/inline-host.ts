/** A host whose handlers run on the thread of the runner. */
import { createEventReader } from "../../events/reader.ts";
import type { HandlerModule } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Delivery, HandlerHost, HostPorts, HostStatus, Prepared, Result } from "./host.ts";
import type { RunResult } from "./protocol.ts";
import { HandlerThread } from "./thread.ts";

export class InlineHost implements HandlerHost {
  readonly #ports: HostPorts;
  readonly #modules: Readonly<Record<string, HandlerModule>>;
  #thread: HandlerThread | null = null;
  readonly #deliveries = new Map<number, Delivery>();
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
      stalls: { totalMs: 0 },
      pulse: { run: 0 },
      onResult: (result) => this.#accept(result),
      onEnded: () => undefined,
    });
    const activate = () => {
      this.#thread = thread;
      this.#generation += 1;
    };
    return { ok: true, files: new Map(), activate, discard: () => undefined };
  }

  deliver(batch: readonly Delivery[]): void {
    for (const delivery of batch) this.#deliveries.set(delivery.id, delivery);
    this.#thread?.start(batch.map((delivery) => ({ run: delivery.id, delivery })));
  }

  status(): HostStatus {
    const generation = this.#generation;
    return { generation, state: "ready", restarts: 0, finishing: 0, quarantined: 0 };
  }

  async stop(): Promise<void> {
    this.#thread = null;
  }

  #accept({ run, outcome, durationMs }: RunResult): void {
    const delivery = this.#deliveries.get(run);
    if (!delivery || outcome.status === "crashed") return;
    this.#deliveries.delete(run);
    this.#report({ id: delivery.id, queue: delivery.queue, outcome, durationMs });
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
