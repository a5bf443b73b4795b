/** The one way by which HTTP and handlers publish. */
import { randomUUID } from "node:crypto";
import type { ErrorCode } from "../errors.ts";
import { CLOUD_EVENT, mediaType } from "../events/encoding.ts";
import type { EventReader, Violation } from "../events/reader.ts";
import { NUMBERS } from "../numbers.ts";
import { publicationTarget } from "../routing/events.ts";
import { route } from "../routing/route.ts";
import type { Topology } from "../topology.ts";
import { compileProperties, propertySchemas } from "./properties.ts";
import type { Outgoing, Publisher } from "./publisher.ts";

/** To an exchange, or to the exchange that lists the event: by its name or that of its group. */
export type PublishTarget =
  | { readonly exchange: string /** null: the event type. */; readonly routingKey: string | null }
  | { readonly publication: string };

export type PublishRequest = PublishTarget & {
  /** JSON, as it goes on the wire. */
  readonly body: Buffer;
  /** A CloudEvent in structured mode says so here; anything else is plain JSON. */
  readonly contentType: string | null;
  /** null: one is made up. */
  readonly messageId: string | null;
  readonly correlationId?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  /** 0 to 255. */
  readonly priority?: number;
  readonly expirationMs?: number;
  /** Default true. */
  readonly persistent?: boolean;
};

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

type Refusal = {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly violations?: readonly Violation[];
};

type Parts = {
  readonly topology: Topology;
  readonly reader: EventReader;
  readonly publisher: Publisher;
};

/** Where a message goes, and the event that it is; null in an open exchange. */
type Addressed = {
  readonly ok: true;
  readonly exchange: string;
  readonly routingKey: string;
  readonly type: string | null;
};

/** Publishes what has passed every check; the result never rejects but for a bug. */
export function createPublish(parts: Parts): (request: PublishRequest) => Promise<Published> {
  const { topology, publisher } = parts;
  return async (request) => {
    const messageId = request.messageId ?? randomUUID();
    const addressed = checkMessage(request) ?? address(parts, request);
    if (!addressed.ok) return { ...addressed, messageId };
    const { exchange, routingKey } = addressed;
    const outcome = await publisher.publish(compose(request, addressed, messageId));
    if (outcome.status !== "confirmed") {
      return { ...refuse(outcome.status, outcome.message), messageId };
    }
    const via = viaOf(topology, addressed, request);
    return { ok: true, messageId, exchange, routingKey, via };
  };
}

const checkProperties = compileProperties({
  type: "object",
  properties: propertySchemas,
  additionalProperties: false,
});

function checkMessage(request: PublishRequest): Refusal | null {
  const { messageId, correlationId, priority, expirationMs, headers } = request;
  const routingKey = "exchange" in request ? request.routingKey : null;
  const violations = checkProperties(
    {
      ...(routingKey === null ? {} : { routing_key: routingKey }),
      ...(messageId === null ? {} : { message_id: messageId }),
      ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
      ...(priority === undefined ? {} : { priority }),
      ...(expirationMs === undefined ? {} : { expiration: expirationMs }),
      ...(headers === undefined ? {} : { headers }),
    },
    0,
  );
  if (violations.length > 0) return malformed(violations);
  const { length } = request.body;
  if (length <= NUMBERS.maxBodyBytes) return null;
  return refuse(
    "body-too-large",
    `the message is ${length} bytes, at most ${NUMBERS.maxBodyBytes} are taken`,
  );
}

function address(parts: Parts, request: PublishRequest): Addressed | Refusal {
  if ("publication" in request) return addressPublication(parts, request, request.publication);
  const exchange = Object.hasOwn(parts.topology.exchanges, request.exchange)
    ? parts.topology.exchanges[request.exchange]
    : undefined;
  if (exchange === undefined) {
    return refuse("unknown-exchange", `no exchange ${shown(request.exchange)} is declared`);
  }
  const { name, type: kind, internal, events } = exchange;
  if (internal) return refuse("unknown-exchange", `nobody publishes to ${shown(name)}: internal`);
  const { routingKey } = request;
  const event = readEvent(parts.reader, request, events, routingKey ?? "");
  if (!event.ok) return event;
  const { type } = event;
  if (type === null) {
    if (routingKey !== null || (kind !== "direct" && kind !== "topic")) {
      return { ok: true, exchange: name, routingKey: routingKey ?? "", type };
    }
    const message = `must be given: ${shown(name)} routes by it`;
    return malformed([{ pointer: "/routing_key", message }]);
  }
  if (routingKey === null || routingKey === type) {
    return { ok: true, exchange: name, routingKey: type, type };
  }
  const message = `the event is ${shown(type)}, the routing key ${shown(routingKey)}`;
  return refuse("key-mismatch", message);
}

function addressPublication(
  { topology, reader }: Parts,
  request: PublishRequest,
  name: string,
): Addressed | Refusal {
  const target = publicationTarget(topology, name);
  if (target === null) {
    return refuse("unknown-event", `no exchange lists an event or a group ${shown(name)}`);
  }
  const types = [...target.keys()];
  const [only = ""] = types.length === 1 ? types : [];
  const event = readEvent(reader, request, types, only);
  if (!event.ok) return event;
  const type = event.type ?? only;
  const exchange = target.get(type) ?? "";
  return { ok: true, exchange, routingKey: type, type };
}

/** `named` is the type of an event that does not say it. */
function readEvent(
  reader: EventReader,
  { body, contentType, headers = {} }: PublishRequest,
  expected: readonly string[] | null,
  named: string,
): { readonly ok: true; readonly type: string | null } | Refusal {
  const message = { body, contentType, contentEncoding: null, headers, routingKey: named };
  const read = reader.read(message, expected);
  if (read.ok) return read;
  if (read.code === "undecodable") return refuse("malformed", read.message);
  return { ...refuse(read.code, read.message), violations: read.violations };
}

function compose(request: PublishRequest, addressed: Addressed, messageId: string): Outgoing {
  const { body, contentType, headers = {}, persistent = true } = request;
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

function malformed(violations: readonly Violation[]): Refusal {
  const [first] = violations;
  return { ...refuse("malformed", `${first?.pointer} ${first?.message}`), violations };
}

function refuse(code: ErrorCode, message: string): Refusal {
  return { ok: false, code, message };
}

function shown(text: string): string {
  return JSON.stringify(text.length <= 100 ? text : `${text.slice(0, 99)}…`);
}
