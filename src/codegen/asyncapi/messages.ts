/** What exchanges and queues carry. */
import { isObject } from "../../events/encoding.ts";
import type { EventSchema, Queue, ReplySchema, Topology } from "../../topology.ts";
import { describe, eventBodies } from "../bodies.ts";
import { componentName, componentSchemas, type Take } from "../components.ts";
import { exampleOf } from "../example.ts";
import { type JsonObject, sortedEntries } from "../json.ts";

export type Messages = {
  readonly schemas: JsonObject;
  /** By component name. */
  readonly components: JsonObject;
  /** The component of an event; null: any JSON. */
  readonly ofEvent: (type: string | null) => string;
  /** The component of what a queue's handler replies; undefined: nothing. */
  readonly ofReply: (queue: string) => string | undefined;
};

/** A message for each event and reply, and one for any JSON; of a reply, if there is one without a schema. */
export function messagesOf(topology: Topology, take: Take, takeMessage: Take): Messages {
  const events = sortedEntries(topology.events);
  const replies = sortedEntries(topology.replies);
  const types = events.map(([type]) => type);
  const { schemas, body } = eventBodies(topology, types, "draft-07", take);
  const roots = new Map(replies.map(([queue, { schema }]) => [replyName(queue), schema]));
  const replySchemas = componentSchemas(roots, "draft-07", take);
  const anything = takeMessage("any");
  const eventNames = new Map(types.map((type) => [type, takeMessage(componentName(type))]));
  const replyNames = new Map(
    replies.map(([queue]) => [queue, takeMessage(componentName(replyName(queue)))]),
  );
  const isUntyped = ({ name, rpc }: Queue) => rpc && topology.replies[name] === undefined;
  const hasUntyped = Object.values(topology.queues).some(isUntyped);
  const anyReply = hasUntyped ? takeMessage(replyName("any")) : undefined;
  const components = Object.fromEntries([
    [anything, anyMessage],
    ...(anyReply === undefined ? [] : [[anyReply, anyReplyMessage]]),
    ...events.map(([type, event]) => [eventNames.get(type), eventMessage(event, body(type))]),
    ...replies.map(([queue, reply]) => {
      const payload = replySchemas.refTo(replyName(queue));
      return [replyNames.get(queue), replyMessage(reply, payload)];
    }),
  ]);
  return {
    schemas: { ...schemas, ...replySchemas.schemas },
    components,
    ofEvent: (type) => (type === null ? anything : (eventNames.get(type) ?? anything)),
    ofReply: (queue) =>
      replyNames.get(queue) ?? (topology.queues[queue]?.rpc ? anyReply : undefined),
  };
}

function replyName(queue: string): string {
  return `${queue}_Reply`;
}

const json = { contentType: "application/json" };

const anyMessage: JsonObject = {
  ...{ name: "any", title: "Any JSON", ...json },
  description: "An exchange that declares no events leads here, so nothing of it is checked.",
  payload: {},
};

const anyReplyMessage: JsonObject = {
  ...{ name: replyName("any"), title: "Any JSON, as a reply", ...json },
  description: "What a handler returns whose reply has no schema, so nothing of it is checked.",
  payload: {},
};

function eventMessage(event: EventSchema, payload: JsonObject): JsonObject {
  const { type, version } = event;
  const fields = exampleOf(event);
  const example = isObject(fields) ? [{ payload: { event_type: type, ...fields } }] : [];
  return {
    ...{ name: type, title: type, ...describe(event), ...json, headers, payload },
    ...(example.length > 0 && { examples: example }),
    bindings: { amqp: { messageType: type, bindingVersion: "0.3.0" } },
    "x-schema-version": version,
  };
}

function replyMessage(reply: ReplySchema, payload: JsonObject): JsonObject {
  const { queue, schema, version } = reply;
  const description = typeof schema.description === "string" ? schema.description : "";
  const example = exampleOf(reply);
  return {
    ...{ name: replyName(queue), title: `Reply of ${queue}`, description, ...json, payload },
    ...(isObject(example) && { examples: [{ payload: example }] }),
    "x-schema-version": version,
  };
}

/** Of the broker's message; what a publisher adds comes through as it is. */
const headers: JsonObject = {
  type: "object",
  properties: {
    "x-warren-publish": {
      description: "By which the warren that published it knows what the broker returns.",
      type: "integer",
    },
    "causation-id": {
      description: "Of what a handler published: the id of the message that it handled.",
      type: "string",
    },
    traceparent: { description: "The W3C trace context that it belongs to.", type: "string" },
    tracestate: { description: "Beside `traceparent`.", type: "string" },
    "x-warren-attempt": {
      description: "Of a message that comes back: which attempt the next one is.",
      type: "integer",
    },
  },
};
