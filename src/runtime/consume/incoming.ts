/** A delivery of the broker as handlers see it, and what warren's own headers say of it. */
import { randomUUID } from "node:crypto";
import type { ConsumeMessage } from "amqplib";
import { requeueExchange } from "../../apply/objects.ts";
import { MOVED_EXCHANGE_HEADER } from "../../apply/replace/copy.ts";
import { migratingQueue } from "../../apply/replace/journal.ts";
import { quoted } from "../../errors.ts";
import type { ReceivedMessage } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";

/** Headers of warren's own; a caller's are never taken for them. */
export const HEADERS = {
  attempt: "x-warren-attempt",
  exchange: "x-warren-exchange",
  routingKey: "x-warren-routing-key",
  redeliveries: "x-warren-redeliveries",
  queue: "x-warren-queue",
  attempts: "x-warren-attempts",
  firstFailedAt: "x-warren-first-failed-at",
  firstError: "x-warren-first-error",
  reason: "x-warren-reason",
  error: "x-warren-error",
  schema: "x-warren-schema",
  violations: "x-warren-violations",
  deadAt: "x-warren-dead-at",
} as const;

/** When, in ISO 8601, and what was thrown: one line, at most 1 KiB. */
export type Failure = { readonly at: string; readonly error: string };

export type Incoming = {
  /** 1 for the first run. */
  readonly attempt: number;
  /** Of all its attempts; null: none has failed yet. */
  readonly firstFailure: Failure | null;
  /** How often it was delivered before without an end; counted in classic queues alone. */
  readonly redeliveries: number;
  /** An id is made up for a message without; its retries carry that. */
  readonly message: ReceivedMessage;
  /** Why no handler gets it, in words: a header is nested too deep, and left out here. */
  readonly problem: string | null;
};

/**
 * Counts, the first failure, original exchange and key are believed only of what came through the requeue exchange, or
 * was moved when its queue was replaced: anybody may publish such headers, but only to an exchange of
 * their own choice.
 */
export function readIncoming(raw: ConsumeMessage, queue: string, project: string): Incoming {
  const { fields, properties } = raw;
  const headers = ownEntries(properties.headers);
  const problem = dropDeep(headers);
  const isMoved = fields.exchange === migratingQueue(queue);
  const exchange = isMoved ? text(headers[MOVED_EXCHANGE_HEADER]) : fields.exchange;
  const isRequeued = exchange === requeueExchange(project);
  const redeliveries = isRequeued ? readCount(headers[HEADERS.redeliveries], 0) : 0;
  const id = isId(properties.messageId) ? properties.messageId : randomUUID();
  return {
    attempt: isRequeued ? readCount(headers[HEADERS.attempt], 1) : 1,
    firstFailure: isRequeued ? readFirstFailure(headers) : null,
    redeliveries,
    message: {
      id,
      queue,
      exchange: isRequeued ? text(headers[HEADERS.exchange]) : exchange,
      routingKey: isRequeued ? text(headers[HEADERS.routingKey]) : fields.routingKey,
      headers: withoutOwn(headers),
      body: raw.content,
      contentType: textOrNull(properties.contentType),
      contentEncoding: textOrNull(properties.contentEncoding),
      correlationId: textOrNull(properties.correlationId),
      priority: typeof properties.priority === "number" ? properties.priority : null,
      redelivered: fields.redelivered || redeliveries > 0,
    },
    problem,
  };
}

/** Bytes that are no UTF-8 grow when they are decoded, and could not be sent again. */
function isId(value: unknown): value is string {
  return typeof value === "string" && Buffer.byteLength(value) <= NUMBERS.maxNameBytes;
}

function readCount(value: unknown, least: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) ? Math.max(value, least) : least;
}

function readFirstFailure(headers: Record<string, unknown>): Failure | null {
  const { [HEADERS.firstFailedAt]: at, [HEADERS.firstError]: error } = headers;
  return typeof at === "string" && typeof error === "string" ? { at, error } : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/**
 * A header named `__proto__` is taken by amqplib's decoder as the table's prototype: only own keys
 * are copied, into an object without one.
 */
export function ownEntries(headers: unknown): Record<string, unknown> {
  return Object.assign(Object.create(null), headers);
}

/** What is read here is packed, cloned and encoded by functions that call themselves. */
function dropDeep(headers: Record<string, unknown>): string | null {
  const deep = Object.keys(headers).filter((key) => isDeeper(headers[key], NUMBERS.maxJsonDepth));
  for (const key of deep) delete headers[key];
  const [first] = deep;
  if (first === undefined) return null;
  return `header ${quoted(first)} is nested deeper than ${NUMBERS.maxJsonDepth} levels`;
}

/** Whether a value has more levels of tables and lists, with those that are its prototype. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return false;
  if (levels === 0) return true;
  for (const key in value) {
    if (isDeeper(value[key as keyof typeof value], levels - 1)) return true;
  }
  return false;
}

function withoutOwn(headers: Record<string, unknown>): Record<string, unknown> {
  for (const key of Object.keys(headers)) if (key.startsWith("x-warren-")) delete headers[key];
  return headers;
}
