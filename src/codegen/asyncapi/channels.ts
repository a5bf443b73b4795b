/** Exchanges and queues as channels, and what is sent and received there as operations. */
import { eventsOfQueue } from "../../routing/events.ts";
import type { Exchange, Queue, Topology } from "../../topology.ts";
import { componentName, type Take } from "../components.ts";
import { type JsonObject, sortedEntries } from "../json.ts";
import type { Messages } from "./messages.ts";
import { vhostOf } from "./servers.ts";

export type Channels = { readonly channels: JsonObject; readonly operations: JsonObject };

const bindingVersion = "0.3.0";

/** What a channel says of an exchange's type; a plugin's has no word there. */
const KNOWN_TYPES: readonly string[] = ["direct", "fanout", "topic", "headers"];

/**
 * | channel         | operation | |
 * |-----------------|-----------|-|
 * | exchange.orders | send.orders | unless it is internal |
 * | queue.payments  | receive.payments | if it has a handler; with its reply, which goes to the channel reply.payments |
 */
export function channelsOf(topology: Topology, messages: Messages, take: Take): Channels {
  const channels: Record<string, JsonObject> = {};
  const operations: Record<string, JsonObject> = {};
  for (const [name, exchange] of sortedEntries(topology.exchanges)) {
    const id = take(componentName(`exchange.${name}`));
    channels[id] = exchangeChannel(topology, exchange, messages);
    const operation = take(componentName(`send.${name}`));
    if (!exchange.internal) operations[operation] = sendTo(id, exchange, messages);
  }
  for (const [name, queue] of sortedEntries(topology.queues)) {
    const id = take(componentName(`queue.${name}`));
    channels[id] = queueChannel(topology, queue, messages);
    if (queue.handler === null) continue;
    const reply = replyOf(name, messages, take);
    Object.assign(channels, reply?.channel);
    operations[take(componentName(`receive.${name}`))] = {
      ...receiveFrom(topology, id, queue, messages),
      ...(reply && { reply: reply.operation }),
    };
  }
  return { channels, operations };
}

function exchangeChannel(topology: Topology, exchange: Exchange, messages: Messages): JsonObject {
  const { name, type, events, autoDelete, internal } = exchange;
  const isKnown = KNOWN_TYPES.includes(type);
  const amqpExchange = {
    ...{ name, ...(isKnown && { type }), durable: true, autoDelete, vhost: vhostOf(topology) },
  };
  return {
    ...addressOf(exchange),
    title: name,
    description: `The ${internal ? "internal " : ""}${type} exchange ${name}.`,
    messages: refsTo(messages, sorted(events)),
    bindings: {
      amqp: {
        ...{ is: "routingKey", exchange: amqpExchange, bindingVersion },
        ...(!isKnown && { "x-exchange-type": type }),
      },
    },
  };
}

/** The address of an exchange's channel is the routing key; null where none decides. */
function addressOf({ type, events }: Exchange): JsonObject {
  if (events !== null && events.length > 0) {
    const description = "The event's type.";
    const parameter = { description, enum: sorted(events) };
    return { address: "{routing_key}", parameters: { routing_key: parameter } };
  }
  if (type === "fanout" || type === "headers") return { address: null };
  const parameters = { routing_key: { description: "By which the exchange routes." } };
  return { address: "{routing_key}", parameters };
}

function queueChannel(topology: Topology, queue: Queue, messages: Messages): JsonObject {
  const { name, type, exclusive, autoDelete } = queue;
  const amqpQueue = { name, durable: !exclusive, exclusive, autoDelete };
  return {
    address: name,
    title: name,
    description: [`The ${type} queue ${name}.`, ...bindingTexts(topology, name)].join("\n"),
    messages: refsTo(messages, eventsOfQueue(topology, name)),
    bindings: {
      amqp: { is: "queue", queue: { ...amqpQueue, vhost: vhostOf(topology) }, bindingVersion },
    },
  };
}

function bindingTexts({ bindings }: Topology, queue: string): readonly string[] {
  return bindings
    .filter((one) => one.destinationKind === "queue" && one.destination === queue)
    .map(({ source, key, arguments: by }) => {
      const headers = Object.keys(by).length === 0 ? "" : ` by ${JSON.stringify(by)}`;
      return `- bound to ${source}${key === "" ? headers : ` by \`${key}\``}`;
    })
    .sort();
}

function sendTo(id: string, { name, events }: Exchange, messages: Messages): JsonObject {
  return {
    action: "send",
    channel: { $ref: `#/channels/${id}` },
    summary: `Publish to ${name}`,
    messages: channelRefs(id, messages, sorted(events)),
    bindings: { amqp: { deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion } },
  };
}

function receiveFrom(
  topology: Topology,
  id: string,
  { name, handler }: Queue,
  messages: Messages,
): JsonObject {
  return {
    action: "receive",
    channel: { $ref: `#/channels/${id}` },
    summary: `The handler ${handler?.name} takes what ${name} has`,
    messages: channelRefs(id, messages, eventsOfQueue(topology, name)),
    bindings: { amqp: { ack: true, bindingVersion } },
  };
}

type Reply = { readonly channel: JsonObject; readonly operation: JsonObject };

/** It goes to the queue that the request names, whatever its name is. */
function replyOf(queue: string, messages: Messages, take: Take): Reply | undefined {
  const message = messages.ofReply(queue);
  if (message === undefined) return undefined;
  const id = take(componentName(`reply.${queue}`));
  const description = "The queue that the request's property reply_to names.";
  return {
    channel: { [id]: { address: null, title: `Reply of ${queue}`, ...refsOf([message]) } },
    operation: {
      address: { description, location: "$message.header#/reply_to" },
      channel: { $ref: `#/channels/${id}` },
      messages: [{ $ref: `#/channels/${id}/messages/${message}` }],
    },
  };
}

function refsTo(messages: Messages, events: readonly string[] | null): JsonObject {
  return refsOf(namesOf(messages, events)).messages;
}

function refsOf(names: readonly string[]): { readonly messages: JsonObject } {
  const refs = names.map((name) => [name, { $ref: `#/components/messages/${name}` }]);
  return { messages: Object.fromEntries(refs) };
}

function channelRefs(
  id: string,
  messages: Messages,
  events: readonly string[] | null,
): readonly JsonObject[] {
  return namesOf(messages, events).map((name) => ({ $ref: `#/channels/${id}/messages/${name}` }));
}

function namesOf(messages: Messages, events: readonly string[] | null): readonly string[] {
  return events === null ? [messages.ofEvent(null)] : events.map(messages.ofEvent);
}

function sorted(events: readonly string[] | null): readonly string[] | null {
  return events === null ? null : [...events].sort();
}
