/**
 * Publishes with exactly one true outcome for each message.
 *
 * | outcome         | the message |
 * |-----------------|-------------|
 * | confirmed       | a queue has it, and the broker has said so |
 * | unroutable      | no queue took it; the broker returned it |
 * | nacked          | the broker refused it (a full queue that rejects) |
 * | malformed       | it cannot be encoded, or the broker takes no such message |
 * | access-refused  | the user may not publish there |
 * | blocked, disconnected, overloaded, stopping | certainly not sent |
 * | outcome-unknown | sent, and not confirmed within the deadline: it may have arrived |
 *
 * What is unconfirmed when the connection is lost is sent again, with the same id, on the next
 * one, within its deadline. So a message can arrive twice, and never counts as confirmed wrongly.
 */
import type { ConfirmChannel } from "amqplib";
import { type BrokerConnection, closeChannel } from "../../broker-connection.ts";
import { NUMBERS } from "../../numbers.ts";
import type { ConnectionState } from "../status.ts";
import { Lane } from "./lane.ts";
import { Pending, type PendingPorts } from "./pending.ts";

export type MessageProperties = {
  /** null: none. */
  readonly messageId: string | null;
  readonly contentType: string | null;
  readonly contentEncoding?: string;
  readonly correlationId?: string;
  readonly type?: string;
  readonly appId?: string;
  readonly replyTo?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
  /** 0 to 255. */
  readonly priority?: number;
  /** Milliseconds. */
  readonly expirationMs?: number;
  /** In its place, by the monotonic clock: what is left when it is sent, also once more. */
  readonly expiresAt?: number;
  readonly persistent: boolean;
  readonly headers: Readonly<Record<string, unknown>>;
};

export type Outgoing = {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: MessageProperties;
};

/** Exactly one for each message. */
export type PublishOutcome =
  | { readonly status: "confirmed" }
  | {
      readonly status:
        | "unroutable"
        | "nacked"
        | "malformed"
        | "access-refused"
        | "blocked"
        | "disconnected"
        | "overloaded"
        | "stopping";
      readonly message: string;
    }
  | {
      readonly status: "outcome-unknown";
      readonly message: string;
      /** What the broker says of it after all; disconnected when it can't any more. */
      readonly later: Promise<PublishOutcome>;
    };

export type PublishLimits = {
  /** Copies of messages that the runner already holds: their number is bounded by the prefetch. */
  readonly isCopy?: boolean;
  /** Of a message whose reply comes over the channel that it is sent on. */
  readonly request?: RequestLimits;
};

export type RequestLimits = {
  readonly withinMs: number;
  /** Nobody needs its outcome any more, so it is not sent again. */
  readonly isOver: boolean;
};

/** Who gets the replies. */
export type Replies = {
  /** Consumes what comes over a channel, before any request is sent on it. */
  readonly listen: (channel: ConfirmChannel) => Promise<void>;
  /** A channel to this exchange is gone; requests without a confirm are sent again. */
  readonly lost: (exchange: string) => void;
};

export type Publisher = {
  /** Never rejects. */
  publish(message: Outgoing, limits?: PublishLimits): Promise<PublishOutcome>;
};

export type PublisherOptions = {
  readonly state: () => ConnectionState;
  readonly onMissingExchange: (exchange: string) => Promise<void>;
  readonly replies: Replies;
};

/** The limits of a message that is no request. */
const NONE: RequestLimits = {
  withinMs: Number.POSITIVE_INFINITY,
  isOver: false,
};

export class ConfirmPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Those of requests. */
  readonly #requests = new Map<string, Lane>();
  readonly #ports: PendingPorts;
  #connection: BrokerConnection | null = null;
  #messages = 0;
  #bytes = 0;
  /** Messages without an outcome. */
  #unsettled = 0;
  #onSettled: () => void = () => undefined;
  #nextId = 1;
  #isStopping = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#ports = {
      onSettled: () => {
        this.#unsettled -= 1;
        if (this.#unsettled === 0) this.#onSettled();
      },
      onReleased: ({ message }) => {
        this.#messages -= 1;
        this.#bytes -= message.body.length;
      },
    };
  }

  connected(connection: BrokerConnection): void {
    this.#connection = connection;
    for (const [, lane] of this.#all) lane.connected(connection);
  }

  disconnected(reason: Error): void {
    this.#connection = null;
    for (const [, lane] of this.#all) lane.disconnected(reason);
  }

  get #all(): readonly (readonly [exchange: string, lane: Lane])[] {
    return [...this.#lanes, ...this.#requests];
  }

  /** In words: exchanges whose messages the broker does not confirm. */
  get problems(): readonly string[] {
    return this.#all
      .filter(([, { overdue }]) => overdue > 0)
      .map(
        ([exchange, { overdue }]) =>
          `${nameOf(exchange)}: the broker has not confirmed ${overdue} messages in time`,
      );
  }

  publish(message: Outgoing, limits: PublishLimits = {}): Promise<PublishOutcome> {
    const refusal = this.#refusal(message, limits);
    if (refusal) return Promise.resolve(refusal);
    return this.#accept(message, limits);
  }

  /** Refuses what is new, waits for the outcomes of the rest, then closes the channels. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    while (this.#unsettled > 0) {
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
    }
    const connection = this.#connection;
    if (!connection) return;
    const channels = this.#all.flatMap(([, lane]) => lane.channel ?? []);
    await Promise.all(channels.map((channel) => closeChannel(channel, connection)));
  }

  #lanesFor({ request }: PublishLimits): Map<string, Lane> {
    return request ? this.#requests : this.#lanes;
  }

  #refusal(message: Outgoing, limits: PublishLimits): PublishOutcome | null {
    if (this.#isStopping && !limits.isCopy) {
      return { status: "stopping", message: "this runner is stopping" };
    }
    const state = this.#options.state();
    if (state === "blocked") {
      return { status: "blocked", message: "the broker takes no messages: memory or disk alarm" };
    }
    if (state !== "ready" || !this.#connection) {
      return { status: "disconnected", message: "the broker is not connected" };
    }
    if (this.#lanesFor(limits).get(message.exchange)?.isMissing) {
      const text = `exchange "${message.exchange}" is gone from the broker; it is declared again`;
      return { status: "disconnected", message: text };
    }
    const isFull =
      this.#messages >= NUMBERS.maxInFlightMessages ||
      this.#bytes + message.body.length > NUMBERS.maxInFlightBytes;
    return isFull && !limits.isCopy
      ? { status: "overloaded", message: "too many messages wait for the broker" }
      : null;
  }

  #accept(message: Outgoing, limits: PublishLimits): Promise<PublishOutcome> {
    this.#messages += 1;
    this.#bytes += message.body.length;
    this.#unsettled += 1;
    const pending = new Pending(this.#nextId++, message, limits.request ?? NONE, this.#ports);
    this.#lane(message.exchange, limits).push(pending);
    return pending.outcome;
  }

  #lane(exchange: string, limits: PublishLimits): Lane {
    const lanes = this.#lanesFor(limits);
    const known = lanes.get(exchange);
    if (known) return known;
    const { replies } = this.#options;
    const lane = new Lane({
      exchange,
      onMissingExchange: () => this.#options.onMissingExchange(exchange),
      replies: limits.request ? replies : null,
    });
    if (this.#connection) lane.connected(this.#connection);
    lanes.set(exchange, lane);
    return lane;
  }
}

function nameOf(exchange: string): string {
  return exchange === "" ? "the default exchange" : `exchange "${exchange}"`;
}
