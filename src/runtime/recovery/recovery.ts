/**
 * Keeps up what lies between the runner and its broker: two connections, the topology, and the
 * subscriptions. Whatever is lost is brought back, and said meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApplyReport } from "../../apply/change/results.ts";
import type { BrokerConnection } from "../../broker-connection.ts";
import { connectBroker } from "../../connect.ts";
import { messageOf, type Problem } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import type { QueueConsumer } from "../consume/consumer.ts";
import type { Consumers } from "../consume/consumers.ts";
import type { ConfirmPublisher } from "../publish/publisher.ts";
import type { ConnectionState, RunnerStatus } from "../status.ts";
import { SupervisedConnection } from "./connection.ts";
import { Declaring, type DeclaringOptions } from "./declaring.ts";
import { Formers } from "./formers.ts";
import { Subscriptions } from "./subscriptions.ts";

export type RecoveryOptions = Omit<DeclaringOptions, "signal"> & {
  readonly consumers: () => Consumers;
  readonly publisher: ConfirmPublisher;
};

/** After an attempt to declare what is missing, in milliseconds. */
const REPAIR_MS = 250;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #declaring: Declaring;
  readonly #publishLink: SupervisedConnection;
  readonly #consumeLink: SupervisedConnection;
  readonly #subscriptions: Subscriptions;
  readonly #formers: Formers;
  readonly #stopped = new AbortController();
  readonly #open = new Set<BrokerConnection>();
  /** Each queue has been tried once on the shared connection. */
  #firstTries: Promise<void> = Promise.resolve();

  constructor(options: RecoveryOptions) {
    const { publisher, consumers, log } = options;
    this.#options = options;
    this.#declaring = new Declaring({ ...options, signal: this.#stopped.signal });
    this.#publishLink = this.#supervise("publish", {
      onUp: async (connection) => {
        await this.#verify();
        publisher.connected(connection);
      },
      onDown: (reason) => publisher.disconnected(reason),
    });
    this.#consumeLink = this.#supervise("consume", {
      onUp: async (connection) => {
        await this.#verify();
        // Not waited for: one queue that does not answer must not keep the others waiting.
        this.#firstTries = this.#subscriptions.connected(connection);
        this.#formers.look();
      },
      onDown: () => undefined,
    });
    this.#subscriptions = new Subscriptions({
      consumers: () => consumers().all,
      shared: () => this.#consumeLink.connection,
      connect: (queue, signal) => this.#connect(`consume ${queue}`, signal),
      verify: () => this.#verify(),
      log,
    });
    this.#formers = new Formers({
      consumers,
      shared: () => this.#consumeLink.connection,
      connect: (queue) => this.#connect(`consume ${queue}`, this.#stopped.signal),
      consume: (consumer) => this.#subscriptions.add(consumer),
      drainMs: () => this.#options.topology().drain.timeoutMs,
      log,
    });
  }

  get publishState(): ConnectionState {
    return this.#publishLink.state;
  }

  get status(): Declaring["status"] & Pick<RunnerStatus, "connections"> {
    const { problems, ...declaring } = this.#declaring.status;
    return {
      connections: { publish: this.#publishLink.status, consume: this.#consumeLink.status },
      ...declaring,
      problems: [
        ...problems,
        ...this.#subscriptions.problems,
        ...this.#formers.problems,
        ...this.#options.publisher.problems,
      ],
    };
  }

  /**
   * Applies the topology, connects and consumes; here nothing is retried.
   *
   * @returns what was declared; null: nothing is, ever.
   * @throws {WarrenError} as `Declaring.start`.
   */
  async start(): Promise<ApplyReport | null> {
    const report = await this.#declaring.start(async () => {
      await this.#publishLink.start();
      await this.#consumeLink.start();
    });
    await this.#firstTries;
    return report;
  }

  /** Declares what another topology wants; what is in its way, if anything. */
  apply(topology: Topology): Promise<readonly Problem[]> {
    return this.#declaring.apply(topology);
  }

  /** Consumes a queue that is new; resolves when it has been tried once. */
  consume(consumer: QueueConsumer): Promise<void> {
    return this.#subscriptions.add(consumer);
  }

  /** Another topology is in force. */
  adopted(): void {
    this.#formers.look();
  }

  /** A consumer has ended for good. */
  async forget(consumer: QueueConsumer): Promise<void> {
    await this.#formers.remove(consumer);
    await this.#subscriptions.remove(consumer);
  }

  /** Ends the connections for good, and every attempt to bring something back. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const parts = [this.#formers, this.#subscriptions, this.#consumeLink, this.#publishLink];
    await Promise.all(parts.map((part) => part.stop()));
  }

  /** Ends at once what `stop` ends in good order: what was not acknowledged goes back to its queue. */
  destroy(): void {
    void this.stop();
    for (const connection of this.#open) connection.destroy("out of time");
  }

  /** Declares what is missing; resolves, after a while, whether or not it could. */
  async repair(): Promise<void> {
    try {
      await this.#verify();
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, "topology not verified");
    }
    await sleep(REPAIR_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  /** Consumes again as soon as the broker lets it. */
  recover(consumer: QueueConsumer, reason: string): Promise<void> {
    return this.#subscriptions.recover(consumer, reason);
  }

  async #verify(): Promise<void> {
    await this.#declaring.verify();
    for (const consumer of this.#options.consumers().all) consumer.rebind();
  }

  #supervise(
    name: "publish" | "consume",
    hooks: {
      readonly onUp: (connection: BrokerConnection) => Promise<void>;
      readonly onDown: (reason: Error) => void;
    },
  ): SupervisedConnection {
    const { log } = this.#options;
    const connect = (signal: AbortSignal) => this.#connect(name, signal);
    return new SupervisedConnection({ name, connect, log, ...hooks });
  }

  async #connect(purpose: string, signal: AbortSignal): Promise<BrokerConnection> {
    const { project, broker } = this.#options.topology();
    const name = `warren ${project} ${purpose}`;
    const connection = await connectBroker({ ...broker, name, signal });
    this.#open.add(connection);
    void connection.ended.then(() => this.#open.delete(connection));
    return connection;
  }
}
