/** How the messages of a queue come in: over one subscription at a time, renewed and left in good order. */
import type { ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel } from "../broker-connection.ts";
import type { Queue } from "../topology.ts";
import { Subscription } from "./subscription.ts";

export type IntakeOptions = {
  readonly project: string;
  /** As the topology in force says it. */
  readonly queue: () => Queue;
  readonly onMessage: (raw: ConsumeMessage, from: Subscription) => void;
  /** A subscription is over, and the broker has again what it had brought. */
  readonly onEnd: (ended: Subscription, reason: string) => void;
};

export class Intake {
  readonly #options: IntakeOptions;
  #subscription: Subscription | null = null;
  #isSubscribing = false;
  #isClosed = false;
  /** A subscription that had brought messages was lost, and no other has come since. */
  #isInDoubt = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** `starting`: the broker has not confirmed the consumer yet. */
  get state(): "starting" | "live" | "down" {
    if (!this.#subscription) return "down";
    return this.#subscription.isConsuming ? "live" : "starting";
  }

  /** @throws {Error} when the broker refuses: no such queue, no permission. */
  async subscribe(connection: BrokerConnection): Promise<void> {
    if (this.#isClosed || this.#isSubscribing || this.#subscription) return;
    this.#isSubscribing = true;
    try {
      await this.#subscribe(connection);
      await this.#renew();
    } finally {
      this.#isSubscribing = false;
    }
  }

  /** Subscribes again where the queue has another prefetch by now. */
  async refresh(): Promise<void> {
    if (this.#isSubscribing) return;
    this.#isSubscribing = true;
    try {
      await this.#renew();
    } finally {
      this.#isSubscribing = false;
    }
  }

  /** Subscribes no more; what lives goes on. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Ends what lives, once everything that ran is settled; see `Subscription`.
   *
   * @returns whether the broker has confirmed it: of what was lost, and is not back, nobody knows.
   */
  async leave(unstarted: () => readonly ConsumeMessage[]): Promise<boolean> {
    return this.#subscription ? await this.#subscription.leave(unstarted) : !this.#isInDoubt;
  }

  /** Messages that wait in the queue; null while nobody can tell. */
  async countReady(): Promise<number | null> {
    return this.#subscription ? await this.#subscription.countReady() : null;
  }

  async #subscribe(connection: BrokerConnection): Promise<void> {
    const channel = await connection.createChannel();
    if (this.#isClosed) {
      await closeChannel(channel, connection);
      return;
    }
    const { project, queue, onMessage } = this.#options;
    this.#subscription = new Subscription({
      connection,
      channel,
      project,
      queue,
      onMessage,
      onEnd: (subscription, reason) => this.#end(subscription, reason),
    });
    await this.#subscription.consume();
    this.#isInDoubt = false;
  }

  async #renew(): Promise<void> {
    while (!this.#isClosed && this.#subscription?.isOutdated) await this.#subscription.renew();
  }

  #end(subscription: Subscription, reason: string): void {
    this.#subscription = null;
    this.#isInDoubt ||= subscription.hasBrought;
    this.#options.onEnd(subscription, reason);
  }
}
