import type { Topology } from "../../topology.ts";
import { desiredObjects } from "../objects.ts";

/**
 * What `apply` would declare, in the form of definitions of one vhost: a broker takes them at
 * `POST /api/definitions/{vhost}`. What is external has to be there already, since bindings name it;
 * an exclusive queue is declared by whoever consumes it, and no definition can say it.
 */
export function exportDefinitions(topology: Topology): object {
  const { exchanges, queues, bindings, policies } = desiredObjects(topology);
  return {
    exchanges: exchanges
      .filter(({ isExternal }) => !isExternal)
      .map(({ name, type, autoDelete, internal, arguments: args }) => ({
        ...{ name, type, durable: true, auto_delete: autoDelete, internal },
        arguments: args,
      })),
    queues: queues
      .filter(({ isExternal }) => !isExternal)
      .map(({ name, autoDelete, arguments: args }) => ({
        ...{ name, durable: true, auto_delete: autoDelete },
        arguments: args,
      })),
    bindings: bindings.map(({ source, destination, destinationKind, key, arguments: args }) => ({
      ...{ source, destination, destination_type: destinationKind, routing_key: key },
      arguments: args,
    })),
    policies: policies.map(({ name, pattern, applyTo, priority, definition }) => ({
      ...{ name, pattern, "apply-to": applyTo, priority },
      definition,
    })),
  };
}
