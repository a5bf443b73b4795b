/** `POST /rpc`: a request in a wrapper, and the replies that queues give. */
import type { Topology } from "../../topology.ts";
import { componentSchemas, refTo, type Take } from "../components.ts";
import { type JsonObject, sortedEntries } from "../json.ts";
import { callOptions, wrapperParameters } from "./options.ts";
import { problemResponses } from "./problems.ts";
import { ANY_EXCHANGE } from "./publish.ts";
import type { Wrapper } from "./wrapper.ts";

export type Rpc = { readonly schemas: JsonObject; readonly path: JsonObject };

/** @param wrapper its destinations are those of a request, too. */
export function rpcOf(topology: Topology, wrapper: Wrapper, take: Take): Rpc {
  const roots = new Map(
    sortedEntries(topology.replies).map(([queue, { schema }]) => [`${queue}_Reply`, schema]),
  );
  const replies = componentSchemas(roots, "2020-12", take);
  const isAny = Object.values(topology.queues).some(
    ({ name, rpc }) => rpc && topology.replies[name] === undefined,
  );
  const anyOf = [...roots.keys()].map((root) => replies.refTo(root));
  return {
    schemas: { ...replies.schemas, Call: callSchema(wrapper) },
    path: callPath(isAny || anyOf.length === 0 ? {} : { anyOf }),
  };
}

function callSchema({ schemas }: Wrapper): JsonObject {
  const { properties, ...publish } = schemas.Publish as { readonly properties: JsonObject };
  const { exchange } = properties;
  return {
    ...publish,
    description: "A request, where it goes, and how.",
    properties: { exchange, ...callOptions },
  };
}

function callPath(reply: JsonObject): JsonObject {
  return {
    post: {
      operationId: "call",
      tags: [ANY_EXCHANGE],
      summary: "Ask a queue that replies",
      description:
        "Answered with what the handler returns. Exchange and key have to lead to one queue with `rpc`. " +
        "A call that is repeated is handled again, also with the same `Idempotency-Key`.",
      parameters: wrapperParameters,
      requestBody: { required: true, content: { "application/json": { schema: refTo("Call") } } },
      responses: {
        "200": {
          description: "The reply, as the handler gave it.",
          headers: {
            "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" },
            "X-Message-Id": { $ref: "#/components/headers/X-Message-Id" },
          },
          content: { "application/json": { schema: reply } },
        },
        ...problemResponses("call"),
      },
    },
  };
}
