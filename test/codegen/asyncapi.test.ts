import { Parser } from "@asyncapi/parser";
import { expect, test } from "vitest";
import { asyncApiDocument } from "../../src/codegen/asyncapi/asyncapi.ts";
import type { JsonObject } from "../../src/codegen/json.ts";
import {
  bookshop,
  checkerOf,
  lookUp,
  objectsIn,
  odd,
  reversed,
  topologies,
  untypedReplies,
} from "./documented.ts";

const parser = new Parser();

const documents = Object.entries(topologies).map(
  ([name, topology]) => [name, asyncApiDocument(topology)] as const,
);

test.each(documents)(
  "%s: AsyncAPI's own parser has nothing to say against it",
  async (_, document) => {
    const { document: parsed, diagnostics } = await parser.parse(JSON.stringify(document));
    // That there is a later version of AsyncAPI is said of every document of 3.0.
    const said = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
    expect(said).toEqual([]);
    expect(parsed?.version()).toBe("3.0.0");
  },
);

test.each(documents)("%s: every example is what its schema says", (_, document) => {
  const checkOf = checkerOf(document);
  for (const [pointer, { payload, examples }] of objectsIn(document.components)) {
    if (payload === undefined || !Array.isArray(examples)) continue;
    const check = checkOf(`/components${pointer}/payload`);
    for (const example of examples) {
      expect({ pointer, ok: check(example.payload), errors: check.errors }).toMatchObject({
        ok: true,
      });
    }
  }
});

test.each(Object.entries(topologies))("%s: the order of the blocks changes nothing", (_, it) => {
  const document = JSON.stringify(asyncApiDocument(it));
  expect(JSON.stringify(asyncApiDocument(reversed(it)))).toBe(document);
});

test("an exchange is a channel by its bindings, to which its events are sent", () => {
  const document = asyncApiDocument(bookshop());
  expect(lookUp(document, "#/channels/exchange.alerts")).toEqual({
    address: "{routing_key}",
    parameters: {
      routing_key: {
        description: "The event's type.",
        enum: ["alert.critical", "alert.warning"],
      },
    },
    title: "alerts",
    description: "The topic exchange alerts.",
    messages: {
      "alert.critical": { $ref: "#/components/messages/alert.critical" },
      "alert.warning": { $ref: "#/components/messages/alert.warning" },
    },
    bindings: {
      amqp: {
        is: "routingKey",
        exchange: { name: "alerts", type: "topic", durable: true, autoDelete: false, vhost: "/" },
        bindingVersion: "0.3.0",
      },
    },
  });
  expect(lookUp(document, "#/operations/send.alerts")).toMatchObject({
    action: "send",
    channel: { $ref: "#/channels/exchange.alerts" },
    messages: [
      { $ref: "#/channels/exchange.alerts/messages/alert.critical" },
      { $ref: "#/channels/exchange.alerts/messages/alert.warning" },
    ],
    bindings: { amqp: { deliveryMode: 2, mandatory: true } },
  });
});

test("a queue is a channel by its bindings, from which its handler receives what can reach it", () => {
  const document = asyncApiDocument(bookshop());
  expect(lookUp(document, "#/channels/queue.auto_scaler")).toEqual({
    address: "auto_scaler",
    title: "auto_scaler",
    description: "The quorum queue auto_scaler.\n- bound to alerts by `alert.critical`",
    messages: { "alert.critical": { $ref: "#/components/messages/alert.critical" } },
    bindings: {
      amqp: {
        is: "queue",
        queue: {
          name: "auto_scaler",
          durable: true,
          exclusive: false,
          autoDelete: false,
          vhost: "/",
        },
        bindingVersion: "0.3.0",
      },
    },
  });
  expect(lookUp(document, "#/operations/receive.auto_scaler")).toEqual({
    action: "receive",
    channel: { $ref: "#/channels/queue.auto_scaler" },
    summary: "The handler scale-out takes what auto_scaler has",
    messages: [{ $ref: "#/channels/queue.auto_scaler/messages/alert.critical" }],
    bindings: { amqp: { ack: true, bindingVersion: "0.3.0" } },
  });
});

