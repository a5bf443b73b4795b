/**
 * Copies of a message that warren publishes itself: to a delay queue, or as a dead letter. What a
 * broker would read in a copy is left out: `expiration` would end a delay early, `CC` and `BCC`
 * route it again, and an x-death that names the queue makes a 3.x broker drop it on its way back.
 */
import type { ConsumeMessage } from "amqplib";
import { requeueExchange, requeueKey, retryExchange, retryKey } from "../../apply/objects.ts";
import { NUMBERS } from "../../numbers.ts";
import type { DeadLetter } from "../../topology.ts";
import type { Cause } from "../host/host.ts";
import type { Outgoing } from "../publish/publisher.ts";
import { type Failure, HEADERS, type Incoming, isDeeper, ownEntries } from "./incoming.ts";

/** The copy that comes back to `queue` as the next attempt after `delayMs`. */
export function retryCopy(
  raw: ConsumeMessage,
  incoming: Incoming,
  options: { readonly project: string; readonly delayMs: number; readonly cause: Cause },
): Outgoing {
  const { queue } = incoming.message;
  return copy(raw, incoming, {
    exchange: retryExchange(options.project),
    routingKey: retryKey(options.delayMs, queue),
    headers: {
      [HEADERS.attempt]: incoming.attempt + 1,
      ...firstFailureHeaders(firstFailure(incoming, options.cause)),
    },
  });
}

/** Of a message whose present attempt has failed with this cause. */
export function firstFailure({ firstFailure: known }: Incoming, { error }: Cause): Failure {
  return known ?? { at: new Date().toISOString(), error };
}

/** The copy that goes back to its queue at once, with one more delivery counted. */
export function countedCopy(raw: ConsumeMessage, incoming: Incoming, project: string): Outgoing {
  const { attempt, redeliveries, message } = incoming;
  const counted = copy(raw, incoming, {
    exchange: requeueExchange(project),
    routingKey: requeueKey(message.queue),
    headers: {
      [HEADERS.attempt]: attempt,
      [HEADERS.redeliveries]: redeliveries + 1,
      ...(incoming.firstFailure && firstFailureHeaders(incoming.firstFailure)),
    },
  });
  const { expiration } = raw.properties;
  if (expiration === undefined) return counted;
  return { ...counted, properties: { ...counted.properties, expirationMs: Number(expiration) } };
}

/** The copy that is parked, with why it is there. */
export function deadCopy(
  raw: ConsumeMessage,
  incoming: Incoming,
  options: { readonly to: DeadLetter; readonly cause: Cause },
): Outgoing {
  const { to, cause } = options;
  return copy(raw, incoming, {
    exchange: to.exchange,
    routingKey: to.key,
    headers: {
      [HEADERS.reason]: cause.reason,
      [HEADERS.error]: cause.error,
      [HEADERS.attempts]: incoming.attempt,
      ...firstFailureHeaders(firstFailure(incoming, cause)),
      [HEADERS.deadAt]: new Date().toISOString(),
      ...(cause.schema === undefined ? {} : { [HEADERS.schema]: cause.schema }),
      ...(cause.violations?.length
        ? { [HEADERS.violations]: JSON.stringify(cause.violations) }
        : {}),
    },
  });
}

/** For a message that can't be encoded again: its body and warren's headers, and nothing else. */
export function barest(message: Outgoing): Outgoing {
  const { properties } = message;
  const own = Object.entries(properties.headers).filter(([key]) => key.startsWith("x-warren-"));
  return {
    ...message,
    properties: {
      messageId: properties.messageId,
      contentType: null,
      persistent: true,
      headers: Object.fromEntries(own),
    },
  };
}

function copy(
  raw: ConsumeMessage,
  { message }: Incoming,
  target: Pick<Outgoing, "exchange" | "routingKey"> & { readonly headers: Record<string, unknown> },
): Outgoing {
  const { properties } = raw;
  return {
    exchange: target.exchange,
    routingKey: target.routingKey,
    body: raw.content,
    properties: {
      messageId: message.id,
      contentType: message.contentType,
      persistent: true,
      headers: {
        ...foreignHeaders(properties.headers),
        [HEADERS.queue]: message.queue,
        [HEADERS.exchange]: message.exchange,
        [HEADERS.routingKey]: message.routingKey,
        ...target.headers,
      },
      contentEncoding: properties.contentEncoding,
      correlationId: properties.correlationId,
      type: properties.type,
      appId: properties.appId,
      replyTo: properties.replyTo,
      timestamp: properties.timestamp,
      priority: properties.priority,
    },
  };
}

function firstFailureHeaders({ at, error }: Failure): Record<string, unknown> {
  return { [HEADERS.firstFailedAt]: at, [HEADERS.firstError]: error };
}

const DROPPED =
  /^(x-warren-.*|x-death|x-first-death-.*|x-last-death-.*|x-delivery-count|x-acquired-count|CC|BCC)$/;

function foreignHeaders(headers: unknown): Record<string, unknown> {
  const kept = Object.entries(ownEntries(headers)).filter(
    ([key, value]) =>
      !DROPPED.test(key) && !isDeeper(value, NUMBERS.maxJsonDepth) && isEncodable(value),
  );
  return Object.fromEntries(kept);
}

/**
 * Infinity and NaN end the whole connection when they reach the broker. A table with a key "!" is
 * a typed value to amqplib: its own decoder makes those two, any other may turn out as NaN.
 */
function isEncodable(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return true;
  if ("!" in value && value["!"] !== "timestamp" && value["!"] !== "decimal") return false;
  // With what is inherited: a key `__proto__` makes a prototype, and amqplib writes that too.
  for (const key in value) if (!isEncodable(value[key as keyof typeof value])) return false;
  return true;
}
