/** Runs declarations on several channels at once, one operation at a time on each. */
import type { Channel } from "amqplib";
import { type BrokerConnection, closeChannel, withDeadline } from "../../broker-connection.ts";

/**
 * How many operations are under way at once. A thousand queues and bindings took 0.43 of the time of
 * one channel with 8, 0.24 with 16, 0.20 with 32 and 0.16 with 64; a user may be limited to fewer
 * than 64 channels.
 */
const WIDTH = 32;

/** The broker's refusal of one operation: it closed the channel, and the next one gets a new one. */
export type Refusal = { readonly code: number; readonly text: string };

export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export type Operate = <T>(
  what: string,
  operation: (channel: Channel) => Promise<T>,
) => Promise<Attempt<T>>;

/**
 * Calls `visit` for every item, `WIDTH` at a time; the results are in the items' order.
 *
 * @throws {Error} when the connection ends, or an answer is late.
 */
export async function onChannels<Item, Result>(
  connection: BrokerConnection,
  items: readonly Item[],
  visit: (item: Item, operate: Operate) => Promise<Result>,
): Promise<Result[]> {
  const channels = new Channels(connection);
  const results = await channels.each(items, visit);
  await channels.close();
  return results;
}

/** The channels of a connection, which stay open from one use to the next. */
export class Channels {
  readonly #connection: BrokerConnection;
  readonly #channels: OwnChannel[] = [];

  constructor(connection: BrokerConnection) {
    this.#connection = connection;
  }

  /** As `onChannels`; one use at a time. */
  async each<Item, Result>(
    items: readonly Item[],
    visit: (item: Item, operate: Operate) => Promise<Result>,
  ): Promise<Result[]> {
    const results: Result[] = new Array(items.length);
    const remaining = items.entries();
    const work = async (channel: OwnChannel) => {
      // All of them share one iterator, so each item is taken once.
      for (const [index, item] of remaining) {
        results[index] = await visit(item, (what, operation) => channel.operate(what, operation));
      }
    };
    // The other half is for what else goes over the connection.
    const allowed = Math.max(1, Math.floor(this.#connection.maxChannels / 2));
    const width = Math.min(WIDTH, items.length, allowed);
    while (this.#channels.length < width) this.#channels.push(new OwnChannel(this.#connection));
    await Promise.all(this.#channels.slice(0, width).map(work));
    return results;
  }

  async close(): Promise<void> {
    await Promise.all(this.#channels.map((channel) => channel.close()));
  }
}

/** A channel that is opened when it is needed, and again after a refusal has closed it. */
export class OwnChannel {
  readonly #connection: BrokerConnection;
  #channel: Channel | null = null;

  constructor(connection: BrokerConnection) {
    this.#connection = connection;
  }

  /**
   * One operation, after the one before it has ended.
   *
   * @throws {Error} when the connection ends, or the answer is late.
   */
  async operate<T>(what: string, run: (channel: Channel) => Promise<T>): Promise<Attempt<T>> {
    const channel = this.#channel ?? (await this.#connection.createChannel());
    this.#channel = channel;
    try {
      const value = await withDeadline(run(channel), what, this.#connection.destroy);
      return { ok: true, value };
    } catch (error) {
      this.#channel = null;
      const refusal = readRefusal(error);
      if (!refusal) throw error;
      return { ok: false, refusal };
    }
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = null;
    if (channel) await closeChannel(channel, this.#connection);
  }
}

/**
 * What a broker closed a channel over; null: the error is something else.
 *
 * `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - …"`. */
export function readRefusal(error: unknown): Refusal | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number")
    return null;
  const text = /with message "(?:[A-Z_]+ - )?(.*)"$/s.exec(error.message)?.[1] ?? error.message;
  return { code: error.code, text };
}
