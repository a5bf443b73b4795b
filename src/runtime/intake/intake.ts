/**
 * How the messages of a queue come in: over one subscription at a time, renewed, paused and left in
 * good order. What is wanted may change at any time; `#adjust` makes it so, one step after another.
 */
import type { ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel } from "../../broker-connection.ts";
import { messageOf } from "../../errors.ts";
import { ExclusiveQueue, type ExclusiveQueueOptions } from "./exclusive-queue.ts";
import { Subscription } from "./subscription.ts";

export type IntakeOptions = ExclusiveQueueOptions & {
  readonly project: string;
  readonly isPaused: () => boolean;
  /** Nothing runs whose acknowledgement would be lost with its channel. */
  readonly isIdle: () => boolean;
  readonly onMessage: (raw: ConsumeMessage, from: Subscription) => void;
  /** A paused queue brings nothing any more: what has not begun can be handed back. */
  readonly onPaused: () => void;
  /** A subscription is over, and the broker has again what it had brought. */
  readonly onEnd: (ended: Subscription) => void;
  /** Somebody has to subscribe. */
  readonly onDown: (reason: string) => void;
};

type Step = () => Promise<unknown>;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #exclusive: ExclusiveQueue;
  #subscription: Subscription | null = null;
  /** Where it subscribes; null: it was lost, or there was none yet. */
  #connection: BrokerConnection | null = null;
  #isBusy = false;
  #isClosed = false;
  /** It was paused, and is not consuming again yet. */
  #isResuming = false;
  /** A subscription that had brought messages was lost, and no other has come since. */
  #isInDoubt = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#exclusive = new ExclusiveQueue(options);
  }

  /** `starting`: the broker has not confirmed the consumer yet; `resuming`: likewise, after a pause. */
  get state(): "starting" | "resuming" | "live" | "down" {
    if (this.#subscription?.isConsuming) return "live";
    if (this.#isResuming) return "resuming";
    return this.#subscription ? "starting" : "down";
  }

  /** Whether the broker may bring messages. */
  get isConsuming(): boolean {
    return this.#subscription?.isConsuming ?? false;
  }

  /** Whether it has brought all that it may, and this alone keeps more from coming. */
  get isExhausted(): boolean {
    return this.#subscription?.isExhausted ?? false;
  }

  /** As much is sent again. */
  topUp(): void {
    this.#adjustSoon();
  }

  /**
   * Consumes over this connection, unless it does already; a paused one does so once it goes on, but
   * an exclusive queue is declared at once, so that messages can wait in it.
   *
   * @throws {Error} when the broker refuses: no such queue, no permission.
   */
  async subscribe(connection: BrokerConnection): Promise<void> {
    if (!this.#subscription) this.#connection = connection;
    await this.#adjust();
  }

  /** Subscribes again where the queue has another prefetch by now, and binds it if it is exclusive. */
  async refresh(): Promise<void> {
    await this.#adjust();
  }

  /** The queue is paused, or goes on; or all that ran has ended. */
  obey(): void {
    const isPaused = this.#options.isPaused();
    if (!isPaused && !this.#subscription && !this.#connection) {
      this.#options.onDown("it was paused while there was no connection");
      return;
    }
    this.#isResuming = !isPaused;
    this.#adjustSoon();
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

  /** Binds its queue once more, if it is exclusive: an exchange may have been declared again. */
  rebind(): void {
    this.#exclusive.doubt();
    this.#adjustSoon();
  }

  /** Deletes its queue, if it is exclusive; after `leave`. */
  async remove(): Promise<void> {
    await this.#exclusive.remove();
  }

  /** Messages that wait in the queue; null while nobody can tell. */
  async countReady(): Promise<number | null> {
    return this.#subscription ? await this.#subscription.countReady() : null;
  }

  #adjustSoon(): void {
    this.#adjust().catch((error: unknown) => this.#options.onDown(messageOf(error)));
  }

  async #adjust(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let step = this.#next(); step; step = this.#next()) await step();
    } finally {
      this.#isBusy = false;
    }
  }

  /** What is to be done first; null: all is as it should be, as far as can be. */
  #next(): Step | null {
    const subscription = this.#subscription;
    if (this.#isClosed) return null;
    if (this.#options.isPaused()) return this.#nextOfPause(subscription);
    if (!subscription) {
      const connection = this.#connection;
      return connection && (() => this.#open(connection));
    }
    if (!subscription.isConsuming) return () => this.#consume(subscription);
    if (subscription.isUnbound) return () => subscription.bind();
    return subscription.isOutdated || subscription.isExhausted ? () => subscription.renew() : null;
  }

  #nextOfPause(subscription: Subscription | null): Step | null {
    const connection = this.#connection;
    if (!subscription && connection && this.#options.queue().exclusive) {
      return () => this.#open(connection);
    }
    if (!subscription?.isConsuming) return null;
    if (subscription.isCancellable) {
      return async () => {
        await subscription.cancel();
        if (subscription.isLive) this.#options.onPaused();
      };
    }
    const isLeaving = subscription.isLeft || !this.#options.isIdle();
    return isLeaving ? null : () => subscription.leave(() => []);
  }

  async #open(connection: BrokerConnection): Promise<void> {
    const channel = await connection.createChannel();
    const { project, queue, isPaused, onMessage } = this.#options;
    if (this.#isClosed || (isPaused() && !queue().exclusive)) {
      await closeChannel(channel, connection);
      return;
    }
    const subscription = new Subscription({
      connection,
      channel,
      project,
      queue,
      exclusive: this.#exclusive,
      onMessage,
      onEnd: (ended, reason) => this.#end(ended, reason),
    });
    this.#subscription = subscription;
    if (isPaused()) await subscription.bind();
    else await this.#consume(subscription);
  }

  async #consume(subscription: Subscription): Promise<void> {
    await subscription.consume();
    this.#isInDoubt = false;
    this.#isResuming = false;
  }

  #end(subscription: Subscription, reason: string): void {
    this.#subscription = null;
    if (subscription.isLeft) {
      this.#options.onEnd(subscription);
      return;
    }
    this.#connection = null;
    this.#isResuming = false;
    this.#isInDoubt ||= subscription.hasBrought;
    this.#options.onEnd(subscription);
    this.#options.onDown(reason);
  }
}
