import type { JsonSchema, Topology } from "../../src/topology.ts";
import { topologyOf as build } from "../support/topology.ts";

/** Queue → its bindings' exchange and key; null: parked. */
export type QueueBlocks = Readonly<Record<string, readonly (readonly [string, string])[] | null>>;

export type Blocks = {
  /** Topic exchange → its event types; null: open. */
  readonly exchanges: Readonly<Record<string, readonly string[] | null>>;
  readonly queues: QueueBlocks;
  readonly events: Readonly<Record<string, JsonSchema>>;
  /** By queue. */
  readonly replies?: Readonly<Record<string, JsonSchema>>;
  /** Queues that reply without a schema. */
  readonly untyped?: readonly string[];
};

const handler = { name: "handler", file: "/handler.ts" };
export const handled = { handler };

/** A topology of topic exchanges, and of queues with a handler where they have bindings. */
export function topologyOf(blocks: Blocks): Topology {
  const { exchanges, queues, events, replies = {}, untyped = [] } = blocks;
  return build({
    exchanges: mapValues(exchanges, (listed) => ({ events: listed })),
    queues: Object.fromEntries(
      Object.entries(queues).map(([name, bindings]) => [
        name,
        {
          handler: bindings === null ? null : handler,
          rpc: Object.hasOwn(replies, name) || untyped.includes(name),
        },
      ]),
    ),
    bindings: Object.entries(queues).flatMap(([queue, bindings]) =>
      (bindings ?? []).map(([exchange, key]) => [exchange, queue, key] as const),
    ),
    schemas: events,
    replies,
  });
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
