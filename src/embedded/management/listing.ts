/** What is in the broker, as RabbitMQ's management interface lists it. */
import { createHash } from "node:crypto";
import type { Broker, Client } from "../model/broker.ts";
import { VERSION } from "../model/broker.ts";
import { type Binding, EXCHANGE_TYPES, type Exchange } from "../model/exchange.ts";
import type { Vhost } from "../model/vhost.ts";
import { writeTable } from "../protocol/fields.ts";
import type { Queue } from "../queues/queue.ts";
import { tableValue } from "./values.ts";

export function listOverview(broker: Broker): object {
  const objects = broker.vhosts.map(({ queues, exchanges }) => [queues.size, exchanges.size + 1]);
  return {
    management_version: VERSION,
    product_name: "warren embedded broker",
    product_version: VERSION,
    rabbitmq_version: VERSION,
    cluster_name: "warren@localhost",
    node: "warren@localhost",
    exchange_types: EXCHANGE_TYPES.map((name) => ({ name, enabled: true })),
    object_totals: {
      connections: broker.clients.size,
      exchanges: objects.reduce((sum, [, exchanges = 0]) => sum + exchanges, 0),
      queues: objects.reduce((sum, [queues = 0]) => sum + queues, 0),
    },
  };
}

export function listVhost({ name }: Vhost): object {
  return { name, default_queue_type: "classic", tracing: false };
}

export function listExchange(vhost: Vhost, { name, options }: Exchange): object {
  return {
    name,
    vhost: vhost.name,
    type: options.type,
    durable: options.durable,
    auto_delete: options.autoDelete,
    internal: options.internal,
    arguments: tableValue(options.arguments),
  };
}

/** With the one that has no name. */
export function listExchanges(vhost: Vhost): readonly object[] {
  const unnamed = {
    name: "",
    vhost: vhost.name,
    type: "direct",
    durable: true,
    auto_delete: false,
    internal: false,
    arguments: {},
  };
  return [unnamed, ...byName(vhost.exchanges.values()).map((one) => listExchange(vhost, one))];
}

/** @param isQuick without statistics. */
export function listQueues(vhost: Vhost, isQuick: boolean): readonly object[] {
  return byName(vhost.queues.values()).map((queue) =>
    isQuick ? summarizeQueue(vhost, queue) : listQueue(vhost, queue),
  );
}

export function listQueue(vhost: Vhost, queue: Queue): object {
  return {
    ...describeQueue(vhost, queue),
    consumers: queue.consumerCount,
    ...totalsOf(queue),
  };
}

/** As RabbitMQ lists it without statistics: of consumers nothing, and nothing of a stream's messages. */
function summarizeQueue(vhost: Vhost, queue: Queue): object {
  return {
    ...describeQueue(vhost, queue),
    ...(queue.type === "classic" ? {} : { exclusive: null }),
    ...(queue.type === "stream" ? {} : totalsOf(queue)),
  };
}

function describeQueue(vhost: Vhost, queue: Queue): object {
  return {
    name: queue.name,
    vhost: vhost.name,
    type: queue.type,
    durable: queue.durable,
    auto_delete: queue.autoDelete,
    exclusive: queue.owner !== null,
    arguments: tableValue(queue.arguments),
    state: "running",
    node: "warren@localhost",
  };
}

function totalsOf({ counts: { ready, unacknowledged, held } }: Queue): object {
  return {
    messages: ready + unacknowledged + held,
    messages_ready: ready,
    messages_unacknowledged: unacknowledged,
  };
}

export function listConsumers(vhost: Vhost): readonly object[] {
  return [...vhost.queues.values()].flatMap(({ name, consumers }) =>
    consumers.map(({ tag, noAck, exclusive, prefetch }) => ({
      queue: { name, vhost: vhost.name },
      consumer_tag: tag,
      ack_required: !noAck,
      exclusive,
      prefetch_count: prefetch,
    })),
  );
}

/** With those of the default exchange, which has one for each queue. */
export function listBindings(vhost: Vhost): readonly object[] {
  const own = [...vhost.queues.keys()].map((name) => ({
    source: "",
    destination: name,
    destinationKind: "queue" as const,
    key: name,
    arguments: [],
  }));
  return [...own, ...vhost.bindings].map((binding) => listBinding(vhost, binding));
}

export function listBinding(vhost: Vhost, binding: Binding): object {
  return {
    source: binding.source,
    vhost: vhost.name,
    destination: binding.destination,
    destination_type: binding.destinationKind,
    routing_key: binding.key,
    arguments: tableValue(binding.arguments),
    properties_key: propertiesKeyOf(binding),
  };
}

/** By which a binding is deleted: its key, and something that is another for other arguments. */
export function propertiesKeyOf({ key, arguments: args }: Binding): string {
  if (args.length === 0) return key === "" ? "~" : quote(key);
  const sorted = [...args].sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  const hash = createHash("md5").update(writeTable(sorted)).digest("base64url");
  return `${quote(key)}~${hash}`;
}

/** As in a form, but for `~`, which stands between the two parts. */
function quote(key: string): string {
  return new URLSearchParams([["", key]]).toString().slice(1).replaceAll("*", "%2A");
}

export function listClient({ name, user, vhost }: Client): object {
  return { name, user, vhost, protocol: "AMQP 0-9-1", state: "running" };
}

/** What could be declared again elsewhere: as `rabbitmqctl export_definitions` writes it. */
export function listDefinitions(broker: Broker, vhosts: readonly Vhost[]): object {
  return {
    rabbitmq_version: VERSION,
    users: broker.users.names.map((name) => ({ name, tags: broker.users.tagsOf(name) })),
    vhosts: vhosts.map(listVhost),
    permissions: [],
    topic_permissions: [],
    parameters: [],
    global_parameters: [],
    policies: [],
    queues: vhosts.flatMap((vhost) =>
      [...vhost.queues.values()]
        .filter(({ owner, durable }) => owner === null && durable)
        .map(({ name, durable, autoDelete, arguments: args }) => ({
          name,
          vhost: vhost.name,
          durable,
          auto_delete: autoDelete,
          arguments: tableValue(args),
        })),
    ),
    exchanges: vhosts.flatMap((vhost) =>
      [...vhost.exchanges.values()]
        .filter(({ name }) => !name.startsWith("amq."))
        .map((exchange) => listExchange(vhost, exchange)),
    ),
    bindings: vhosts.flatMap((vhost) =>
      vhost.bindings.map((binding) => {
        const { properties_key: _, ...rest } = listBinding(vhost, binding) as Record<
          string,
          unknown
        >;
        return rest;
      }),
    ),
  };
}

/** In the order of RabbitMQ's listings. */
function byName<T extends { readonly name: string }>(objects: Iterable<T>): readonly T[] {
  return [...objects].sort((a, b) => (a.name < b.name ? -1 : 1));
}
