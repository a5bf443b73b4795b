/**
 * What a file holds once its findings are cut out of it: the shape of
 * schemas/topology.schema.json, with every part possibly absent.
 */
import type { ArgumentValue, PolicyTarget, QueueType } from "../topology.ts";

type Maybe<T> = { readonly [K in keyof T]?: T[K] | undefined };
type Named<T> = Readonly<Record<string, T | undefined>>;

export type RetryPlan = Maybe<{ retries: number; initial: string; factor: number; max: string }>;
export type Retry = string | readonly (string | undefined)[] | RetryPlan;
/** `all` or `none`, or a list. */
export type ErrorNames = string | readonly (string | undefined)[];
export type DeadLetterBlock = string | Maybe<{ exchange: string; key: string }>;

export type BreakerBlock = string | Maybe<{ failureRate: number; window: number; pause: string }>;

export type IdempotencyBlock =
  | string
  | Maybe<{ by: string; ttl: string; missing: "run" | "reject" }>;

export type HeaderBinding = Maybe<{
  headers: Named<string | number | boolean>;
  match: string;
}>;
/** A binding as AMQP has it; nothing of it is interpreted. */
export type RawBinding = Maybe<{ key: string; arguments: RawArguments }>;
export type BindingKey = string | (HeaderBinding & RawBinding);
export type BindingKeys = BindingKey | readonly (BindingKey | undefined)[];
export type BindingMap = Named<BindingKeys>;
export type Bind = string | BindingMap | readonly (string | BindingMap | undefined)[];

export type RawArguments = Named<ArgumentValue>;

export type ExchangeBlock = Maybe<{
  type: string;
  events: readonly (string | undefined)[];
  alternate: string;
  internal: boolean;
  autoDelete: boolean;
  bind: Bind;
  arguments: RawArguments;
  allowUnknown: boolean;
  external: boolean;
  allow: readonly (string | undefined)[];
}>;

/** What defaults and a queue can both say. */
export type Consuming = Maybe<{
  type: QueueType;
  concurrency: number;
  prefetch: number;
  timeout: string;
  rate: string;
  breaker: BreakerBlock;
  retry: Retry;
  retryOn: ErrorNames;
  rejectOn: ErrorNames;
  deadLetter: DeadLetterBlock;
  idempotency: IdempotencyBlock;
  exact: boolean;
}>;

export type Limits = Maybe<{ messages: number; bytes: string; overflow: string }>;

export type QueueBlock = Consuming &
  Maybe<{
    bind: Bind;
    handler: string;
    ttl: string;
    expires: string;
    maxAge: string;
    limits: Limits;
    maxPriority: number;
    singleActiveConsumer: boolean;
    consumerPriority: number;
    autoDelete: boolean;
    exclusive: boolean;
    ack: "after-handling" | "on-delivery";
    ordered: boolean;
    rpc: boolean;
    deliveryLimit: number;
    arguments: RawArguments;
    allowUnknown: boolean;
    external: boolean;
    was: string;
    allow: readonly (string | undefined)[];
    allowLoss: boolean;
  }>;

export type PolicyBlock = Maybe<{
  pattern: string;
  applyTo: PolicyTarget;
  priority: number;
  definition: RawArguments;
  allow: readonly (string | undefined)[];
}>;

export type TopologyFile = Maybe<{
  project: string;
  broker: Maybe<{
    url: string | readonly (string | undefined)[];
    management: string;
    heartbeat: string;
    consumerTimeout: string;
  }>;
  http: Maybe<{ host: string; port: number }>;
  stores: Maybe<{ idempotency: string }>;
  worker: Maybe<{ memory: string; crashes: number; blocked: string }>;
  drain: Maybe<{ delay: string; timeout: string }>;
  defaults: Consuming;
  exchanges: Named<ExchangeBlock>;
  queues: Named<QueueBlock>;
  policies: Named<PolicyBlock>;
}>;
