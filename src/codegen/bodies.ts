/** The schemas of events as components of a document: of their fields, and of what is on the wire. */
import { compileCheck } from "../events/check.ts";
import type { EventSchema, Topology } from "../topology.ts";
import { componentName, componentSchemas, type Reference, refTo, type Take } from "./components.ts";
import type { Dialect } from "./dialect.ts";
import { flatSchema } from "./flat.ts";
import type { JsonObject } from "./json.ts";

export type EventBodies = {
  readonly schemas: JsonObject;
  /** An event's fields. */
  readonly fields: (type: string) => Reference;
  /** An event in JSON, flat or in an envelope; `event_type` may be left out. */
  readonly body: (type: string) => Reference;
};

/** The components `book.created`, the fields, and `book.created_Body`, for each of these events. */
export function eventBodies(
  topology: Topology,
  types: readonly string[],
  dialect: Dialect,
  take: Take,
): EventBodies {
  const events = types.flatMap((type) => topology.events[type] ?? []);
  const roots = new Map(events.map(({ type, schema }) => [type, schema]));
  const { schemas, refTo: fields } = componentSchemas(roots, dialect, take);
  const names = new Map(types.map((type) => [type, take(`${componentName(type)}_Body`)]));
  const body = (type: string) => refTo(names.get(type) ?? type);
  const bodies = events.map((event) => {
    const { type } = event;
    const flat = flatSchema(fields(type), typed(type), schemas);
    return [names.get(type) ?? type, bodyOf(event, fields(type), flat)] as const;
  });
  return { schemas: { ...schemas, ...Object.fromEntries(bodies) }, fields, body };
}

/** An object that names this event, where it names one. */
export function typed(type: string, more: JsonObject = {}): JsonObject {
  const event_type = { description: "The event's type.", const: type };
  return { type: "object", properties: { event_type, ...more } };
}

/** The description of an event's schema, if it has one. */
export function describe({ schema: { description } }: EventSchema): JsonObject {
  return typeof description === "string" ? { description } : {};
}

function bodyOf(event: EventSchema, data: JsonObject, flat: JsonObject): JsonObject {
  const description = describe(event);
  // With a property of that name nothing tells an envelope from the fields.
  if (compileCheck(event).hasData) return { ...description, anyOf: [{ ...flat, title: "Flat" }] };
  const envelope = { title: "In an envelope", ...typed(event.type, { data }), required: ["data"] };
  return { ...description, anyOf: [{ not: hasData, ...flat, title: "Flat" }, envelope] };
}

/** With an object of that name it is an envelope, and its fields are there alone. */
const hasData: JsonObject = {
  required: ["data"],
  properties: { data: { type: "object" } },
};
