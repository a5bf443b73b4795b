/** What every type of queue does, as channels and exchanges see it. */
import type { Memory } from "../model/memory.ts";
import type { Message } from "../model/message.ts";
import type { Table } from "../protocol/fields.ts";
import type { QueueType } from "./arguments.ts";
import type { Consumer } from "./consumers.ts";
import type { Entry } from "./entry.ts";

/**
 * How a consumer is done with a delivery.
 *
 * | how     | the message |
 * |---------|-------------|
 * | done    | is gone |
 * | back    | goes back, uncounted (`basic.nack`, `basic.recover`) |
 * | failed  | goes back, counted towards the delivery limit (`basic.reject`, or its channel has ended) |
 * | unwanted | is dead, as `rejected`, uncounted (`basic.nack`) |
 * | refused | is dead, as `rejected`, counted (`basic.reject`) |
 */
export type Settlement = "done" | "back" | "failed" | "unwanted" | "refused";

/** A delivery that is not settled. */
export type Unsettled = {
  readonly entry: Entry;
  /** null: it was got. */
  readonly consumer: Consumer | null;
};

/** The connection that has a queue for itself. */
export type Owner = object;

export type QueueIdentity = {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly owner: Owner | null;
  readonly arguments: Table;
};

export type QueueCounts = {
  readonly ready: number;
  readonly unacknowledged: number;
  /** Dead letters that wait here for a queue to take them. */
  readonly held: number;
};

export type Queue = QueueIdentity & {
  readonly type: QueueType;
  readonly counts: QueueCounts;
  readonly consumerCount: number;
  /** Those that are not cancelled. */
  readonly consumers: readonly Consumer[];
  /** @returns false: it takes no more. */
  publish(message: Message): boolean;
  /**
   * @returns null when there is nothing.
   * @throws {AmqpError} 405, 540 where the type has no such thing.
   */
  get(): { readonly entry: Entry; readonly left: number } | null;
  /**
   * @param accepted called before the first delivery.
   * @throws {AmqpError} 403 where an exclusive consumer is in the way, 406, 540.
   */
  consume(consumer: Consumer, args: Table, accepted: () => void): void;
  cancel(consumer: Consumer): void;
  /** A channel has ended: these were its consumers and its unsettled deliveries, the first one first. */
  release(consumers: readonly Consumer[], deliveries: readonly Unsettled[]): void;
  /** What it says of a delivery in headers. */
  annotate(entry: Entry): Table;
  /** All of one consumer, or of none: those that were got. The first one first. */
  settle(entries: readonly Entry[], how: Settlement, consumer: Consumer | null): void;
  /** Its connection takes bytes again. */
  wake(consumer: Consumer): void;
  /** @returns how many. @throws {AmqpError} 540 for a stream. */
  purge(): number;
  /** It has been used: its lease begins anew. */
  touch(): void;
  /** Its consumers are told, its messages are gone. */
  end(): void;
};

/** What a queue asks of the vhost that it is in. */
export type QueuePorts = {
  readonly memory: Memory;
  /** @returns the queues that took it, of those that it was routed to; null: there is no such exchange. */
  readonly publish: (
    exchange: string,
    message: Message,
    options: { readonly dropsCycles: boolean },
  ) => { readonly routed: number; readonly isAccepted: boolean } | null;
  readonly remove: () => void;
};
