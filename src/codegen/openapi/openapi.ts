import type { Topology } from "../../topology.ts";
import { eventBodies } from "../bodies.ts";
import { type JsonObject, versionOf } from "../json.ts";
import { nameTaker } from "../names.ts";
import { eventRequests } from "./events.ts";
import { parameterComponents } from "./options.ts";
import { problemComponents } from "./problems.ts";
import {
  ANY_EXCHANGE,
  publicationPaths,
  publicationTags,
  publishedTypes,
  wrapperPath,
} from "./publish.ts";
import { DOCUMENTS, RUNNER, readingPaths } from "./reading.ts";
import { rpcOf } from "./rpc.ts";
import { wrapperOf } from "./wrapper.ts";

/**
 * The HTTP interface of a topology in OpenAPI 3.1: what may be published by every group, event and
 * exchange, with examples from the schemas, and every way in which it can be refused. The order of
 * the blocks in topology.yaml changes nothing.
 *
 * @param options `publishes`: messages are taken, as they are unless it is said.
 */
export function openApiDocument(
  topology: Topology,
  { publishes = true }: { readonly publishes?: boolean } = {},
): JsonObject {
  return publishes ? wholeDocument(topology) : readingDocument(topology);
}

/** Of a runner that takes no messages by HTTP, and only says how it is. */
function readingDocument(topology: Topology): JsonObject {
  const { schema, responses } = problemComponents();
  return documentOf(topology, {
    servers,
    tags: readingTags,
    paths: readingPaths,
    components: { schemas: { Problem: schema }, responses, headers },
  });
}

function wholeDocument(topology: Topology): JsonObject {
  const take = nameTaker();
  for (const name of ["Publish", "Published", "Call", "Problem"]) take(name);
  const types = publishedTypes(topology);
  const bodies = eventBodies(topology, types, "2020-12", take);
  const requests = eventRequests(topology, types, bodies, take);
  const wrapper = wrapperOf(topology, bodies, take);
  const rpc = rpcOf(topology, wrapper, take);
  const problems = problemComponents();
  return documentOf(topology, {
    servers,
    tags: [
      ...publicationTags(topology),
      { name: ANY_EXCHANGE, description: "Messages in a wrapper that says where they go." },
      ...readingTags,
    ],
    paths: {
      "/publish": wrapperPath(wrapper.content),
      "/rpc": rpc.path,
      ...publicationPaths(topology, requests),
      ...readingPaths,
    },
    components: {
      schemas: {
        ...bodies.schemas,
        ...requests.schemas,
        ...wrapper.schemas,
        ...rpc.schemas,
        Published: publishedSchema,
        Problem: problems.schema,
      },
      responses: { published: publishedResponse, ...problems.responses },
      parameters: parameterComponents,
      headers,
    },
  });
}

/** Where it was served: a request from the page goes back to it. */
const servers = [{ url: "/" }];

const readingTags = [
  { name: RUNNER, description: "How the runner is." },
  { name: DOCUMENTS, description: "What this interface and the messages are." },
];

function documentOf(topology: Topology, content: JsonObject): JsonObject {
  const info = { title: topology.project, description, version: versionOf(content) };
  return { openapi: "3.1.0", info, ...content };
}

const description =
  "A 2xx to a publish is true: the broker has confirmed the message, and a queue has it. " +
  "Bodies are JSON in UTF-8, uncompressed, of at most 1 MiB. " +
  "Refusals are `application/problem+json` with a stable `code`.";

const publishedSchema: JsonObject = {
  type: "object",
  required: ["status", "message_id", "exchange", "routing_key"],
  properties: {
    status: { const: "published" },
    message_id: { type: "string" },
    exchange: { type: "string" },
    routing_key: { type: "string" },
    via: {
      description: "The alternate exchange that took it, where no binding of the first did.",
      type: "string",
    },
  },
};

const publishedResponse: JsonObject = {
  description: "The broker has confirmed the message, and a queue has it.",
  headers: { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } },
  content: { "application/json": { schema: { $ref: "#/components/schemas/Published" } } },
};

const headers: JsonObject = {
  "X-Request-Id": {
    description: "Of this request, in warren's log as well.",
    schema: { type: "string", format: "uuid" },
  },
  "X-Message-Id": {
    description: "Of the request, percent-encoded.",
    schema: { type: "string" },
  },
  "Retry-After": { description: "Seconds.", schema: { type: "integer" } },
  Allow: { description: "The methods that there are.", schema: { type: "string" } },
};
