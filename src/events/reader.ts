/** Body → event: decodes, finds the event in any of its three encodings, and checks its fields. */
import { quoted } from "../errors.ts";
import type { Topology } from "../topology.ts";
import { compileCheck, type EventCheck } from "./check.ts";
import { type Claim, isObject, type RawMessage, readClaim } from "./encoding.ts";
import { decodeJson } from "./json.ts";
import type { Violation } from "./violations.ts";

export type { RawMessage } from "./encoding.ts";
export type { Violation } from "./violations.ts";

/**
 * | code             | the message |
 * |------------------|-------------|
 * | undecodable      | is not JSON within the limits |
 * | unknown-event    | names an event that has no schema |
 * | unexpected-event | names an event that has no place here |
 * | invalid-event    | is no event, or its fields break its schema |
 */
export type ReadResult =
  | {
      readonly ok: true;
      /** null where any JSON is taken. */
      readonly type: string | null;
      /** A fresh value: the fields with their `event_type`, or the JSON as it is. */
      readonly event: unknown;
    }
  | {
      readonly ok: false;
      readonly code: "undecodable" | "unknown-event" | "unexpected-event" | "invalid-event";
      readonly message: string;
      readonly violations: readonly Violation[];
      /** Which schema the fields break, as `type@version`. */
      readonly schema: string | null;
    };

export type EventReader = {
  /** `expected`: the events that may come; null takes any JSON, unchecked. Never throws. */
  read(message: RawMessage, expected: readonly string[] | null): ReadResult;
};

/** Compiles the schema of an event when the first one comes: that takes some milliseconds each. */
export function createEventReader(events: Topology["events"]): EventReader {
  return {
    read: (message, expected) => {
      if (!isPlain(message.contentEncoding)) {
        return refuse("undecodable", `content encoding ${quoted(message.contentEncoding ?? "")}`);
      }
      const decoded = decodeJson(message.body);
      if (!decoded.ok) return refuse("undecodable", decoded.message);
      if (expected === null) return { ok: true, type: null, event: decoded.value };
      const claim = readClaim(message, decoded.value);
      if (!claim.ok) return invalid("the message is no event", [claim.violation]);
      const { type } = claim;
      const schema = Object.hasOwn(events, type) ? events[type] : undefined;
      if (schema === undefined) {
        return refuse("unknown-event", `no schema for event ${quoted(type)}`);
      }
      if (!expected.includes(type)) {
        return refuse("unexpected-event", `event ${quoted(type)} has no place here`);
      }
      const read = checkFields(compileCheck(schema), claim);
      return read.ok ? read : { ...read, schema: `${type}@${schema.version}` };
    },
  };
}

function checkFields(
  check: EventCheck,
  { type, content, mayBeEnvelope }: Extract<Claim, { ok: true }>,
): ReadResult {
  const name = `event ${quoted(type)}`;
  const isEnvelope = mayBeEnvelope && isObject(content) && !check.hasData && isObject(content.data);
  const event = isEnvelope ? content.data : content;
  if (!isObject(event)) {
    return invalid(`${name} is invalid`, [{ pointer: "", message: "must be an object" }]);
  }
  const { event_type: named = type, ...rest } = event;
  if (named !== type) {
    const message = `must be ${quoted(type)}, as the message says`;
    return invalid(`${name} is invalid`, [{ pointer: "/event_type", message }]);
  }
  const violations = check.violations(rest);
  if (violations.length > 0) return invalid(`${name} is invalid`, violations);
  // A second copy of what may be thousands of fields would take as long as decoding them.
  return { ok: true, type, event: Object.assign(rest, { event_type: type }) };
}

/** Nothing has to be unpacked. */
function isPlain(contentEncoding: string | null): boolean {
  return contentEncoding === null || /^(|identity|utf-8)$/i.test(contentEncoding);
}

function refuse(code: Exclude<ReadResult, { ok: true }>["code"], message: string): ReadResult {
  return { ok: false, code, message, violations: [], schema: null };
}

/** The first violation stands in the message too, for logs. */
function invalid(what: string, violations: readonly Violation[]): ReadResult {
  const [first] = violations;
  const message = `${what}: ${first?.pointer || "the whole"} ${first?.message}`;
  return { ok: false, code: "invalid-event", message, violations, schema: null };
}
