/**
 * Keeps up what lies between the runner and its broker: two connections, the topology, and a
 * subscription of each consumer. Whatever is lost is brought back here, and said meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type ApplyReport, applyTopology } from "../apply/apply.ts";
import { blockedError, formatReport } from "../apply/report.ts";
import type { BrokerConnection } from "../broker-connection.ts";
import { connectBroker } from "../connect.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";
import { backoffMs } from "./backoff.ts";
import { SupervisedConnection } from "./connection.ts";
import type { QueueConsumer } from "./consumer.ts";
import type { ConfirmPublisher } from "./publisher.ts";
import type { ConnectionState, RunnerStatus } from "./status.ts";

export type RecoveryOptions = {
  /** The one that is in force now. */
  readonly topology: () => Topology;
  readonly consumers: () => Iterable<QueueConsumer>;
  readonly publisher: ConfirmPublisher;
  readonly log: Log;
};

/** The first attempt to consume again after the broker ended a consumer, in milliseconds. */
const RESUBSCRIBE_MS = 250;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #publishLink: SupervisedConnection;
  readonly #consumeLink: SupervisedConnection;
  readonly #recovering = new Set<QueueConsumer>();
  readonly #stopped = new AbortController();
  #topologyState: RunnerStatus["topology"] = "pending";
  #conflict: string | null = null;
  #verifying: Promise<void> | null = null;

  constructor(options: RecoveryOptions) {
    const { publisher, consumers } = options;
    this.#options = options;
    this.#publishLink = this.#supervise("publish", {
      onUp: async (connection) => {
        await this.#verifyAgain();
        publisher.connected(connection);
      },
      onDown: () => publisher.disconnected(),
    });
    this.#consumeLink = this.#supervise("consume", {
      onUp: async (connection) => {
        await this.#verifyAgain();
        const all = [...consumers()];
        await Promise.all(all.map((consumer) => this.#subscribe(consumer, connection)));
      },
      onDown: () => undefined,
    });
  }

  get publishState(): ConnectionState {
    return this.#publishLink.state;
  }

  get status(): Pick<RunnerStatus, "connections" | "topology" | "problems"> {
    return {
      connections: { publish: this.#publishLink.status, consume: this.#consumeLink.status },
      topology: this.#topologyState,
      problems: this.#conflict === null ? [] : [this.#conflict],
    };
  }

  /**
   * Applies the topology, connects and consumes; here nothing is retried.
   *
   * @returns what was declared.
   * @throws {WarrenError} `conflict`, `missing-object`, `broker-refused` with the report as its
   *   message; `connection-failed`, `access-refused`, `unknown-exchange-type`.
   */
  async start(): Promise<ApplyReport> {
    const report = await applyTopology(this.#options.topology(), this.#stopped.signal);
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

  /** Ends both connections for good, and every attempt to bring something back. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#consumeLink.stop(), this.#publishLink.stop()]);
  }

  /** Declares what is missing; resolves, after a while, whether or not it could. */
  async repair(): Promise<void> {
    try {
      await this.#verifyAgain();
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, "topology not verified");
    }
    await this.#pause(RESUBSCRIBE_MS);
  }

  /** Consumes again as soon as the broker lets it; a new connection does it by itself. */
  async recover(consumer: QueueConsumer, reason: string): Promise<void> {
    if (this.#recovering.has(consumer)) return;
    this.#recovering.add(consumer);
    const { log } = this.#options;
    const queue = consumer.queue.name;
    try {
      for (let failures = 0; ; failures++) {
        await this.#pause(RESUBSCRIBE_MS + backoffMs(failures));
        if (this.#stopped.signal.aborted || consumer.state !== "down") return;
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

  #supervise(
    name: "publish" | "consume",
    hooks: {
      readonly onUp: (connection: BrokerConnection) => Promise<void>;
      readonly onDown: () => void;
    },
  ): SupervisedConnection {
    const { log, topology } = this.#options;
    const connect = (signal: AbortSignal) => {
      const { project, broker } = topology();
      return connectBroker({ ...broker, name: `warren ${project} ${name}`, signal });
    };
    return new SupervisedConnection({ name, connect, log, ...hooks });
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
    const report = await applyTopology(this.#options.topology(), this.#stopped.signal);
    const created = report.entries.filter(({ result }) => result === "created").length;
    this.#topologyState = report.isDone ? "verified" : "conflict";
    this.#conflict = report.isDone ? null : formatReport(report);
    const { log } = this.#options;
    if (!report.isDone) log.error({ report: this.#conflict }, "topology in conflict");
    else if (created > 0) log.warn({ created }, "topology declared again");
  }

  async #subscribe(consumer: QueueConsumer, connection: BrokerConnection): Promise<void> {
    try {
      await consumer.subscribe(connection);
    } catch (error) {
      void this.recover(consumer, messageOf(error));
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}
