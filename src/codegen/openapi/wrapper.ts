/** `POST /publish`: a message in a wrapper that says where it goes. */
import { isObject } from "../../events/encoding.ts";
import type { Exchange, Topology } from "../../topology.ts";
import type { EventBodies } from "../bodies.ts";
import { componentName, refTo, type Take } from "../components.ts";
import { exampleOf } from "../example.ts";
import { type JsonObject, sortedEntries } from "../json.ts";
import { wrapperOptions } from "./options.ts";

export type Wrapper = {
  readonly schemas: JsonObject;
  readonly content: JsonObject;
};

/** What may be published to each exchange, by the component `To_<exchange>`. */
export function wrapperOf(topology: Topology, bodies: EventBodies, take: Take): Wrapper {
  const exchanges = sortedEntries(topology.exchanges)
    .map(([, exchange]) => exchange)
    .filter(({ internal }) => !internal)
    .map((exchange) => ({ exchange, component: take(`To_${componentName(exchange.name)}`) }));
  const mapping = Object.fromEntries(
    exchanges.map(({ exchange, component }) => [exchange.name, refTo(component).$ref]),
  );
  const oneOf = exchanges.map(({ component }) => refTo(component));
  const union =
    oneOf.length === 0
      ? { not: { required: ["exchange"] } }
      : { oneOf, discriminator: { propertyName: "exchange", mapping } };
  const examples = exchanges.flatMap(({ exchange }) => wrapperExample(topology, exchange));
  return {
    schemas: {
      ...Object.fromEntries(
        exchanges.map(({ exchange, component }) => [component, destination(exchange, bodies)]),
      ),
      Publish: {
        description: "A message, where it goes, and how.",
        type: "object",
        required: ["exchange", "message"],
        properties: { exchange: { enum: Object.keys(mapping) }, ...wrapperOptions },
        ...union,
        unevaluatedProperties: false,
      },
    },
    content: {
      "application/json": {
        schema: refTo("Publish"),
        ...(examples.length > 0 && { examples: Object.fromEntries(examples) }),
      },
    },
  };
}

function destination({ name, type, events }: Exchange, bodies: EventBodies): JsonObject {
  const isKeyNeeded = events === null && (type === "direct" || type === "topic");
  const routingKey =
    events === null
      ? { description: "By which it is routed.", type: "string", maxLength: 255 }
      : { description: "The event type, or left out.", enum: [...events].sort() };
  return {
    title: name,
    description: `To the ${type} exchange \`${name}\`: ${events === null ? "any JSON" : "its events"}.`,
    type: "object",
    required: ["exchange", "message", ...(isKeyNeeded ? ["routing_key"] : [])],
    properties: {
      exchange: { const: name },
      ...(events?.length === 0 ? {} : { routing_key: routingKey }),
      message: messageOf(events, bodies),
    },
  };
}

function messageOf(events: readonly string[] | null, bodies: EventBodies): unknown {
  if (events === null) return { description: "Any JSON; it goes on as it stands here." };
  const members = [...events].sort().map(bodies.body);
  return members.length === 0 ? { not: {} } : { anyOf: members };
}

function wrapperExample(
  topology: Topology,
  exchange: Exchange,
): readonly (readonly [string, JsonObject])[] {
  const { name, events } = exchange;
  const key = `To_${componentName(name)}`;
  if (events === null) {
    const routing_key = openKey(topology, exchange);
    const value = { exchange: name, routing_key, message: { hello: "world" } };
    return [[key, { summary: name, value }]];
  }
  for (const type of [...events].sort()) {
    const event = topology.events[type];
    const fields = event === undefined ? undefined : exampleOf(event);
    if (!isObject(fields)) continue;
    const message = { event_type: type, ...fields };
    return [[key, { summary: name, value: { exchange: name, routing_key: type, message } }]];
  }
  return [];
}

/** A key that some binding of the exchange takes. */
function openKey({ bindings }: Topology, { name }: Exchange): string {
  const keys = bindings.filter(({ source }) => source === name).map(({ key }) => key);
  const [key = ""] = keys.filter((one) => one !== "").sort();
  return key.replaceAll("*", "example").replaceAll("#", "example") || "example";
}
