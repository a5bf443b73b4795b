/**
 * What a message takes over from what led to it, a message or a request of HTTP, where its publisher
 * says nothing else: so one can follow it from end to end.
 */
import type { ReceivedMessage } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import type { PublishRequest } from "./address.ts";

/** It is no caller's: it is short enough, and counts in none of a caller's limits. */
export type Inherited = {
  readonly correlationId?: string;
  readonly priority?: number;
  readonly headers: Readonly<Record<string, string>>;
};

/** The header with the id of the message whose handler published this one. AMQP has none for it. */
export const CAUSATION_HEADER = "causation-id";

/** What is published while a message is handled belongs to what that belongs to. */
export function inheritedOf(message: ReceivedMessage): Inherited {
  const { id, correlationId, priority, headers } = message;
  return {
    correlationId: isShort(correlationId) ? correlationId : id,
    ...(priority === null ? {} : { priority }),
    headers: { [CAUSATION_HEADER]: id, ...traceContext(headers) },
  };
}

/**
 * The W3C trace context of a request or a message, unchanged: nothing here is a span of its own. What
 * is no `traceparent` is left out, and its `tracestate` with it.
 *
 * @see https://www.w3.org/TR/trace-context/
 */
export function traceContext(headers: {
  readonly [name: string]: unknown;
}): Readonly<Record<string, string>> {
  const { traceparent, tracestate } = headers;
  if (!isTraceparent(traceparent)) return {};
  return { traceparent, ...(isTracestate(tracestate) ? { tracestate } : {}) };
}

/** The request as it is to be sent; what it says itself wins. */
export function withInherited(request: PublishRequest): PublishRequest {
  const { inherited } = request;
  if (!inherited) return request;
  const { headers, ...properties } = inherited;
  const together = { headers: Object.assign({}, headers, request.headers) };
  return Object.assign({}, properties, request, together);
}

/** Bytes that are no UTF-8 grow when they are decoded, and could not be sent again. */
function isShort(text: string | null): text is string {
  return text !== null && text !== "" && Buffer.byteLength(text) <= NUMBERS.maxNameBytes;
}

/** Later versions may say more after what version 00 says. */
function isTraceparent(value: unknown): value is string {
  if (typeof value !== "string" || value.length > NUMBERS.maxTraceBytes) return false;
  const [, version, trace = "", parent = "", more] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x20-\x7e]*)?$/.exec(value) ?? [];
  const isKnown = version !== undefined && version !== "ff" && (version !== "00" || !more);
  return isKnown && /[^0]/.test(trace) && /[^0]/.test(parent);
}

function isTracestate(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^[\t\x20-\x7e]+$/.test(value) &&
    value.length <= NUMBERS.maxTraceBytes
  );
}
