/** The connection of one queue that must not share one: see `Subscriptions`. */
import type { BrokerConnection } from "../../broker-connection.ts";
import { isLoss, isSilence } from "../../connect.ts";
import { messageOf } from "../../errors.ts";
import { ReconnectBackoff } from "../backoff.ts";

export type OwnConnectionOptions = {
  /** Why the queue has been set apart. */
  readonly reason: string;
  readonly connect: () => Promise<BrokerConnection>;
  /** The broker was away, and may be well again: the queue can go back to the others. */
  readonly onAway: () => void;
};

/** A connection that held so long shows that the queue is well again, in milliseconds. */
const CALM_MS = 5_000;

/** So many ends in a row are no accident. */
const TROUBLE = 3;

export class OwnConnection {
  readonly #options: OwnConnectionOptions;
  readonly #backoff = new ReconnectBackoff(CALM_MS);
  #connection: BrokerConnection | null = null;
  #bornAt = 0;
  #reason: string;
  #isClosed = false;

  constructor(options: OwnConnectionOptions) {
    this.#options = options;
    this.#reason = options.reason;
  }

  /** Why the last one ended, or could not be opened. */
  get reason(): string {
    return this.#reason;
  }

  /** It has ended too often, and has not held since. */
  get isInTrouble(): boolean {
    const holds = this.#connection !== null && performance.now() - this.#bornAt > CALM_MS;
    return this.#backoff.failures >= TROUBLE && !holds;
  }

  /** Milliseconds until the next attempt. */
  nextMs(): number {
    return this.#backoff.nextMs();
  }

  /** @returns null when it can't be had now. */
  async open(): Promise<BrokerConnection | null> {
    if (this.#connection) return this.#connection;
    try {
      const connection = await this.#options.connect();
      this.#connection = connection;
      this.#bornAt = performance.now();
      void connection.ended.then((reason) => this.#ended(reason));
      if (this.#isClosed) await connection.close();
      return this.#connection;
    } catch (error) {
      this.#reason = messageOf(error);
      this.#backoff.failed(error);
      if (isSilence(error)) this.#options.onAway();
      return null;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }

  #ended(reason: Error): void {
    this.#connection = null;
    this.#reason = reason.message;
    this.#backoff.lost(reason, performance.now() - this.#bornAt);
    if (isLoss(reason)) this.#options.onAway();
  }
}
