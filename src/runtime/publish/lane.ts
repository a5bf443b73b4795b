/**
 * The confirm channel of one exchange. Its own channel, because a publish that the broker refuses
 * closes the channel: so only messages of that exchange are ever touched by it.
 */
import { type ConfirmChannel, IllegalOperationError, type Message } from "amqplib";
import { INTERNAL_ERROR } from "../../apply/reply-codes.ts";
import { type BrokerConnection, withDeadline } from "../../broker-connection.ts";
import { PassingMap } from "../../passing-map.ts";
import { isDirectReply, type Pending } from "./pending.ts";
import type { PublishOutcome, Replies } from "./publisher.ts";
import { PUBLISH_HEADER, send } from "./send.ts";

/** Before another attempt to open a channel, in milliseconds. */
const REOPEN_MS = 250;

export type LaneOptions = {
  readonly exchange: string;
  /** Declares what is missing on the broker; the lane waits for it. */
  readonly onMissingExchange: () => Promise<void>;
  /** Of requests: their channels bring the replies. null: of messages that nobody answers. */
  readonly replies: Replies | null;
};

/** Of what had its outcome before, and whose channel is gone. */
const UNCONFIRMED: PublishOutcome = {
  status: "disconnected",
  message: "the channel ended before the broker confirmed it",
};
/** With the broker's code. */
type Refusal = Error & { readonly code?: number };

