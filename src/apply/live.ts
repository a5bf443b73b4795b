/**
 * What a broker has: what `inspect` finds, `plan` compares and `change` makes of it.
 *
 * Values of arguments are as a file has them, so that deep equality (whatever the order of keys) is
 * the broker's equality; the two that a file can't say are a `TypedValue` (wire.ts).
 */
import type { Arguments, PolicyTarget } from "../topology.ts";

export type LiveExchange = {
  readonly kind: "exchange";
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  /** `alternate-exchange` included. */
  readonly arguments: Arguments;
};

export type LiveQueue = {
  readonly kind: "queue";
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusive: boolean;
  /**
   * `x-queue-type` always included: a queue without it is classic; but nothing at all where AMQP
   * alone could only tell that it is there. Over AMQP those that brokers don't compare are the file's.
   */
  readonly arguments: Arguments;
  readonly counts: QueueCounts;
};

/** null: this way of looking can't tell. */
export type QueueCounts = {
  /** Waiting for a consumer; over the management API up to 5 s old for a quorum queue, 0 for a stream. */
  readonly ready: number;
  readonly unacked: number | null;
  /** All that the queue holds, dead letters that found no way included. */
  readonly messages: number | null;
  /** Over the management API up to 8 s old. */
  readonly consumers: number | null;
  /** Consumers that are not of this project's runners. */
  readonly foreignConsumers: number | null;
};

/** Of a queue of which none of it matters, or is known. */
export const NO_COUNTS: QueueCounts = {
  ready: 0,
  unacked: null,
  messages: null,
  consumers: null,
  foreignConsumers: null,
};

export type LiveBinding = {
  readonly kind: "binding";
  readonly source: string;
  readonly destination: string;
  readonly destinationKind: "queue" | "exchange";
  readonly key: string;
  readonly arguments: Arguments;
  /** By which the management API deletes exactly this one, whatever its arguments' AMQP types. */
  readonly propertiesKey: string | null;
};

export type LivePolicy = {
  readonly kind: "policy";
  readonly name: string;
  readonly pattern: string;
  readonly applyTo: PolicyTarget;
  readonly priority: number;
  readonly definition: Arguments;
};

/** A broker's refusal to tell of an object: `403 access to queue …`. */
export type Hidden = { readonly kind: "hidden"; readonly detail: string };

/**
 * The objects of one vhost. Left out are, unless the file or the state names them, those of the
 * broker itself (`amq.*`, the default exchange), those of other projects of warren, the project's
 * lock and state, and queues that belong to somebody's connection.
 */
export type Live = {
  readonly by: "management" | "amqp";
  /** `rabbitmq 3.10.8 at amqp://guest@127.0.0.1:5672` */
  readonly broker: string;
  /** `3.10.8` */
  readonly version: string;
  /** Over AMQP alone: only those that were asked for. */
  readonly exchanges: ReadonlyMap<string, LiveExchange | Hidden>;
  readonly queues: ReadonlyMap<string, LiveQueue | Hidden>;
  /**
   * All but those of the default exchange, whosever they are: also from and to objects that are left
   * out. null: AMQP can't list them.
   */
  readonly bindings: readonly LiveBinding[] | null;
  /** null: AMQP can't list them. */
  readonly policies: readonly LivePolicy[] | null;
  /** Exchange types that the broker knows; null: AMQP can't tell. */
  readonly exchangeTypes: readonly string[] | null;
  /** What was not looked at, in words, for the reader of a plan. */
  readonly unseen: readonly string[];
};
