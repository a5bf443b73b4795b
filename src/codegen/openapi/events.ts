/** What the body of a publish may be for each event, as components and examples. */
import { compileCheck } from "../../events/check.ts";
import { CLOUD_EVENT, type Fields, isObject } from "../../events/encoding.ts";
import type { EventSchema, Topology } from "../../topology.ts";
import { componentName, componentSchemas, refTo } from "../components.ts";
import { exampleOf } from "../example.ts";
import type { JsonObject } from "../json.ts";
import { flatSchema } from "./flat.ts";

export type EventBodies = {
  readonly schemas: JsonObject;
  /** Flat or in an envelope; `event_type` may be left out. */
  readonly body: (type: string) => JsonObject;
  /** The content of a request that is one of these events. */
  readonly content: (types: readonly string[]) => JsonObject;
};

/**
 * For an event `book.created` there are the components
 *
 * | `book.created`            | its fields |
 * | `book.created_Body`       | an event in JSON, flat or in an envelope |
 * | `book.created_Event`      | likewise, with its type |
 * | `book.created_CloudEvent` | a CloudEvent in structured mode |
 *
 * unless the schemas themselves have such a name.
 */
export function eventBodies(topology: Topology, types: readonly string[], take: Take): EventBodies {
  const events = types.flatMap((type) => topology.events[type] ?? []);
  const roots = new Map(events.map(({ type, schema }) => [type, schema]));
  const fields = componentSchemas(roots, "2020-12", take);
  const schemas: Record<string, unknown> = { ...fields.schemas };
  const components = new Map<string, Readonly<Record<Kind, Reference>>>();
  for (const event of events) {
    const { type } = event;
    const add = (kind: Kind, schema: JsonObject): Reference => {
      const name = take(`${componentName(type)}_${kind}`);
      schemas[name] = schema;
      return refTo(name);
    };
    const ref = fields.refTo(type);
    const Body = add("Body", bodyOf(event, ref, flatSchema(ref, typed(type), fields.schemas)));
    const Event = add("Event", eventOf(event, Body));
    components.set(type, { Body, Event, CloudEvent: add("CloudEvent", cloudEventOf(event, ref)) });
  }
  const component = (kind: Kind) => (type: string) =>
    components.get(type)?.[kind] ?? fields.refTo(type);
  return {
    schemas,
    body: component("Body"),
    content: (listed) => ({
      "application/json": {
        schema: unionOf(listed, component(listed.length === 1 ? "Body" : "Event"), "event_type"),
        ...examplesOf(topology, listed, jsonExamples),
      },
      [CLOUD_EVENT]: {
        schema: unionOf(listed, component("CloudEvent"), "type"),
        ...examplesOf(topology, listed, cloudEventExamples),
      },
    }),
  };
}

type Take = (wanted: string) => string;
type Reference = { readonly $ref: string };
type Kind = "Body" | "Event" | "CloudEvent";

function typed(type: string, fields: JsonObject = {}): JsonObject {
  const event_type = { description: "The event's type.", const: type };
  return { type: "object", properties: { event_type, ...fields } };
}

function bodyOf(event: EventSchema, data: JsonObject, flat: JsonObject): JsonObject {
  const envelope = { title: "In an envelope", ...typed(event.type, { data }), required: ["data"] };
  // With a property of that name nothing tells an envelope from the fields.
  const hasEnvelope = !compileCheck(event).hasData;
  return {
    ...describe(event),
    anyOf: [{ ...flat, title: "Flat" }, ...(hasEnvelope ? [envelope] : [])],
  };
}

function eventOf(event: EventSchema, body: JsonObject): JsonObject {
  return { ...describe(event), ...typed(event.type), required: ["event_type"], allOf: [body] };
}

/** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function cloudEventOf(event: EventSchema, fields: JsonObject): JsonObject {
  const isDataNeeded = compileCheck(event).violations({}, 0).length > 0;
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
      data: fields,
    },
  };
}

function describe({ schema: { description } }: EventSchema): JsonObject {
  return typeof description === "string" ? { description } : {};
}

/** One of several events, by the property that names it. */
function unionOf(
  types: readonly string[],
  component: (type: string) => Reference,
  propertyName: string,
): JsonObject {
  const [only, ...others] = types;
  if (only !== undefined && others.length === 0) return component(only);
  const mapping = Object.fromEntries(types.map((type) => [type, component(type).$ref]));
  return { oneOf: types.map(component), discriminator: { propertyName, mapping } };
}

type Examples = (event: EventSchema, fields: Fields) => JsonObject;

/** Of each event whose schema has an example, under `examples`. */
function examplesOf(topology: Topology, types: readonly string[], write: Examples): JsonObject {
  const examples: Record<string, unknown> = {};
  for (const type of types) {
    const event = topology.events[type];
    const fields = event === undefined ? undefined : exampleOf(event);
    if (event !== undefined && isObject(fields)) Object.assign(examples, write(event, fields));
  }
  return Object.keys(examples).length === 0 ? {} : { examples };
}

function jsonExamples(event: EventSchema, { event_type: _, ...fields }: Fields): JsonObject {
  const { type: event_type } = event;
  const flat = { summary: event_type, value: { event_type, ...fields } };
  if (compileCheck(event).hasData) return { [event_type]: flat };
  const envelope = {
    summary: `${event_type}, in an envelope`,
    value: { event_type, data: fields },
  };
  return { [event_type]: flat, [`${event_type}_envelope`]: envelope };
}

function cloudEventExamples({ type }: EventSchema, { event_type: _, ...data }: Fields): JsonObject {
  const value = { specversion: "1.0", type, id: "1", source: "/docs", data };
  return { [type]: { summary: type, value } };
}
