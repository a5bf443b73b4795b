/** Hands a message to amqplib. */
import type { ConfirmChannel } from "amqplib";
import { isDirectReply, type Pending } from "./pending.ts";
import type { MessageProperties } from "./publisher.ts";

/** The header by which a return finds its message; callers may repeat a message id. */
export const PUBLISH_HEADER = "x-warren-publish";

/** Those of basic.publish and its properties, together, as amqplib encodes them. */
type Fields = {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  /** 2: persistent. */
  readonly deliveryMode: 1 | 2;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly messageId: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly correlationId: string | undefined;
  readonly type: string | undefined;
  readonly appId: string | undefined;
  readonly replyTo: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp: number | undefined;
  readonly priority: number | undefined;
  /** Milliseconds, in digits. */
  readonly expiration: string | undefined;
};

/** The parts of amqplib's channel that its types hide. */
type Internals = {
  sendMessage(fields: Fields, properties: Fields, content: Buffer): boolean;
  pushConfirmCallback(callback: null): void;
};

/**
 * Does what `channel.publish` does with its options. That makes a prototype of every message's
 * headers, for which V8 makes hidden classes that keep them, and what they came with, until a full
 * collection: a quarter of the time of a publish.
 *
 * @throws {IllegalOperationError} on a channel that is closed.
 * @throws {Error} what can't be encoded; nothing was written then.
 */
export function send(channel: ConfirmChannel, pending: Pending): void {
  const internals = channel as unknown as Internals;
  const fields = fieldsOf(pending);
  internals.sendMessage(fields, fields, pending.message.body);
  internals.pushConfirmCallback(null);
}

function fieldsOf({ id, message }: Pending): Fields {
  const { exchange, routingKey, properties } = message;
  // RabbitMQ returns whatever goes to such an address as unroutable, also where somebody has it.
  const isReturnable = !isDirectReply(message);
  // Not by spreading them, here or where messages are composed: what is then added makes a hidden
  // class of its own for each message.
  const headers: Record<string, unknown> = Object.assign({}, properties.headers);
  if (isReturnable) headers[PUBLISH_HEADER] = id;
  return {
    exchange,
    routingKey,
    mandatory: isReturnable,
    deliveryMode: properties.persistent ? 2 : 1,
    headers,
    messageId: properties.messageId ?? undefined,
    contentType: properties.contentType ?? undefined,
    contentEncoding: properties.contentEncoding,
    correlationId: properties.correlationId,
    type: properties.type,
    appId: properties.appId,
    replyTo: properties.replyTo,
    timestamp: properties.timestamp,
    priority: properties.priority,
    expiration: expirationOf(properties),
  };
}

function expirationOf({ expirationMs, expiresAt }: MessageProperties): string | undefined {
  if (expiresAt === undefined) return expirationMs?.toString();
  // With 0 it would have to be taken at once, or never.
  return Math.max(1, Math.ceil(expiresAt - performance.now())).toString();
}
