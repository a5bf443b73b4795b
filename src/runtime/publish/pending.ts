/** A message on its way to the broker. */
import type { Options } from "amqplib";
import type { MessageProperties, Outgoing, PublishOutcome } from "./publisher.ts";

/** The header by which a return finds its message; callers may repeat a message id. */
export const PUBLISH_HEADER = "x-warren-publish";

export type Pending = {
  readonly id: number;
  readonly message: Outgoing;
  /** Called once; later calls do nothing. */
  readonly settle: (outcome: PublishOutcome) => void;
  /** Called when neither the broker nor the socket's buffer holds it any more, with the broker's word. */
  readonly release: (outcome: PublishOutcome) => void;
  isSettled: boolean;
  /** It may be on the broker already. */
  wasSent: boolean;
  returned: string | null;
};

/** As amqplib wants its properties. */
export function toAmqp(pending: Pending): Options.Publish {
  const { id, message } = pending;
  const { properties } = message;
  // RabbitMQ returns whatever goes to such an address as unroutable, also where somebody has it.
  const isReturnable = !isDirectReply(message);
  const { contentType, contentEncoding, correlationId, type, appId } = properties;
  const expirationMs = expirationOf(properties);
  return {
    mandatory: isReturnable,
    persistent: properties.persistent,
    messageId: properties.messageId,
    headers: isReturnable
      ? { ...properties.headers, [PUBLISH_HEADER]: id }
      : { ...properties.headers },
    ...(contentType === null ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(type === undefined ? {} : { type }),
    ...(appId === undefined ? {} : { appId }),
    ...(properties.timestamp === undefined ? {} : { timestamp: properties.timestamp }),
    ...(properties.priority === undefined ? {} : { priority: properties.priority }),
    ...(expirationMs === undefined ? {} : { expiration: expirationMs }),
    ...(properties.replyTo === undefined ? {} : { replyTo: properties.replyTo }),
  };
}

function expirationOf({ expirationMs, expiresAt }: MessageProperties): number | undefined {
  if (expiresAt === undefined) return expirationMs;
  // With 0 it would have to be taken at once, or never.
  return Math.max(1, Math.ceil(expiresAt - performance.now()));
}

/** Whether it goes over direct reply-to: to a channel that waits for it, not to a queue. */
export function isDirectReply({ exchange, routingKey }: Outgoing): boolean {
  return exchange === "" && routingKey.startsWith("amq.rabbitmq.reply-to.");
}
