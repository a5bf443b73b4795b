/** Finds the event in a decoded message: flat, in an envelope, or as a CloudEvent. */
import type { Violation } from "./violations.ts";

export type RawMessage = {
  readonly body: Buffer;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly routingKey: string;
};

export type Fields = Readonly<Record<string, unknown>>;

/** What a message says it is; its fields are checked afterwards. */
export type Claim =
  | {
      readonly ok: true;
      readonly type: string;
      /** What stands under the type: the fields, an envelope of them, or no object at all. */
      readonly content: unknown;
      /** A CloudEvent's data is never an envelope. */
      readonly mayBeEnvelope: boolean;
    }
  | { readonly ok: false; readonly violation: Violation };

/** The media type of a CloudEvent in structured mode. */
export const CLOUD_EVENT = "application/cloudevents+json";

/** A message without an event type of its own has its routing key's. */
export function readClaim(message: RawMessage, value: unknown): Claim {
  if (mediaType(message.contentType) === CLOUD_EVENT) return readStructured(value);
  const type = binaryType(message.headers);
  if (type !== null) return { ok: true, type, content: value, mayBeEnvelope: false };
  if (!isObject(value)) return refuse("", "must be an object");
  const { event_type: named = message.routingKey } = value;
  if (typeof named !== "string" || named === "") {
    return refuse("/event_type", "must name the event");
  }
  return { ok: true, type: named, content: value, mayBeEnvelope: true };
}

/** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function readStructured(value: unknown): Claim {
  if (!isObject(value)) return refuse("", "must be an object");
  const { specversion, type, data = {}, data_base64 } = value;
  if (!isVersion1(specversion)) return refuse("/specversion", 'must be "1.0"');
  if (typeof type !== "string" || type === "") return refuse("/type", "must name the event");
  if (data_base64 !== undefined) return refuse("/data_base64", "is not read: send JSON as data");
  return { ok: true, type, content: data, mayBeEnvelope: false };
}

/** By the AMQP binding of CloudEvents (`cloudEvents:`, `cloudEvents_`), or `ce-` as in HTTP. */
const PREFIXES = ["cloudEvents:", "cloudEvents_", "ce-"];

/** @returns null if the headers are not those of a CloudEvent in binary mode. */
function binaryType(headers: Fields): string | null {
  for (const prefix of PREFIXES) {
    const type = headers[`${prefix}type`];
    if (type !== undefined && isVersion1(headers[`${prefix}specversion`])) {
      return typeof type === "string" && type !== "" ? type : null;
    }
  }
  return null;
}

function isVersion1(version: unknown): boolean {
  return typeof version === "string" && version.startsWith("1.");
}

function refuse(pointer: string, message: string): Claim {
  return { ok: false, violation: { pointer, message } };
}

/** `application/json` of `Application/JSON; charset=utf-8`. */
export function mediaType(contentType: string | null): string {
  if (contentType === null || contentType === "application/json") return "application/json";
  const end = contentType.indexOf(";");
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** An object of JSON: no array, not null. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
