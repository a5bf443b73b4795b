/**
 * Keeps every queue consumed. They share one connection, but for those at which the broker ended it:
 * each of these gets one of its own, so that a queue which the broker can't serve, or which holds
 * what can't be read, stops the consuming of no other.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "../../broker-connection.ts";
import { isLoss } from "../../connect.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { backoffMs } from "../backoff.ts";
import type { QueueConsumer } from "../consume/consumer.ts";
import { OwnConnection } from "./own-connection.ts";

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

/** The first attempt to consume again after the broker ended a consumer, in milliseconds. */
const RESUBSCRIBE_MS = 250;

/** Of the refusal of a queue that is exclusive to another connection. */
const LOCKED = /RESOURCE.LOCKED/;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #stopped = new AbortController();
  /** Those whose consume waits for its answer on the shared connection. */
  readonly #opening = new Set<QueueConsumer>();
  /** Each with why it was not consumed when it was last tried. */
  readonly #recovering = new Map<QueueConsumer, string>();
  readonly #apart = new Map<QueueConsumer, OwnConnection>();
  /** Ends of the shared connection, in a row, for something that any of its queues may hold. */
  #unexplained = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** In words: queues that the broker does not let be consumed. */
  get problems(): readonly string[] {
    const locked = [...this.#recovering]
      .filter(([{ queue }, reason]) => queue.exclusive && LOCKED.test(reason))
      .map(
        ([{ queue }]) =>
          `queue ${queue.name} is exclusive, and another connection has it, or it was declared ` +
          "without: it is consumed here once that is gone",
      );
    const apart = [...this.#apart]
      .filter(([, own]) => own.isInTrouble)
      .map(
        ([consumer, { reason }]) =>
          `every connection that consumes ${consumer.queue.name} ends with "${reason}": ` +
          (/INTERNAL.ERROR/.test(reason)
            ? "the broker may need room on its disk and a restart"
            : "its first message may be one that can't be read"),
      );
    return [...locked, ...apart];
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
    const own = this.#apart.get(consumer);
    this.#apart.delete(consumer);
    await own?.close();
  }

  /** Consumes again as soon as the broker lets it. */
  async recover(consumer: QueueConsumer, reason: string): Promise<void> {
    if (this.#recovering.has(consumer)) return;
    this.#recovering.set(consumer, reason);
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
          // Who waits for another to go has nothing to declare.
          if (!LOCKED.test(last)) await this.#options.verify();
          await this.#subscribeAgain(consumer, connection);
          // It may have been lost once more meanwhile, and nobody else would see to it.
          if (consumer.state === "down") continue;
          if (consumer.state !== "stopped") log.info({ queue, failures }, "consuming again");
          return;
        } catch (error) {
          last = messageOf(error);
          this.#recovering.set(consumer, last);
        }
      }
    } finally {
      this.#recovering.delete(consumer);
    }
  }

  /** Ends the connections of single queues, and every attempt; stop the consumers before. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.#apart.values()].map((own) => own.close()));
  }

  async #try(consumer: QueueConsumer, shared: BrokerConnection): Promise<void> {
    try {
      await this.#subscribe(consumer, shared);
    } catch (error) {
      void this.recover(consumer, messageOf(error));
    }
  }

  async #pause(consumer: QueueConsumer, failures: number): Promise<void> {
    const ms = this.#apart.get(consumer)?.nextMs() ?? RESUBSCRIBE_MS + backoffMs(failures);
    await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  async #connectionFor(consumer: QueueConsumer): Promise<BrokerConnection | null> {
    const own = this.#apart.get(consumer);
    return own ? await own.open() : this.#options.shared();
  }

  async #subscribeAgain(consumer: QueueConsumer, connection: BrokerConnection): Promise<void> {
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
    const { log, connect } = this.#options;
    const { name } = consumer.queue;
    const own = new OwnConnection({
      reason: message,
      connect: () => connect(name, this.#stopped.signal),
      onAway: () => this.#apart.delete(consumer),
    });
    this.#apart.set(consumer, own);
    log.warn({ queue: name, reason: message }, "queue gets its own connection");
  }
}
