/** The one way by which HTTP and handlers publish. */
import { randomUUID } from "node:crypto";
import { CLOUD_EVENT, mediaType } from "../../events/encoding.ts";
import type { EventReader } from "../../events/reader.ts";
import { NUMBERS } from "../../numbers.ts";
import { route } from "../../routing/route.ts";
import type { Topology } from "../../topology.ts";
import {
  type Addressed,
  address,
  malformed,
  type PublishRequest,
  type Refusal,
  refuse,
} from "./address.ts";
import { withInherited } from "./inherited.ts";
import { compileProperties, propertySchemas } from "./properties.ts";
import type { Outgoing, Publisher } from "./publisher.ts";

export type { PublishRequest, PublishTarget } from "./address.ts";

/**
 * ok: the broker has confirmed it and a queue has it; `via` is the alternate exchange that took
 * it. Otherwise, unless the code is `nacked` or `outcome-unknown`, no queue has it.
 */
export type Published =
  | {
      readonly ok: true;
      readonly messageId: string;
      readonly exchange: string;
      readonly routingKey: string;
      readonly via: string | null;
    }
  | (Refusal & { readonly messageId: string });

/** What a message is composed and sent with. */
export type Parts = {
  readonly topology: Topology;
  readonly reader: EventReader;
  readonly publisher: Publisher;
  /** Whether an id was used for another message before. */
  readonly isReused: (messageId: string, message: readonly (string | Buffer)[]) => Promise<boolean>;
};

/** Publishes what has passed every check; the result never rejects but for a bug. */
export function createPublish(parts: Parts): (request: PublishRequest) => Promise<Published> {
  const { topology, publisher } = parts;
  return async (given) => {
    const messageId = given.messageId ?? randomUUID();
    const { persistent = true } = given;
    const composed = composeMessage(parts, given, { messageId, persistent });
    if (!composed.ok) return { ...composed, messageId };
    const { request, addressed, message } = composed;
    const { exchange, routingKey } = addressed;
    const reused = await checkKey(parts, composed);
    if (reused) return { ...reused, messageId };
    const outcome = await publisher.publish(message);
    if (outcome.status !== "confirmed") {
      // amqplib's words would get into an answer of HTTP.
      const isRefused = outcome.status === "malformed";
      const text = isRefused ? "the broker takes no such message" : outcome.message;
      return { ...refuse(outcome.status, text), messageId };
    }
    const via = viaOf(topology, addressed, request);
    return { ok: true, messageId, exchange, routingKey, via };
  };
}

type Composed = {
  readonly ok: true;
  /** With what it inherits. */
  readonly request: PublishRequest;
  readonly addressed: Addressed;
  readonly message: Outgoing;
};

/** Whether its Idempotency-Key stands for another message. */
export async function checkKey(
  { isReused }: Pick<Parts, "isReused">,
  { request: { isKeyed }, message: { exchange, routingKey, body, properties } }: Composed,
): Promise<Refusal | null> {
  const { messageId } = properties;
  if (!isKeyed || messageId === null) return null;
  if (!(await isReused(messageId, [exchange, routingKey, body]))) return null;
  const text = "another message was sent with this Idempotency-Key";
  return refuse("idempotency-key-reused", text);
}

/** What goes to the broker, once it has passed every check. */
export function composeMessage(
  parts: Pick<Parts, "topology" | "reader">,
  given: PublishRequest,
  settled: Settled,
): Composed | Refusal {
  const refusal = checkMessage(given);
  const request = withInherited(given);
  const addressed = refusal ?? address(parts, request);
  if (!addressed.ok) return addressed;
  return { ok: true, request, addressed, message: compose(request, addressed, settled) };
}

/** What a request may leave to us. */
type Settled = { readonly messageId: string; readonly persistent: boolean };

const checkProperties = compileProperties({
  type: "object",
  properties: { exchange: { type: "string" }, ...propertySchemas },
  additionalProperties: false,
});

/** For what names an event, and leaves exchange and key to the topology. */
const NO_EXCHANGE = { exchange: "", routingKey: null };

function checkMessage(request: PublishRequest): Refusal | null {
  const { messageId, correlationId, priority, expirationMs, headers } = request;
  const { exchange, routingKey } = "exchange" in request ? request : NO_EXCHANGE;
  const violations = checkProperties({
    // A handler in JavaScript may leave them out, which a schema would not notice.
    exchange: exchange ?? null,
    ...(routingKey === null ? {} : { routing_key: routingKey ?? null }),
    ...(messageId === null ? {} : { message_id: messageId }),
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
    ...(priority === undefined ? {} : { priority }),
    ...(expirationMs === undefined ? {} : { expiration: expirationMs }),
    ...(headers === undefined ? {} : { headers }),
  });
  if (violations.length > 0) return malformed(violations);
  const { length } = request.body;
  if (length <= NUMBERS.maxBodyBytes) return null;
  return refuse(
    "body-too-large",
    `the message is ${length} bytes, at most ${NUMBERS.maxBodyBytes} are taken`,
  );
}

function compose(
  request: PublishRequest,
  addressed: Addressed,
  { messageId, persistent }: Settled,
): Outgoing {
  const { body, contentType, headers = {} } = request;
  const { correlationId, priority, expirationMs } = request;
  const { exchange, routingKey, type } = addressed;
  const isCloudEvent = mediaType(contentType) === CLOUD_EVENT;
  return {
    exchange,
    routingKey,
    body,
    properties: {
      messageId,
      contentType: isCloudEvent ? CLOUD_EVENT : "application/json",
      timestamp: Math.floor(Date.now() / 1000),
      persistent,
      headers: { ...headers },
      ...(type === null ? {} : { type }),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(priority === undefined ? {} : { priority }),
      ...(expirationMs === undefined ? {} : { expirationMs }),
    },
  };
}

function viaOf(
  topology: Topology,
  { exchange, routingKey }: Addressed,
  { headers = {} }: PublishRequest,
): string | null {
  if (topology.exchanges[exchange]?.alternate == null) return null;
  return route(topology, exchange, routingKey, headers).via;
}