export class Lane {
  readonly #options: LaneOptions;
  #connection: BrokerConnection | null = null;
  #channel: ConfirmChannel | null = null;
  #isOpening = false;
  #isMissing = false;
  /** One of these made the broker close the channel: alone, each shows whether it did. */
  readonly #suspects = new Set<Pending>();
  #waiting: Pending[] = [];
  #unconfirmed = new PassingMap<number, Pending>();
  /** What the last channel had in flight at its end. */
  #taken: readonly Pending[] = [];
  #nextTag = 1;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  push(pending: Pending): void {
    this.#waiting.push(pending);
    this.#proceed();
  }

  /** Everything unsettled is sent on the new connection, oldest first. */
  connected(connection: BrokerConnection): void {
    this.#connection = connection;
    this.#isMissing = false;
    this.#proceed();
  }

  /** @param reason if the broker ended the connection itself, with its code. */
  disconnected(reason: Refusal): void {
    this.#connection = null;
    this.#takeBack();
    // RabbitMQ 3.10 ends with it a connection that sends to a direct reply address which is none.
    if (reason.code !== INTERNAL_ERROR) return;
    this.#accuse(
      reason,
      this.#taken.filter(({ message }) => isDirectReply(message)),
    );
    this.#dropSettled();
  }

  /** The exchange is gone from the broker. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  get channel(): ConfirmChannel | null {
    return this.#channel;
  }

  /** Messages whose deadline is over, and which the broker has neither confirmed nor refused. */
  get overdue(): number {
    return [...this.#unconfirmed.values()].filter(({ isSettled }) => isSettled).length;
  }

  #proceed(): void {
    if (this.#channel) this.#flush(this.#channel);
    else if (this.#waiting.length > 0) void this.#open();
  }

  async #open(): Promise<void> {
    const connection = this.#connection;
    if (!connection || this.#isOpening || this.#isMissing) return;
    this.#isOpening = true;
    const channel = await this.#openChannel(connection).catch(() => null);
    this.#isOpening = false;
    if (this.#connection !== connection) {
      // Another connection came meanwhile, and found this one still opening.
      this.#proceed();
      return;
    }
    if (!channel) {
      this.#dropSettled();
      // A limit of channels is reached; or the connection is over, and `connected` starts again.
      setTimeout(() => this.#proceed(), REOPEN_MS);
      return;
    }
    this.#listen(channel);
    this.#channel = channel;
    this.#flush(channel);
  }

  /** @throws {Error} when the broker refuses, does not answer, or ends it meanwhile. */
  async #openChannel(connection: BrokerConnection): Promise<ConfirmChannel> {
    const channel = await connection.createConfirmChannel();
    const { replies } = this.#options;
    if (replies === null) return channel;
    let isClosed = false;
    channel.once("close", () => {
      isClosed = true;
    });
    const giveUp = (reason: string) => {
      if (!connection.isBlocked) connection.destroy(reason);
    };
    await withDeadline(replies.listen(channel), "consume replies", giveUp);
    if (isClosed) throw new Error("its channel closed");
    return channel;
  }

  #listen(channel: ConfirmChannel): void {
    let error: Refusal | undefined;
    this.#nextTag = 1;
    channel.on("error", (reason: Error) => {
      error = reason;
    });
    channel.on("close", () => {
      if (this.#channel === channel) this.#closed(error);
    });
    channel.on("return", (message: Message) => this.#returned(message));
    channel.on("ack", ({ deliveryTag, multiple }) => {
      this.#confirmed(deliveryTag, multiple, { status: "confirmed" });
    });
    channel.on("nack", ({ deliveryTag, multiple }) => {
      const message = "the broker refused the message";
      this.#confirmed(deliveryTag, multiple, { status: "nacked", message });
    });
  }

  #flush(channel: ConfirmChannel): void {
    while (this.#waiting.length > 0) {
      // Suspects are the first that wait.
      if (this.#suspects.size > 0 && this.#unconfirmed.size > 0) return;
      const pending = this.#waiting.shift();
      if (!pending) return;
      if (pending.isSettled) this.#release(pending);
      else if (!this.#send(channel, pending)) return;
    }
  }

  /** @returns false when amqplib is about to close the channel: the message goes over the next one. */
  #send(channel: ConfirmChannel, pending: Pending): boolean {
    pending.returned = null;
    try {
      send(channel, pending);
    } catch (error) {
      if (error instanceof IllegalOperationError) {
        this.#waiting.unshift(pending);
        return false;
      }
      // Nothing was written: amqplib encodes before it sends.
      pending.settle({ status: "malformed", message: (error as Error).message });
      this.#release(pending);
      return true;
    }
    pending.wasSent = true;
    this.#unconfirmed.set(this.#nextTag++, pending);
    return true;
  }

  /** The return comes before the ack of the same message. */
  #returned(message: Message): void {
    const id = message.properties.headers?.[PUBLISH_HEADER];
    for (const pending of this.#unconfirmed.values()) {
      if (pending.id === id) {
        const { exchange, routingKey } = pending.message;
        pending.returned = `no queue takes key "${routingKey}" from exchange "${exchange}"`;
        return;
      }
    }
  }

  #confirmed(tag: number, isMultiple: boolean, outcome: PublishOutcome): void {
    if (isMultiple) {
      for (const earlier of this.#unconfirmed.keys()) {
        if (earlier > tag) break;
        this.#settle(earlier, outcome);
      }
    } else this.#settle(tag, outcome);
    this.#proceed();
  }

  #settle(tag: number, outcome: PublishOutcome): void {
    const pending = this.#unconfirmed.delete(tag);
    if (!pending) return;
    const isReturned = outcome.status === "confirmed" && pending.returned !== null;
    const said: PublishOutcome = isReturned
      ? { status: "unroutable", message: pending.returned ?? "" }
      : outcome;
    pending.settle(said);
    this.#release(pending, said);
  }

  #closed(error: Refusal | undefined): void {
    const isExchangeGone = error?.code === 404;
    if (error && !isExchangeGone) this.#accuse(error, this.#unconfirmed.values());
    this.#takeBack();
    if (!this.#connection) return;
    if (isExchangeGone) void this.#declareAgain();
    else this.#proceed();
  }

  /** The broker has refused one of those in flight. */
  #accuse(error: Refusal, inFlight: Iterable<Pending>): void {
    const [first, ...others] = inFlight;
    if (!first) return;
    if (others.length === 0) first.settle(refusalOf(error, this.#options.exchange));
    else for (const pending of [first, ...others]) this.#suspects.add(pending);
  }

  async #declareAgain(): Promise<void> {
    this.#isMissing = true;
    const connection = this.#connection;
    try {
      await this.#options.onMissingExchange();
    } finally {
      if (this.#connection === connection) {
        this.#isMissing = false;
        this.#proceed();
      }
    }
  }

  /** The channel is gone: what it had not confirmed is sent again, before what waits. */
  #takeBack(): void {
    if (this.#channel) this.#options.replies?.lost(this.#options.exchange);
    if (this.#channel) this.#taken = [...this.#unconfirmed.values()];
    this.#channel = null;
    this.#waiting = [...this.#unconfirmed.values(), ...this.#waiting];
    this.#unconfirmed = new PassingMap();
    this.#dropSettled();
  }

  #dropSettled(): void {
    for (const pending of this.#waiting) if (pending.isSettled) this.#release(pending);
    this.#waiting = this.#waiting.filter((pending) => !pending.isSettled);
  }

  #release(pending: Pending, outcome = UNCONFIRMED): void {
    this.#suspects.delete(pending);
    pending.release(outcome);
  }
}

function refusalOf(error: Refusal, exchange: string): PublishOutcome {
  if (error.code !== 403) {
    return { status: "malformed", message: "the broker does not take this message" };
  }
  const message = `the broker does not let this user publish to exchange "${exchange}"`;
  return { status: "access-refused", message };
}
