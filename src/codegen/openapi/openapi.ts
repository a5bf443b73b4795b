import type { Topology } from "../../topology.ts";
import { type JsonObject, sortedEntries, versionOf } from "../json.ts";

/** The HTTP interface of a topology in OpenAPI 3.1. */
export function openApiDocument(topology: Topology): JsonObject {
  const schemas = Object.fromEntries(
    sortedEntries(topology.events).map(([type, { schema }]) => [type, schema]),
  );
  const paths = {
    "/publish": {
      post: {
        operationId: "publish",
        requestBody: { required: true, content: { "application/json": { schema: {} } } },
        responses: { "202": { description: "The broker has confirmed the message." } },
      },
    },
  };
  const body = { paths, components: { schemas } };
  return {
    openapi: "3.1.0",
    info: { title: topology.project, version: versionOf(body) },
    ...body,
  };
}
