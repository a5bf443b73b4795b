/** The consumers of a runner: one for each queue with a handler, as the topology in force says. */
import { messageOf } from "../errors.ts";
import type { Queue, Topology } from "../topology.ts";
import { type ConsumerOptions, QueueConsumer } from "./consumer.ts";
import type { Result } from "./host/host.ts";
import type { RunnerStatus } from "./status.ts";

export type ConsumersOptions = Omit<ConsumerOptions, "queue" | "project" | "nextId"> & {
  /** A consumer has ended for good. */
  readonly onEnd: (consumer: QueueConsumer) => Promise<void>;
};

export class Consumers {
  readonly #options: ConsumersOptions;
  /** By queue. */
  readonly #consumers = new Map<string, QueueConsumer>();
  /** Of queues that the topology no longer has, until what they had begun has ended. */
  readonly #leaving = new Map<QueueConsumer, Promise<boolean>>();
  #lastId = 0;

  constructor(options: ConsumersOptions) {
    this.#options = options;
  }

  get all(): readonly QueueConsumer[] {
    return [...this.#consumers.values()];
  }

  get status(): RunnerStatus["queues"] {
    return Object.fromEntries(
      [...this.#consumers].map(([name, { state, inFlight }]) => [
        name,
        { consumer: state, inFlight },
      ]),
    );
  }

  /** Gives each result to the consumer whose delivery it is about. */
  accept(results: readonly Result[]): void {
    for (const result of results) {
      this.#consumers.get(result.queue)?.accept(result);
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
      void this.#refresh(consumer, queue);
      return [];
    });
    return { added, removed: removed.map(([name]) => name) };
  }

  /** @returns whether everything that ran has ended in time. */
  async drain(deadlineMs: number): Promise<boolean> {
    const drained = await Promise.all([
      ...this.all.map((consumer) => consumer.drain(deadlineMs)),
      ...this.#leaving.values(),
    ]);
    return drained.every(Boolean);
  }

  #add(queue: Queue, project: string): QueueConsumer {
    const nextId = () => ++this.#lastId;
    const consumer = new QueueConsumer({ ...this.#options, queue, project, nextId });
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
    const draining = consumer.drain(deadlineMs);
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
