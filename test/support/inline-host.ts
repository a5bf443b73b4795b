/** A host whose handlers run on the thread of the test, so that they may be functions of it. */
import { createEventReader } from "../../src/events/reader.ts";
import type { HandlerModule } from "../../src/handler.ts";
import type {
  Delivery,
  HandlerHost,
  HostPorts,
  HostStatus,
  Prepared,
  Result,
} from "../../src/runtime/host/host.ts";
import type { RunResult } from "../../src/runtime/host/protocol.ts";
import { HandlerThread } from "../../src/runtime/host/thread/handler-thread.ts";
import type { Topology } from "../../src/topology.ts";

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
      call: (request) => this.#ports.call(request, topology),
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
    const counts = { restarts: 0, finishing: 0, quarantined: 0 };
    return { generation, state: "ready", problems: [], ...counts };
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
