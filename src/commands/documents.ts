import type { Documents } from "../http/documents.ts";
import type { Topology } from "../topology.ts";
import type { Role } from "./role.ts";

/**
 * The documents of the topology in force: each is made when it is first asked for, and again once
 * another topology is in force. What makes them is loaded then: a start needs none of it.
 */
export function createDocuments(
  topology: () => Topology,
  { publishes }: Pick<Role, "publishes">,
): Documents {
  return {
    openapi: ofEach(topology, async (current) => {
      const { openApiDocument } = await import("../codegen/openapi/openapi.ts");
      return openApiDocument(current, { publishes });
    }),
    asyncapi: ofEach(topology, async (current) => {
      const { asyncApiDocument } = await import("../codegen/asyncapi/asyncapi.ts");
      return asyncApiDocument(current);
    }),
  };
}

function ofEach(
  topology: () => Topology,
  make: (current: Topology) => Promise<object>,
): () => Promise<object> {
  const made = new WeakMap<Topology, Promise<object>>();
  return () => {
    const current = topology();
    const known = made.get(current);
    if (known !== undefined) return known;
    const document = make(current);
    made.set(current, document);
    return document;
  };
}
