/** Owns everything that runs: two connections, the publisher, a consumer for each queue. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ApplyReport, applyTopology } from "../apply/apply.ts";
import { blockedError, formatReport } from "../apply/report.ts";
import { type BrokerConnection, connectBroker } from "../connect.ts";
import { messageOf, type Problem } from "../errors.ts";
import { createEventReader } from "../events/reader.ts";
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";
import { backoffMs, SupervisedConnection } from "./connection.ts";
import { QueueConsumer } from "./consumer.ts";
import type { HandlerHost, HostPorts } from "./host/host.ts";
import { createPublish, type Published, type PublishRequest } from "./publish.ts";
import { ConfirmPublisher } from "./publisher.ts";
import type { RunnerStatus } from "./status.ts";
import { Trace, type TracedDelivery } from "./trace.ts";

export type RunnerOptions = {
  readonly topology: Topology;
  readonly createHost: (ports: HostPorts) => HandlerHost;
  readonly log: Log;
};

/** The first attempt to consume again after the broker ended a consumer, in milliseconds. */
const RESUBSCRIBE_MS = 250;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #publishLink: SupervisedConnection;
  readonly #consumeLink: SupervisedConnection;
  readonly #publisher: ConfirmPublisher;
  readonly #host: HandlerHost;
  readonly #consumers: ReadonlyMap<string, QueueConsumer>;
  readonly #trace = new Trace();
  readonly #recovering = new Set<QueueConsumer>();
  #topologyState: RunnerStatus["topology"] = "pending";
  #conflict: string | null = null;
  #verifying: Promise<void> | null = null;
  #isStopping = false;
  /** By HTTP and by handlers alike. */
  readonly publish: (request: PublishRequest) => Promise<Published>;

  constructor(options: RunnerOptions) {
    const { topology, log } = options;
    this.#options = options;
    this.#publisher = new ConfirmPublisher({
      state: () => this.#publishLink.state,
      onMissingExchange: () => this.#repair(),
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
    this.#publishLink = this.#supervise("publish", {
      onUp: async (connection) => {
        await this.#verifyAgain();
        this.#publisher.connected(connection);
      },
      onDown: () => this.#publisher.disconnected(),
    });
    this.#consumeLink = this.#supervise("consume", {
      onUp: async (connection) => {
        await this.#verifyAgain();
        const consumers = [...this.#consumers.values()];
        await Promise.all(consumers.map((consumer) => this.#subscribe(consumer, connection)));
      },
      onDown: () => undefined,
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
   * @throws {WarrenError} `conflict`, `missing-object`, `broker-refused` with the report as its
   *   message; `connection-failed`, `access-refused`, `unknown-exchange-type`.
   */
  async start(): Promise<ApplyReport> {
    const report = await applyTopology(this.#options.topology);
    if (!report.isDone) throw blockedError(report);
    this.#topologyState = "verified";
    // The connections that follow find what was just declared.
    this.#verifying = Promise.resolve();
    try {
      await this.#publishLink.start();
      await this.#consumeLink.start();
    } finally {
      this.#verifying = null;
    }
    return report;
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
    await Promise.all([this.#consumeLink.stop(), this.#publishLink.stop(), this.#host.stop()]);
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
      connections: { publish: this.#publishLink.state, consume: this.#consumeLink.state },
      topology: this.#topologyState,
      problems: this.#conflict === null ? [] : [this.#conflict],
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
          onLost: (lost, reason) => void this.#recover(lost, reason),
          repair: () => this.#repair(),
          trace: this.#trace,
          log,
        });
        return [queue.name, consumer];
      }),
    );
  }

  #supervise(
    name: "publish" | "consume",
    hooks: {
      readonly onUp: (connection: BrokerConnection) => Promise<void>;
      readonly onDown: () => void;
    },
  ): SupervisedConnection {
    const { log } = this.#options;
    return new SupervisedConnection({ name, connect: () => this.#connect(name), log, ...hooks });
  }

  #connect(purpose: string): Promise<BrokerConnection> {
    const { project, broker } = this.#options.topology;
    return connectBroker({ ...broker, name: `warren ${project} ${purpose}` });
  }

  /** One at a time, shared by those who want it at the same time. */
  #verifyAgain(): Promise<void> {
    this.#verifying ??= this.#verify().finally(() => {
      this.#verifying = null;
    });
    return this.#verifying;
  }

  /** A conflict is reported, and what is there is consumed all the same. */
  async #verify(): Promise<void> {
    const report = await applyTopology(this.#options.topology);
    const created = report.entries.filter(({ result }) => result === "created").length;
    this.#topologyState = report.isDone ? "verified" : "conflict";
    this.#conflict = report.isDone ? null : formatReport(report);
    const { log } = this.#options;
    if (!report.isDone) log.error({ report: this.#conflict }, "topology in conflict");
    else if (created > 0) log.warn({ created }, "topology declared again");
  }

  async #repair(): Promise<void> {
    try {
      await this.#verifyAgain();
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, "topology not verified");
    }
    await sleep(RESUBSCRIBE_MS);
  }

  async #subscribe(consumer: QueueConsumer, connection: BrokerConnection): Promise<void> {
    try {
      await consumer.subscribe(connection);
    } catch (error) {
      void this.#recover(consumer, messageOf(error));
    }
  }

  /** Consumes again as soon as the broker lets it; a new connection does it by itself. */
  async #recover(consumer: QueueConsumer, reason: string): Promise<void> {
    if (this.#recovering.has(consumer)) return;
    this.#recovering.add(consumer);
    const { log } = this.#options;
    const queue = consumer.queue.name;
    try {
      for (let failures = 0; !this.#isStopping; failures++) {
        await sleep(RESUBSCRIBE_MS + backoffMs(failures));
        if (consumer.state !== "down") return;
        const connection = this.#consumeLink.connection;
        if (!connection) continue;
        if (failures === 0) log.warn({ queue, reason }, "consumer lost");
        try {
          await this.#verifyAgain();
          await consumer.subscribe(connection);
          log.info({ queue, failures }, "consuming again");
          return;
        } catch (error) {
          log.warn({ queue, failures, reason: messageOf(error) }, "not consuming yet");
        }
      }
    } finally {
      this.#recovering.delete(consumer);
    }
  }
}
