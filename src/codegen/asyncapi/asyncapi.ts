import type { Topology } from "../../topology.ts";
import { type JsonObject, versionOf } from "../json.ts";
import { nameTaker } from "../names.ts";
import { channelsOf } from "./channels.ts";
import { messagesOf } from "./messages.ts";
import { serversOf } from "./servers.ts";

/**
 * The exchanges and queues of a topology, and what they carry, in AsyncAPI 3.0. The application is
 * the project: it sends to its exchanges, and receives from the queues that have a handler. The
 * order of the blocks in topology.yaml changes nothing.
 */
export function asyncApiDocument(topology: Topology): JsonObject {
  const messages = messagesOf(topology, nameTaker(), nameTaker());
  const { channels, operations } = channelsOf(topology, messages, nameTaker());
  const content = {
    defaultContentType: "application/json",
    servers: serversOf(topology),
    channels,
    operations,
    components: { messages: messages.components, schemas: messages.schemas },
  };
  const info = { title: topology.project, version: versionOf(content), description };
  return { asyncapi: "3.0.0", info, ...content };
}

const description =
  "Events are JSON: flat, in an envelope, or CloudEvents 1.0, structured as " +
  "`application/cloudevents+json` or binary with headers `cloudEvents_…`. " +
  "The schema of an event applies to its fields, wherever they stand.";
