/** The consumers of a runner: one for each queue with a handler, as the topology in force says. */
import { messageOf } from "../../errors.ts";
import type { Queue, Topology } from "../../topology.ts";
import type { Result } from "../host/host.ts";
import { StorePauses } from "../idempotency/store-pauses.ts";
import type { RunnerStatus } from "../status.ts";
import { type ConsumerOptions, QueueConsumer } from "./consumer.ts";

type Own = "queue" | "source" | "slots" | "isShut" | "project" | "nextId";

export type ConsumersOptions = Omit<ConsumerOptions, Own> & {
  /** A consumer has ended for good. */
  readonly onEnd: (consumer: QueueConsumer) => Promise<void>;
};

export class Consumers {
  readonly #options: ConsumersOptions;
  /** By queue. */
  readonly #consumers = new Map<string, QueueConsumer>();
  /** Beside a consumer the one that consumes what its queue was called before. */
  readonly #former = new Map<QueueConsumer, QueueConsumer>();
  /** Of queues that the topology no longer has, until what they had begun has ended. */
  readonly #leaving = new Map<QueueConsumer, Promise<boolean>>();
  readonly #storePauses = new StorePauses();
  #lastId = 0;

  constructor(options: ConsumersOptions) {
    this.#options = options;
  }

  get all(): readonly QueueConsumer[] {
    return [...this.#consumers.values()];
  }

  get status(): RunnerStatus["queues"] {
    return Object.fromEntries(
      [...this.#consumers].map(([name, { state, slots, duplicates }]) => [
        name,
        {
          consumer: state,
          pauses: slots.pausing.pauses,
          breaker: slots.breaker.state,
          inFlight: slots.taken,
          ...(duplicates === null ? {} : { duplicates }),
        },
      ]),
    );
  }

  /** Gives each result to the consumer whose delivery it is about. */
  accept(results: readonly Result[]): void {
    for (const result of results) {
      this.#consumers.get(result.queue)?.accept(result);
      for (const consumer of this.#former.values()) consumer.accept(result);
      for (const consumer of this.#leaving.keys()) consumer.accept(result);
    }
  }

  /**
   * Makes them those of another topology, at once. A consumer whose queue is in both keeps its
   * subscription; one whose queue is gone starts nothing new, and ends after what it has begun.
   *
   * @returns those that are new: they have to be subscribed.
   */
  adopt({ queues, project, drain }: Topology): {
    readonly added: readonly QueueConsumer[];
    readonly removed: readonly string[];
  } {
    const wanted = Object.values(queues).filter((queue) => queue.handler);
    const names = new Set(wanted.map(({ name }) => name));
    const removed = [...this.#consumers].filter(([name]) => !names.has(name));
    for (const [name, consumer] of removed) {
      this.#consumers.delete(name);
      this.#leaving.set(consumer, this.#dismiss(consumer, drain.timeoutMs));
    }
    const added = wanted.flatMap((queue) => {
      const consumer = this.#consumers.get(queue.name);
      if (!consumer) return [this.#add(queue, project)];
      for (const one of this.#withFormer(consumer)) void this.#refresh(one, queue);
      return [];
    });
    this.heedStore();
    return { added, removed: removed.map(([name]) => name) };
  }

  /** The store by which messages are handled once may have gone, or come back. */
  heedStore(): void {
    const { store, reason } = this.#options.once.claims.status;
    const why = reason === null ? null : `the idempotency store ${store} is away: ${reason}`;
    this.#storePauses.apply(this.all, why);
  }

  /**
   * Adds one that consumes what the queue of another was called before, until `closeFormer`.
   *
   * @returns null if the other has ended.
   */
  openFormer(consumer: QueueConsumer, source: string): QueueConsumer | null {
    if (consumer.state === "stopped") return null;
    const former = consumer.beside(source);
    this.#former.set(consumer, former);
    return former;
  }

  /** Ends it after what it has begun. */
  async closeFormer(consumer: QueueConsumer, deadlineMs: number): Promise<void> {
    await this.#former.get(consumer)?.drain(deadlineMs);
    this.#former.delete(consumer);
  }

  /** @returns whether everything that ran has ended in time. */
  async drain(deadlineMs: number): Promise<boolean> {
    const drained = await Promise.all([
      ...this.all.map((consumer) => this.#drain(consumer, deadlineMs)),
      ...this.#leaving.values(),
    ]);
    return drained.every(Boolean);
  }

  #withFormer(consumer: QueueConsumer): readonly QueueConsumer[] {
    const former = this.#former.get(consumer);
    return former ? [consumer, former] : [consumer];
  }

  async #drain(consumer: QueueConsumer, deadlineMs: number): Promise<boolean> {
    const parts = this.#withFormer(consumer);
    const drained = await Promise.all(parts.map((part) => part.drain(deadlineMs)));
    return drained.every(Boolean);
  }

  #add(queue: Queue, project: string): QueueConsumer {
    const nextId = () => ++this.#lastId;
    // What it was is drained first: only so its messages keep their order.
    const isShut = queue.ordered && queue.was !== null;
    const consumer = new QueueConsumer({ ...this.#options, queue, isShut, project, nextId });
    this.#consumers.set(queue.name, consumer);
    return consumer;
  }

  async #refresh(consumer: QueueConsumer, queue: Queue): Promise<void> {
    try {
      await consumer.refresh(queue);
    } catch (error) {
      const facts = { queue: queue.name, reason: messageOf(error) };
      this.#options.log.warn(facts, "not subscribed with the new prefetch");
    }
  }

  async #dismiss(consumer: QueueConsumer, deadlineMs: number): Promise<boolean> {
    const draining = this.#drain(consumer, deadlineMs);
    const { name: queue } = consumer.queue;
    const messages = await consumer.countWaiting();
    this.#options.log.warn({ queue, messages }, "queue is consumed no longer: it has no handler");
    const isDrained = await draining;
    this.#leaving.delete(consumer);
    await this.#options.onEnd(consumer);
    this.#options.log.info({ queue, drained: isDrained }, "consumer ended");
    return isDrained;
  }
}
