/** What a handler module is written with; all of it is exported by the package's entry. */

/** Queue → its events; filled by the generated src/generated/topology.ts. */
// biome-ignore lint/suspicious/noEmptyInterface: generated code merges into it
export interface QueueEvents {}

/** Exchange → event type → event; `unknown` in place of the map for an open exchange. */
// biome-ignore lint/suspicious/noEmptyInterface: generated code merges into it
export interface ExchangeEvents {}

/** Queue → what its handler returns; a queue that is not in it may return anything. */
// biome-ignore lint/suspicious/noEmptyInterface: generated code merges into it
export interface QueueReplies {}

/** Exchange → routing key → what the queue with `rpc` replies; an exchange without one is not in it. */
// biome-ignore lint/suspicious/noEmptyInterface: generated code merges into it
export interface ExchangeReplies {}

export type QueueName = NamesIn<QueueEvents>;
export type ExchangeName = NamesIn<ExchangeEvents>;
/** Those that lead to a queue which replies. */
export type CallableExchange = NamesIn<ExchangeReplies> & ExchangeName;

/** An error then lists the names; of `keyof` it would say no more than the alias. */
type NamesIn<Names> = Names extends unknown ? keyof Names & string : never;

/** The routing keys of an exchange: its event types, or any string for an open exchange. */
export type KeyOf<X extends ExchangeName> = unknown extends ExchangeEvents[X]
  ? string
  : keyof ExchangeEvents[X] & string;

/** The fields to publish: the event without its type, which the key says; any JSON if open. */
export type FieldsOf<X extends ExchangeName, K> = unknown extends ExchangeEvents[X]
  ? unknown
  : K extends keyof ExchangeEvents[X]
    ? WithoutType<ExchangeEvents[X][K]>
    : never;

/** The routing keys by which an exchange leads to a queue that replies; of a wildcard, any string. */
export type CallKeyOf<X extends CallableExchange> = NamesIn<ExchangeReplies[X]>;

/** What the handler of a queue returns: what schemas/replies says, or anything. */
export type HandlerReply<Q extends QueueName> = [Q] extends [never]
  ? unknown
  : Q extends keyof QueueReplies
    ? QueueReplies[Q]
    : unknown;

/** The reply to what is published to an exchange with this key; `unknown` where no schema says. */
export type ReplyOf<X extends ExchangeName, K> = X extends keyof ExchangeReplies
  ? K extends keyof ExchangeReplies[X]
    ? ExchangeReplies[X][K]
    : unknown
  : unknown;

/** `Omit` would lose the fields of a type with an index signature, and the members of a union. */
type WithoutType<Event> = Event extends unknown
  ? { [Field in keyof Event as Exclude<Field, "event_type">]: Event[Field] }
  : never;

/** What is not said is taken over from the message that is handled, but for its other headers. */
export type PublishOptions = {
  /** 0 to 255. Without it: that of the message. */
  readonly priority?: number;
  /** Beside `causation-id`, the message's id, and `traceparent` and `tracestate`, if it has them. */
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  /** Without it: that of the message, or else the message's id. */
  readonly correlationId?: string;
};

/**
 * Publishes from a handler. Resolves once the broker has confirmed the message and a queue has it;
 * the handler's own message is acknowledged only after that.
 *
 * @throws {WarrenError} `malformed`, `body-too-large`, `unknown-exchange`, `unknown-event`,
 *   `unexpected-event`, `key-mismatch`, `invalid-event`: the handler's mistake, counts as a failed
 *   attempt. `unroutable`, `nacked`, `access-refused`, `blocked`, `disconnected`, `overloaded`,
 *   `stopping`, `outcome-unknown`: broker trouble, the message is held and no attempt is counted;
 *   `stopping` also once the run is over.
 */
export type Publish = <X extends ExchangeName, K extends KeyOf<X>>(
  exchange: X,
  key: K,
  event: FieldsOf<X, K>,
  options?: PublishOptions,
) => Promise<void>;

export type CallOptions = Omit<PublishOptions, "correlationId"> & {
  /** For the reply, in milliseconds; at most what is left of the handler's own time. */
  readonly timeout?: number;
};

/**
 * Asks the rpc queue that an exchange and a key lead to, and resolves with what its handler returns.
 *
 * @throws {RpcError} `rpc-failed`, `no-reply`: for the handler to judge.
 * @throws {WarrenError} as `publish`; `not-callable`: the handler's mistake. With `outcome-unknown`
 *   the connection was lost, and with it the reply.
 */
export type Call = <X extends CallableExchange, K extends CallKeyOf<X>>(
  exchange: X,
  key: K,
  request: FieldsOf<X, K>,
  options?: CallOptions,
) => Promise<ReplyOf<X, K>>;

/** Facts are fields, the message is constant; pino fits it. */
export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** The message as it arrived; `exchange` and `routingKey` are the original ones, also in a retry. */
export type ReceivedMessage = {
  /** Made up here for a message that came without one. */
  readonly id: string;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly correlationId: string | null;
  readonly priority: number | null;
  readonly redelivered: boolean;
};

export type HandlerContext = {
  readonly log: Log;
  readonly publish: Publish;
  readonly call: Call;
  /** Aborted when the handler's time is over; what it publishes after that is refused. */
  readonly signal: AbortSignal;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly message: ReceivedMessage;
};

/** What the message becomes when the handler …: returns → acked; throws → retried, then dead. */
export type HandlerFunction<Event, Reply = unknown> = (
  event: Event,
  context: HandlerContext,
) => Promise<Reply> | Reply;

const brand = Symbol.for("warren.handler");

export type HandlerModule = {
  readonly [brand]: true;
  readonly run: HandlerFunction<never>;
};

/** Declares the handler of a queue; the default export of a module under src/handlers. */
export function defineHandler<Q extends QueueName>(
  run: HandlerFunction<QueueEvents[Q], HandlerReply<Q>>,
): HandlerModule {
  return { [brand]: true, run: run as HandlerFunction<never> };
}

/** Whether a module's default export was made by `defineHandler`, of this copy of warren or another. */
export function isHandlerModule(value: unknown): value is HandlerModule {
  return typeof value === "object" && value !== null && brand in value;
}

/** Thrown by a handler: the message is dead-lettered with this cause now, without a retry. */
export class Reject extends Error {
  override readonly name = "Reject";
}

/** Thrown by a handler: retry after the next declared delay that is at least `after` milliseconds. */
export class Retry extends Error {
  override readonly name = "Retry";
  readonly after: number;

  constructor(options: { after: number; cause?: unknown }) {
    super(`retry after ${options.after} ms`, { cause: options.cause });
    this.after = options.after;
  }
}

/** Thrown by `call`: there is no reply, or it is an error. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  /** `rpc-failed`: the other handler failed, for good; `no-reply`: none came in time. */
  readonly code: "rpc-failed" | "no-reply";
  /** Of `rpc-failed`, why: `rejected`, `handler-failed`, `invalid-event`, say. */
  readonly reason: string | null;

  constructor(code: RpcError["code"], message: string, reason: string | null = null) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}
