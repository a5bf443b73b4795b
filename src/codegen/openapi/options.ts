/** What a caller may say of a message besides the message: in the query, or around it. */
import { NUMBERS } from "../../numbers.ts";
import { type JsonObject, sortedEntries } from "../json.ts";

const { maxNameBytes, maxTtlMs, maxHeaders, maxHeaderBytes, maxHeaderKeyBytes } = NUMBERS;

/** By name, without `routing_key` and `headers`, which no query has. */
const schemas: Readonly<Record<string, JsonObject>> = {
  message_id: {
    description: `1 to ${maxNameBytes} bytes; a UUID if left out. Send a message again with its first id, so that consumers can tell.`,
    ...{ type: "string", minLength: 1, maxLength: maxNameBytes },
  },
  correlation_id: {
    description: `At most ${maxNameBytes} bytes.`,
    ...{ type: "string", maxLength: maxNameBytes },
  },
  priority: {
    description: "Queues with `maxPriority` deliver higher ones first.",
    ...{ type: "integer", minimum: 0, maximum: 255 },
  },
  expiration: {
    description: "Milliseconds that it may wait in a queue.",
    ...{ type: "integer", minimum: 0, maximum: maxTtlMs },
  },
  delivery_mode: {
    description: "2: survives a restart of the broker, as it does if nothing is said; 1: does not.",
    enum: [1, 2],
  },
};

/** Of a message in its wrapper; `routing_key` depends on the exchange. */
export const wrapperOptions: JsonObject = {
  ...schemas,
  headers: {
    description: `AMQP headers. Names are 1 to ${maxHeaderKeyBytes} bytes, and not \`x-…\`, \`CC\` or \`BCC\`.`,
    type: "object",
    maxProperties: maxHeaders,
    propertyNames: {
      maxLength: maxHeaderKeyBytes,
      pattern: "^(?!([xX]-.*|[cC][cC]|[bB][cC][cC]|__proto__|constructor|prototype)$).",
    },
    additionalProperties: {
      type: ["boolean", "number", "string"],
      maxLength: maxHeaderBytes,
    },
  },
};

const { correlation_id: _id, expiration: _expiration, ...callable } = wrapperOptions;

/** Of a call, likewise. */
export const callOptions: JsonObject = {
  ...callable,
  timeout: {
    description: `Milliseconds for the reply, ${NUMBERS.callTimeoutMs} if nothing is said; a request that waits longer is not handled.`,
    ...{ type: "integer", minimum: 1, maximum: NUMBERS.maxCallTimeoutMs },
  },
};

/** Parameters of the operations that publish, as components. */
export const parameterComponents: JsonObject = {
  ...Object.fromEntries(
    sortedEntries(schemas).map(([name, { description, ...schema }]) => [
      name,
      { name, in: "query", description, schema },
    ]),
  ),
  "Idempotency-Key": {
    ...{ name: "Idempotency-Key", in: "header" },
    description:
      "The same as `message_id`, which it has to be equal to where both are given. It stands for one message alone.",
    schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x20-\\x7e]*$" },
  },
  traceparent: traceHeader("traceparent", "The W3C trace context, which goes on with the message."),
  tracestate: traceHeader("tracestate", "Goes on with a valid `traceparent` alone."),
  ...cloudEventHeader(
    "specversion",
    { type: "string", pattern: "^1\\." },
    "With it the body is the event's fields.",
  ),
  ...cloudEventHeader("type", { type: "string" }, "The event's type."),
  ...cloudEventHeader("id", { type: "string" }, "Goes on as the AMQP header `cloudEvents_id`."),
  ...cloudEventHeader("source", { type: "string", format: "uri-reference" }, "Who sends it."),
};

/** All options of a publish whose body is the message alone. */
export const queryParameters: readonly JsonObject[] = [
  ...Object.keys(schemas).sort().map(parameterRef),
  ...["Idempotency-Key", "traceparent", "tracestate"].map(parameterRef),
];

/** A CloudEvent in binary mode says these. */
export const cloudEventParameters: readonly JsonObject[] = [
  ...["ce-specversion", "ce-type", "ce-id", "ce-source"].map(parameterRef),
];

function cloudEventHeader(name: string, schema: JsonObject, description: string): JsonObject {
  const text = `CloudEvents in binary mode. ${description}`;
  return { [`ce-${name}`]: { name: `ce-${name}`, in: "header", description: text, schema } };
}

function traceHeader(name: string, description: string): JsonObject {
  return { name, in: "header", description, schema: { type: "string" } };
}

function parameterRef(name: string): JsonObject {
  return { $ref: `#/components/parameters/${name}` };
}

/** Those in headers alone, where the other options stand in the body. */
export const wrapperParameters: readonly JsonObject[] = [
  ...["Idempotency-Key", "traceparent", "tracestate"].map(parameterRef),
];
