/** Owns everything that runs: the way to the broker, the publisher, a consumer for each queue. */
import type { ApplyReport } from "../apply/apply.ts";
import type { Problem } from "../errors.ts";
import { createEventReader } from "../events/reader.ts";
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";
import { QueueConsumer } from "./consumer.ts";
import type { HandlerHost, HostPorts } from "./host/host.ts";
import { createPublish, type Published, type PublishRequest } from "./publish.ts";
import { ConfirmPublisher } from "./publisher.ts";
import { Recovery } from "./recovery.ts";
import type { RunnerStatus } from "./status.ts";
import { Trace, type TracedDelivery } from "./trace.ts";

export type RunnerOptions = {
  readonly topology: Topology;
  readonly createHost: (ports: HostPorts) => HandlerHost;
  readonly log: Log;
};

export class Runner {
  readonly #options: RunnerOptions;
  readonly #recovery: Recovery;
  readonly #publisher: ConfirmPublisher;
  readonly #host: HandlerHost;
  readonly #consumers: ReadonlyMap<string, QueueConsumer>;
  readonly #trace = new Trace();
  #isStopping = false;
  /** By HTTP and by handlers alike. */
  readonly publish: (request: PublishRequest) => Promise<Published>;

  constructor(options: RunnerOptions) {
    const { topology, log } = options;
    this.#options = options;
    this.#publisher = new ConfirmPublisher({
      state: () => this.#recovery.publishState,
      onMissingExchange: () => this.#recovery.repair(),
    });
    const reader = createEventReader(topology.events);
    this.publish = createPublish({ topology, reader, publisher: this.#publisher });
    this.#host = options.createHost({
      publish: this.publish,
      log,
      onResults: (results) => {
        for (const result of results) this.#consumers.get(result.queue)?.accept(result);
      },
    });
    this.#consumers = this.#createConsumers();
    this.#recovery = new Recovery({
      topology: () => topology,
      consumers: () => this.#consumers.values(),
      publisher: this.#publisher,
      log,
    });
  }

  /** Loads the handlers, before anything else; what is wrong with them, if anything. */
  async load(): Promise<readonly Problem[]> {
    const prepared = await this.#host.prepare(this.#options.topology);
    if (!prepared.ok) return prepared.problems;
    prepared.activate();
    return [];
  }

  /**
   * Applies the topology, connects and consumes; after `load`.
   *
   * @returns what was declared.
   * @throws {WarrenError} as `Recovery.start`.
   */
  start(): Promise<ApplyReport> {
    return this.#recovery.start();
  }

  /**
   * Finishes what is in flight and closes.
   *
   * @returns whether everything ended within the drain time.
   */
  async stop(): Promise<boolean> {
    this.#isStopping = true;
    const consumers = [...this.#consumers.values()];
    const { timeoutMs } = this.#options.topology.drain;
    const drained = await Promise.all(consumers.map((consumer) => consumer.drain(timeoutMs)));
    await this.#publisher.stop();
    await Promise.all([this.#recovery.stop(), this.#host.stop()]);
    return drained.every(Boolean);
  }

  /** The runner refuses new messages from now on; /readyz says so. */
  announceStop(): void {
    this.#isStopping = true;
  }

  trace(messageId: string): readonly TracedDelivery[] {
    return this.#trace.of(messageId);
  }

  status(): RunnerStatus {
    return {
      project: this.#options.topology.project,
      stopping: this.#isStopping,
      ...this.#recovery.status,
      queues: Object.fromEntries(
        [...this.#consumers].map(([name, { state, inFlight }]) => [
          name,
          { consumer: state, inFlight },
        ]),
      ),
    };
  }

  #createConsumers() {
    const { topology, log } = this.#options;
    let lastId = 0;
    const queues = Object.values(topology.queues).filter((queue) => queue.handler);
    return new Map(
      queues.map((queue) => {
        const consumer = new QueueConsumer({
          queue,
          project: topology.project,
          publisher: this.#publisher,
          deliver: (batch) => this.#host.deliver(batch),
          nextId: () => ++lastId,
          onLost: (lost, reason) => void this.#recovery.recover(lost, reason),
          repair: () => this.#recovery.repair(),
          trace: this.#trace,
          log,
        });
        return [queue.name, consumer];
      }),
    );
  }
}
