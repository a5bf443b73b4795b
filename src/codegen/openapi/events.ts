/** What a request that publishes an event may have as its body, with examples. */
import { compileCheck } from "../../events/check.ts";
import { CLOUD_EVENT, type Fields, isObject } from "../../events/encoding.ts";
import type { EventSchema, Topology } from "../../topology.ts";
import { describe, type EventBodies, typed } from "../bodies.ts";
import { componentName, type Reference, refTo, type Take } from "../components.ts";
import { exampleOf } from "../example.ts";
import type { JsonObject } from "../json.ts";

export type EventRequests = {
  readonly schemas: JsonObject;
  /** The content of a request that is one of these events. */
  readonly content: (types: readonly string[]) => JsonObject;
};

/**
 * Adds the components `book.created_Event`, a body that says its type, and
 * `book.created_CloudEvent`, in structured mode, for each of these events.
 */
export function eventRequests(
  topology: Topology,
  types: readonly string[],
  bodies: EventBodies,
  take: Take,
): EventRequests {
  const schemas: Record<string, unknown> = {};
  const add = (type: string, kind: string, schema: JsonObject): readonly [string, Reference] => {
    const name = take(`${componentName(type)}_${kind}`);
    schemas[name] = schema;
    return [type, refTo(name)];
  };
  const events = types.flatMap((type) => topology.events[type] ?? []);
  const named = new Map(
    events.map((event) => add(event.type, "Event", eventOf(event, bodies.body(event.type)))),
  );
  const cloudEvents = new Map(
    events.map((event) =>
      add(event.type, "CloudEvent", cloudEventOf(event, bodies.fields(event.type))),
    ),
  );
  const content = (listed: readonly string[]) => ({
    "application/json": {
      schema: unionOf(listed.map(bodies.body), named, listed, "event_type"),
      ...examplesOf(topology, listed, listed.length === 1 ? bothExamples : flatExample),
    },
    [CLOUD_EVENT]: {
      schema: unionOf([], cloudEvents, listed, "type"),
      ...examplesOf(topology, listed, cloudEventExample),
    },
  });
  return { schemas, content };
}

function eventOf(event: EventSchema, body: Reference): JsonObject {
  return { ...describe(event), ...typed(event.type), required: ["event_type"], allOf: [body] };
}

/** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function cloudEventOf(event: EventSchema, data: Reference): JsonObject {
  const isDataNeeded = compileCheck(event).violations({}).length > 0;
  return {
    ...describe(event),
    type: "object",
    required: ["specversion", "type", ...(isDataNeeded ? ["data"] : [])],
    properties: {
      specversion: { type: "string", pattern: "^1\\." },
      type: { description: "The event's type.", const: event.type },
      id: { description: "Of the event; its `message_id` is another one.", type: "string" },
      source: { description: "Who sends it.", type: "string", format: "uri-reference" },
      time: { type: "string", format: "date-time" },
      data,
    },
  };
}

/** One of several events, by the property that names it; `alone`: what the only one may be. */
function unionOf(
  alone: readonly Reference[],
  named: ReadonlyMap<string, Reference>,
  types: readonly string[],
  propertyName: string,
): JsonObject {
  const members = types.flatMap((type) => named.get(type) ?? []);
  const [only, ...others] = members;
  if (only !== undefined && others.length === 0) return alone[0] ?? only;
  const mapping = Object.fromEntries(types.map((type) => [type, named.get(type)?.$ref]));
  return { oneOf: members, discriminator: { propertyName, mapping } };
}

type Examples = (event: EventSchema, fields: Fields) => JsonObject;

/** Of each event whose schema has an example, under `examples`. */
function examplesOf(topology: Topology, types: readonly string[], write: Examples): JsonObject {
  const examples: Record<string, unknown> = {};
  for (const type of types) {
    const event = topology.events[type];
    const fields = event === undefined ? undefined : exampleOf(event);
    if (event === undefined || !isObject(fields)) continue;
    const { event_type: _, ...untyped } = fields;
    Object.assign(examples, write(event, untyped));
  }
  return Object.keys(examples).length === 0 ? {} : { examples };
}

function flatExample({ type }: EventSchema, fields: Fields): JsonObject {
  return { [type]: { summary: type, value: { event_type: type, ...fields } } };
}

function bothExamples(event: EventSchema, fields: Fields): JsonObject {
  const flat = flatExample(event, fields);
  if (compileCheck(event).hasData) return flat;
  const value = { event_type: event.type, data: fields };
  return { ...flat, envelope: { summary: `${event.type}, in an envelope`, value } };
}

function cloudEventExample({ type }: EventSchema, data: Fields): JsonObject {
  const value = { specversion: "1.0", type, id: "1", source: "/docs", data };
  return { [type]: { summary: type, value } };
}
