/**
 * Keeps every queue consumed. They share one connection, but for those at which the broker ended it:
 * each of these gets one of its own, so that a queue which the broker can't serve, or which holds
 * what can't be read, stops the consuming of no other.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "../broker-connection.ts";
import { isLoss, isSilence } from "../connect.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import { backoffMs, ReconnectBackoff } from "./backoff.ts";
import type { QueueConsumer } from "./consumer.ts";

export type SubscriptionsOptions = {
  readonly consumers: () => Iterable<QueueConsumer>;
  /** The shared connection, or null while there is none. */
  readonly shared: () => BrokerConnection | null;
  /** Opens a connection for one queue. */
  readonly connect: (queue: string, signal: AbortSignal) => Promise<BrokerConnection>;
  /** Declares what is missing. */
  readonly verify: () => Promise<void>;
  readonly log: Log;
};

/** Of a queue with a connection of its own. */
type Apart = {
  readonly backoff: ReconnectBackoff;
  connection: BrokerConnection | null;
  /** Why the last one ended. */
  reason: string;
};

/** The first attempt to consume again after the broker ended a consumer, in milliseconds. */
const RESUBSCRIBE_MS = 250;

/** So many ends in a row are no accident. */
const TROUBLE = 3;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #stopped = new AbortController();
  /** Those whose consume waits for its answer on the shared connection. */
  readonly #opening = new Set<QueueConsumer>();
  readonly #recovering = new Set<QueueConsumer>();
  readonly #apart = new Map<QueueConsumer, Apart>();
  /** Ends of the shared connection, in a row, for something that any of its queues may hold. */
  #unexplained = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** In words: queues that the broker does not let be consumed. */
  get problems(): readonly string[] {
    return [...this.#apart]
      .filter(([{ state }, { backoff }]) => state === "down" && backoff.failures >= TROUBLE)
      .map(
        ([consumer, { reason }]) =>
          `every connection that consumes ${consumer.queue.name} ends with "${reason}": ` +
          (/INTERNAL.ERROR/.test(reason)
            ? "the broker may need room on its disk and a restart"
            : "its first message may be one that can't be read"),
      );
  }

  /** Consumes every queue on the new shared connection; resolves when each has been tried once. */
  async connected(connection: BrokerConnection): Promise<void> {
    void connection.ended.then((reason) => this.#sharedEnded(reason));
    const consumers = [...this.#options.consumers()].filter((one) => !this.#apart.has(one));
    await Promise.all(consumers.map((consumer) => this.#try(consumer, connection)));
  }

  /** Consumes a queue that is new; resolves when it has been tried once. */
  async add(consumer: QueueConsumer): Promise<void> {
    const shared = this.#options.shared();
    if (shared) await this.#try(consumer, shared);
    else void this.recover(consumer, "there is no connection");
  }

  /** Of a consumer that has ended for good. */
  async remove(consumer: QueueConsumer): Promise<void> {
    const apart = this.#apart.get(consumer);
    this.#apart.delete(consumer);
    await apart?.connection?.close();
  }

  /** Consumes again as soon as the broker lets it. */
  async recover(consumer: QueueConsumer, reason: string): Promise<void> {
    if (this.#recovering.has(consumer)) return;
    this.#recovering.add(consumer);
    const { log } = this.#options;
    const queue = consumer.queue.name;
    let last = reason;
    try {
      for (let failures = 0; ; failures++) {
        await this.#pause(consumer, failures);
        if (this.#stopped.signal.aborted || consumer.state !== "down") return;
        const connection = await this.#connectionFor(consumer);
        // A new shared connection brings its subscription with it.
        if (!connection) continue;
        last = this.#apart.get(consumer)?.reason ?? last;
        log.warn({ queue, failures, reason: last }, "not consumed: trying again");
        try {
          await this.#subscribeAgain(consumer, connection);
          log.info({ queue, failures }, "consuming again");
          return;
        } catch (error) {
          last = messageOf(error);
        }
      }
    } finally {
      this.#recovering.delete(consumer);
    }
  }

  /** Ends the connections of single queues, and every attempt; stop the consumers before. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.#apart.values()].map(({ connection }) => connection?.close()));
  }

  async #try(consumer: QueueConsumer, shared: BrokerConnection): Promise<void> {
    try {
      await this.#subscribe(consumer, shared);
    } catch (error) {
      void this.recover(consumer, messageOf(error));
    }
  }

  async #pause(consumer: QueueConsumer, failures: number): Promise<void> {
    const apart = this.#apart.get(consumer);
    const ms = apart ? apart.backoff.nextMs() : RESUBSCRIBE_MS + backoffMs(failures);
    await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  async #connectionFor(consumer: QueueConsumer): Promise<BrokerConnection | null> {
    const apart = this.#apart.get(consumer);
    if (!apart) return this.#options.shared();
    return apart.connection ?? (await this.#connectApart(consumer, apart));
  }

  async #subscribeAgain(consumer: QueueConsumer, connection: BrokerConnection): Promise<void> {
    await this.#options.verify();
    if (this.#apart.has(consumer)) await consumer.subscribe(connection);
    else await this.#subscribe(consumer, connection);
  }

  async #subscribe(consumer: QueueConsumer, shared: BrokerConnection): Promise<void> {
    this.#opening.add(consumer);
    try {
      await consumer.subscribe(shared);
    } finally {
      this.#opening.delete(consumer);
    }
  }

  #sharedEnded(reason: Error): void {
    if (isLoss(reason)) {
      this.#unexplained = 0;
      return;
    }
    if (this.#opening.size > 0) {
      for (const consumer of this.#opening) this.#setApart(consumer, reason);
      return;
    }
    this.#unexplained += 1;
    if (this.#unexplained < 2) return;
    for (const consumer of this.#options.consumers()) this.#setApart(consumer, reason);
  }

  #setApart(consumer: QueueConsumer, { message }: Error): void {
    if (this.#apart.has(consumer)) return;
    this.#apart.set(consumer, {
      backoff: new ReconnectBackoff(),
      connection: null,
      reason: message,
    });
    const { log } = this.#options;
    log.warn({ queue: consumer.queue.name, reason: message }, "queue gets its own connection");
  }

  async #connectApart(consumer: QueueConsumer, apart: Apart): Promise<BrokerConnection | null> {
    const { connect } = this.#options;
    try {
      const connection = await connect(consumer.queue.name, this.#stopped.signal);
      const bornAt = performance.now();
      apart.connection = connection;
      void connection.ended.then((reason) => {
        apart.connection = null;
        apart.reason = reason.message;
        apart.backoff.lost(reason, performance.now() - bornAt);
        this.#forget(consumer, isLoss(reason));
      });
      return connection;
    } catch (error) {
      apart.reason = messageOf(error);
      apart.backoff.failed(error);
      this.#forget(consumer, isSilence(error));
      return null;
    }
  }

  /** Once the broker was away it may be well again: the queue goes back to the others. */
  #forget(consumer: QueueConsumer, wasAway: boolean): void {
    if (wasAway) this.#apart.delete(consumer);
  }
}
