import { createEventReader, type RawMessage } from "../../src/events/reader.ts";
import { versionOf } from "../../src/loader/schema-version.ts";
import type { JsonSchema } from "../../src/topology.ts";

/** A reader of these events: type → schema. */
export function readerOf(schemas: Readonly<Record<string, JsonSchema>>) {
  const events = Object.entries(schemas).map(([type, schema]) => [
    type,
    { type, file: `schemas/events/${type}.json`, schema, version: versionOf(schema) },
  ]);
  return createEventReader(Object.fromEntries(events));
}

/** A message with this body: bytes or text as they are, anything else as JSON. */
export function messageOf(body: unknown, rest: Partial<RawMessage> = {}): RawMessage {
  const isRaw = typeof body === "string" || Buffer.isBuffer(body);
  return {
    body: Buffer.from(isRaw ? body : JSON.stringify(body)),
    contentType: "application/json",
    contentEncoding: null,
    headers: {},
    routingKey: "",
    ...rest,
  };
}