test("an open exchange and its queues carry any JSON, and a parked queue is received by nobody", () => {
  const document = asyncApiDocument(bookshop());
  const any = { any: { $ref: "#/components/messages/any" } };
  expect(lookUp(document, "#/channels/exchange.content/messages")).toEqual(any);
  expect(lookUp(document, "#/channels/queue.search_index/messages")).toEqual(any);
  expect(lookUp(document, "#/channels/queue.dead_letters/messages")).toEqual(any);
  expect(lookUp(document, "#/operations/receive.search_index/messages")).toHaveLength(1);
  expect(lookUp(document, "#/operations/receive.dead_letters")).toBeUndefined();
});

test("a message says how it is written, how it looks, and which schema it has", () => {
  const topology = bookshop();
  const document = asyncApiDocument(topology);
  expect(lookUp(document, "#/components/messages/book.created")).toMatchObject({
    name: "book.created",
    contentType: "application/json",
    payload: { $ref: "#/components/schemas/book.created_Body" },
    headers: { type: "object" },
    examples: [{ payload: { event_type: "book.created" } }],
    bindings: { amqp: { messageType: "book.created" } },
    "x-schema-version": topology.events["book.created"]?.version,
  });
});

test("what a handler replies is sent to the queue that the request names", () => {
  const document = asyncApiDocument(odd);
  expect(lookUp(document, "#/operations/receive.list/reply")).toEqual({
    address: {
      description: "The queue that the request's property reply_to names.",
      location: "$message.header#/reply_to",
    },
    channel: { $ref: "#/channels/reply.list" },
    messages: [{ $ref: "#/channels/reply.list/messages/list_Reply" }],
  });
  expect(lookUp(document, "#/components/schemas/list_Reply")).toEqual({
    type: "array",
    items: { $ref: "#/components/schemas/list_Reply" },
  });
  expect(
    lookUp(asyncApiDocument(bookshop()), "#/operations/receive.task_queue/reply"),
  ).toBeUndefined();
});

test("a queue that replies without a schema sends any JSON, and one that does not sends none", () => {
  const document = asyncApiDocument(untypedReplies);
  expect(lookUp(document, "#/operations/receive.free/reply")).toEqual({
    address: {
      description: "The queue that the request's property reply_to names.",
      location: "$message.header#/reply_to",
    },
    channel: { $ref: "#/channels/reply.free" },
    messages: [{ $ref: "#/channels/reply.free/messages/any_Reply2" }],
  });
  expect(lookUp(document, "#/components/messages/any_Reply2")).toMatchObject({
    contentType: "application/json",
    payload: {},
  });
  expect(lookUp(document, "#/operations/receive.any/reply/messages")).toEqual([
    { $ref: "#/channels/reply.any/messages/any_Reply" },
  ]);
  expect(lookUp(document, "#/operations/receive.plain/reply")).toBeUndefined();
});

test("the nodes of the broker are servers, without user and password", () => {
  const serversOf = (url: string) => Object(asyncApiDocument(bookshop({ RABBITMQ_URL: url })));
  const secure = serversOf("amqps://us3r:s3cret@broker.example/a%2Fb");
  expect(secure.servers).toEqual({
    broker: {
      host: "broker.example:5671",
      protocol: "amqps",
      protocolVersion: "0-9-1",
      pathname: "/a%2Fb",
      title: "vhost a/b",
    },
  });
  expect(lookUp(secure, "#/channels/exchange.books/bindings/amqp/exchange/vhost")).toBe("a/b");
  expect(JSON.stringify(secure)).not.toMatch(/us3r|s3cret/);
  expect(serversOf("amqp://[::1]:5673").servers.broker).toMatchObject({
    host: "[::1]:5673",
    pathname: "/%2F",
  });
  expect(serversOf("embedded:").servers.broker).toMatchObject({ host: "localhost", pathname: "/" });
});

test("each node of a cluster is a server", () => {
  const { broker } = bookshop();
  const addresses = ["amqp://a", "amqp://b:1"].map((url) => ({ url, shown: url }));
  const topology = { ...bookshop(), broker: { ...broker, addresses } };
  const { servers } = asyncApiDocument(topology);
  expect(servers).toMatchObject({ broker1: { host: "a:5672" }, broker2: { host: "b:1" } });
});

test("another schema makes another version", () => {
  const versionOf = (document: JsonObject) => Object(document.info).version;
  const topology = bookshop();
  const before = versionOf(asyncApiDocument(topology));
  const { "book.created": _, ...events } = topology.events;
  expect(versionOf(asyncApiDocument({ ...topology, events }))).not.toBe(before);
  expect(versionOf(asyncApiDocument(bookshop()))).toBe(before);
});
