/** Where a message goes: its exchange and routing key, and the event that it has to be there. */
import { type ErrorCode, quoted } from "../../errors.ts";
import type { EventReader, Violation } from "../../events/reader.ts";
import { publicationTarget } from "../../routing/events.ts";
import type { Topology } from "../../topology.ts";
import type { Inherited } from "./inherited.ts";

/**
 * To an exchange, by a routing key or else the event type; or to the exchange that lists the event,
 * by the event's name or its group's.
 */
export type PublishTarget =
  | { readonly exchange: string; readonly routingKey: string | null }
  | { readonly publication: string };

export type PublishRequest = PublishTarget & {
  /** JSON, as it goes on the wire. */
  readonly body: Buffer;
  /** A CloudEvent in structured mode says so here; anything else is plain JSON. */
  readonly contentType: string | null;
  /** null: one is made up. */
  readonly messageId: string | null;
  /** `messageId` is an Idempotency-Key: it stands for this exchange, key and body alone. */
  readonly isKeyed?: boolean;
  readonly correlationId?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  /** 0 to 255. */
  readonly priority?: number;
  readonly expirationMs?: number;
  /** Default true. */
  readonly persistent?: boolean;
  /** What it says nothing else of. */
  readonly inherited?: Inherited;
};

/** Why a message is not published. */
export type Refusal = {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly violations?: readonly Violation[];
};

/** Where a message goes, and the event that it is; null in an open exchange. */
export type Addressed = {
  readonly ok: true;
  readonly exchange: string;
  readonly routingKey: string;
  readonly type: string | null;
};

type Parts = { readonly topology: Topology; readonly reader: EventReader };

/** Finds the exchange, reads the message as what may be published there, and gives it its key. */
export function address(parts: Parts, request: PublishRequest): Addressed | Refusal {
  if ("publication" in request) return addressPublication(parts, request, request.publication);
  const exchange = Object.hasOwn(parts.topology.exchanges, request.exchange)
    ? parts.topology.exchanges[request.exchange]
    : undefined;
  if (exchange === undefined) {
    return refuse("unknown-exchange", `no exchange ${quoted(request.exchange)} is declared`);
  }
  const { name, type: kind, internal, events } = exchange;
  if (internal) return refuse("unknown-exchange", `nobody publishes to ${quoted(name)}: internal`);
  const { routingKey } = request;
  const event = readEvent(parts.reader, request, events, routingKey ?? "");
  if (!event.ok) return event;
  const { type } = event;
  if (type === null) {
    if (routingKey !== null || (kind !== "direct" && kind !== "topic")) {
      return { ok: true, exchange: name, routingKey: routingKey ?? "", type };
    }
    const message = `must be given: ${quoted(name)} routes by it`;
    return malformed([{ pointer: "/routing_key", message }]);
  }
  if (routingKey === null || routingKey === type) {
    return { ok: true, exchange: name, routingKey: type, type };
  }
  const message = `the event is ${quoted(type)}, the routing key ${quoted(routingKey)}`;
  return refuse("key-mismatch", message);
}

function addressPublication(
  { topology, reader }: Parts,
  request: PublishRequest,
  name: string,
): Addressed | Refusal {
  const target = publicationTarget(topology, name);
  if (target === null) {
    return refuse("unknown-event", `no exchange lists an event or a group ${quoted(name)}`);
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

/** The first violation is in the text, too. */
export function malformed(violations: readonly Violation[]): Refusal {
  const [first] = violations;
  return { ...refuse("malformed", `${first?.pointer} ${first?.message}`), violations };
}

/** A refusal without violations. */
export function refuse(code: ErrorCode, message: string): Refusal {
  return { ok: false, code, message };
}
