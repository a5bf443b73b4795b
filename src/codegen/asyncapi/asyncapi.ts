import type { Topology } from "../../topology.ts";
import { type JsonObject, sortedEntries, versionOf } from "../json.ts";

/** The exchanges and queues of a topology, and what they carry, in AsyncAPI 3.0. */
export function asyncApiDocument(topology: Topology): JsonObject {
  const messages = Object.fromEntries(
    sortedEntries(topology.events).map(([type, { schema }]) => [
      type,
      { name: type, payload: schema },
    ]),
  );
  const body = { channels: {}, operations: {}, components: { messages } };
  return {
    asyncapi: "3.0.0",
    info: { title: topology.project, version: versionOf(body) },
    ...body,
  };
}
