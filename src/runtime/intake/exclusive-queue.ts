/**
 * A queue that is its connection's own. Whoever consumes it declares it there, and binds it, each time
 * before it is consumed; the broker deletes it, with what is in it, when the connection ends.
 */
import type { Channel } from "amqplib";
import { bindingId } from "../../apply/state/record.ts";
import { toFieldTable } from "../../apply/wire.ts";
import { type BrokerConnection, closeChannel, withDeadline } from "../../broker-connection.ts";
import type { Log } from "../../handler.ts";
import type { Binding, Queue } from "../../topology.ts";

export type ExclusiveQueueOptions = {
  /** As the topology in force says it; any other than an exclusive one is left as it is. */
  readonly queue: () => Queue;
  /** Those of the topology in force that lead to it. */
  readonly bindings: () => readonly Binding[];
  readonly log: Log;
};

export class ExclusiveQueue {
  readonly #options: ExclusiveQueueOptions;
  /** Whose it is; null: it is to be declared. */
  #connection: BrokerConnection | null = null;
  /** What was bound there, by `bindingId`. */
  readonly #bound = new Map<string, Binding>();
  /** What was bound may have gone with its exchange. */
  #isInDoubt = false;

  constructor(options: ExclusiveQueueOptions) {
    this.#options = options;
  }

  /** Whether the topology says other bindings by now. */
  get isOutdated(): boolean {
    if (!this.#options.queue().exclusive) return false;
    const wanted = this.#wanted();
    const isSame = wanted.size === this.#bound.size && [...wanted.keys()].every(this.#isBound);
    return this.#isInDoubt || !isSame;
  }

  /** Declares it and makes its bindings those of the topology. @throws {Error} when the broker refuses. */
  async declare(channel: Channel, connection: BrokerConnection): Promise<void> {
    const { name, exclusive, arguments: args } = this.#options.queue();
    if (!exclusive) return;
    const hasGone = this.#connection !== null && connection !== this.#connection;
    if (connection !== this.#connection) this.#bound.clear();
    this.#connection = connection;
    const table = toFieldTable(args);
    await channel.assertQueue(name, { exclusive: true, durable: false, arguments: table });
    if (hasGone) {
      const reason = "it had gone with its connection, and what was in it";
      this.#options.log.warn({ queue: name, reason }, "exclusive queue declared again");
    }
    this.#isInDoubt = false;
    const wanted = this.#wanted();
    for (const [id, binding] of wanted) {
      const { source, key, arguments: by } = binding;
      await channel.bindQueue(name, source, key, toFieldTable(by));
      this.#bound.set(id, binding);
    }
    for (const [id, { source, key, arguments: by }] of this.#bound) {
      if (wanted.has(id)) continue;
      await channel.unbindQueue(name, source, key, toFieldTable(by));
      this.#bound.delete(id);
    }
  }

  /** An exchange may have been declared again: what is bound is bound once more. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** Nobody consumes it here any more: it is not left to fill until its connection ends. */
  async remove(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    this.#connection = null;
    try {
      const channel = await connection.createChannel();
      // Refused if somebody has begun to consume it again; or it is gone.
      channel.on("error", () => undefined);
      const { name } = this.#options.queue();
      const removed = Promise.race([
        channel.deleteQueue(name, { ifUnused: true }),
        connection.ended,
      ]);
      await withDeadline(removed, `delete ${name}`, connection.destroy);
      await closeChannel(channel, connection);
    } catch {
      // It goes with its connection.
    }
  }

  readonly #isBound = (id: string) => this.#bound.has(id);

  #wanted(): ReadonlyMap<string, Binding> {
    return new Map(this.#options.bindings().map((binding) => [bindingId(binding), binding]));
  }
}
