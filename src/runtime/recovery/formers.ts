/** What queues were called before: one look-out for each consumer whose queue says so. */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Log } from "../../handler.ts";
import type { QueueConsumer } from "../consume/consumer.ts";
import type { Consumers } from "../consume/consumers.ts";
import { Former } from "./former.ts";

export type FormersOptions = {
  readonly consumers: () => Consumers;
  /** The connection that the queues share, or null while there is none. */
  readonly shared: () => BrokerConnection | null;
  /** Opens a connection for one queue. */
  readonly connect: (queue: string) => Promise<BrokerConnection>;
  /** An ordered queue has waited for what it was: now it is to be consumed. */
  readonly consume: (consumer: QueueConsumer) => Promise<void>;
  readonly drainMs: () => number;
  readonly log: Log;
};

export class Formers {
  readonly #options: FormersOptions;
  readonly #formers = new Map<QueueConsumer, Former>();

  constructor(options: FormersOptions) {
    this.#options = options;
  }

  /** In words: what ordered queues wait for. */
  get problems(): readonly string[] {
    return [...this.#formers.values()].flatMap(({ problem }) => problem ?? []);
  }

  /** There is a connection, or another topology. */
  look(): void {
    for (const former of this.#formers.values()) former.look();
    for (const consumer of this.#options.consumers().all) {
      if (consumer.queue.was === null || this.#formers.has(consumer)) continue;
      this.#formers.set(consumer, this.#follow(consumer));
    }
  }

  /** Of a consumer that has ended for good. */
  async remove(consumer: QueueConsumer): Promise<void> {
    const former = this.#formers.get(consumer);
    this.#formers.delete(consumer);
    await former?.stop();
  }

  /** Stop the consumers before. */
  async stop(): Promise<void> {
    await Promise.all([...this.#formers.values()].map((former) => former.stop()));
  }

  #follow(consumer: QueueConsumer): Former {
    const { consumers, consume, drainMs, ...others } = this.#options;
    return new Former({
      ...others,
      consumer,
      openConsumer: (source) => consumers().openFormer(consumer, source),
      closeConsumer: () => consumers().closeFormer(consumer, drainMs()),
      onDrained: () => {
        consumer.open();
        void consume(consumer);
      },
    });
  }
}
