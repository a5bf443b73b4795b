import type { Topology } from "../topology.ts";
import { compileCheck } from "./check.ts";
import { isObject, type RawMessage, readClaim } from "./encoding.ts";

/**
 * The event in a decoded message as a handler would get it, but unchecked: without its
 * `event_type`, whichever of the three encodings it has; undefined where there is none.
 */
export function locateEvent(
  message: RawMessage,
  value: unknown,
  events: Topology["events"],
): unknown {
  const claim = readClaim(message, value);
  if (!claim.ok) return undefined;
  const { type, content, mayBeEnvelope } = claim;
  const schema = Object.hasOwn(events, type) ? events[type] : undefined;
  const hasData = schema !== undefined && compileCheck(schema).hasData;
  const isEnvelope = mayBeEnvelope && !hasData && isObject(content) && isObject(content.data);
  return isEnvelope ? content.data : content;
}
