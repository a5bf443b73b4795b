/** What each method of a client does. */
import { checkType } from "../model/exchange.ts";
import type { Content } from "../model/message.ts";
import { assertNotReserved, REPLY_TO } from "../model/vhost.ts";
import { AmqpError } from "../protocol/errors.ts";
import { lookup, textOf } from "../protocol/fields.ts";
import type { Args, Method, MethodName } from "../protocol/methods.ts";
import { moduleOf, typeOf } from "../queues/arguments.ts";
import type { Queue } from "../queues/queue.ts";
import type { Channel } from "./channel.ts";
import { token } from "./token.ts";

type Handlers = {
  readonly [N in MethodName]?: (channel: Channel, args: Args<N>, content: Content) => void;
};

const HANDLERS: Handlers = {
  "channel.flow": (channel, { active }) => {
    if (!active) throw new AmqpError("not-implemented", "active=false");
    channel.send("channel.flow-ok", { active });
  },
  "access.request": (channel) => channel.send("access.request-ok", { ticket: 1 }),
  "exchange.declare": declareExchange,
  "exchange.delete": deleteExchange,
  "exchange.bind": (channel, { nowait, ...args }) => {
    bindExchange(channel, args, "bind");
    if (!nowait) channel.send("exchange.bind-ok", {});
  },
  "exchange.unbind": (channel, { nowait, ...args }) => {
    bindExchange(channel, args, "unbind");
    if (!nowait) channel.send("exchange.unbind-ok", {});
  },
  "queue.declare": declareQueue,
  "queue.bind": (channel, { nowait, ...args }) => {
    bindQueue(channel, args, "bind");
    if (!nowait) channel.send("queue.bind-ok", {});
  },
  "queue.unbind": (channel, args) => {
    bindQueue(channel, args, "unbind");
    channel.send("queue.unbind-ok", {});
  },
  "queue.purge": (channel, { queue: name, nowait }) => {
    const queue = readableQueue(channel, name);
    const messageCount = queue.purge();
    if (!nowait) channel.send("queue.purge-ok", { messageCount });
  },
  "queue.delete": deleteQueue,
  "basic.qos": (channel, { prefetchSize, prefetchCount }) => {
    if (prefetchSize !== 0) {
      throw new AmqpError("not-implemented", `prefetch_size!=0 (${prefetchSize})`);
    }
    // `global` is taken, and means nothing more, as in 4.3.
    channel.prefetch = prefetchCount;
    channel.send("basic.qos-ok", {});
  },
  "basic.consume": (channel, args) => {
    if (args.queue === REPLY_TO) {
      channel.consumeReplies(args);
      return;
    }
    const queue = nameOrLast(channel, args.queue);
    channel.assertMay("read", "queue", queue);
    channel.consume({ ...args, queue });
  },
  "basic.cancel": (channel, { consumerTag, nowait }) => channel.cancel(consumerTag, nowait),
  "basic.publish": (channel, args, content) => {
    if (args.immediate) throw new AmqpError("not-implemented", "immediate=true");
    channel.publish(args, content);
  },
  "basic.get": (channel, args) => {
    const queue = nameOrLast(channel, args.queue);
    channel.assertMay("read", "queue", queue);
    channel.get({ ...args, queue });
  },
  "basic.ack": (channel, { deliveryTag, multiple }) =>
    channel.deliveries.settle(deliveryTag, multiple, "done"),
  "basic.nack": (channel, { deliveryTag, multiple, requeue }) =>
    channel.deliveries.settle(deliveryTag, multiple, requeue ? "back" : "unwanted"),
  "basic.reject": (channel, { deliveryTag, requeue }) =>
    channel.deliveries.settle(deliveryTag, false, requeue ? "failed" : "refused"),
  "basic.recover": (channel, { requeue }) => {
    recover(channel, requeue);
    channel.send("basic.recover-ok", {});
  },
  "basic.recover-async": (channel, { requeue }) => recover(channel, requeue),
  "confirm.select": (channel, { nowait }) => {
    channel.select();
    if (!nowait) channel.send("confirm.select-ok", {});
  },
  "tx.select": () => {
    throw new AmqpError("not-implemented", "transactions: use publisher confirms");
  },
  "tx.commit": notTransactional,
  "tx.rollback": notTransactional,
};

/** @throws {AmqpError} for what the client may not, or what can't be done. */
export function handle(channel: Channel, { name, args }: Method, content: Content | null): void {
  const handler = HANDLERS[name] as
    | ((channel: Channel, args: unknown, content: Content | null) => void)
    | undefined;
  if (!handler) throw new AmqpError("command-invalid", "unimplemented method");
  handler(channel, args, content);
}

function notTransactional(): never {
  throw new AmqpError("precondition-failed", "channel is not transactional");
}

function recover(channel: Channel, requeue: boolean): void {
  if (!requeue) throw new AmqpError("not-implemented", "requeue=false");
  channel.deliveries.settle(0, true, "back");
}

function declareExchange(channel: Channel, args: Args<"exchange.declare">): void {
  const name = stripped(args.exchange);
  if (args.passive) {
    assertNotDefault(name);
    channel.vhost.exchange(name);
  } else {
    const type = checkType(args.type);
    assertNotDefault(name);
    channel.assertMay("configure", "exchange", name);
    const alternate = textOf(lookup(args.arguments, "alternate-exchange"));
    if (alternate !== undefined && !channel.vhost.exchanges.has(name)) {
      channel.assertMay("read", "exchange", name);
      channel.assertMay("write", "exchange", alternate);
    }
    channel.vhost.declareExchange(name, { ...args, type });
  }
  if (!args.nowait) channel.send("exchange.declare-ok", {});
}

function deleteExchange(channel: Channel, args: Args<"exchange.delete">): void {
  const name = stripped(args.exchange);
  assertNotDefault(name);
  channel.assertMay("configure", "exchange", name);
  channel.vhost.deleteExchange(name, args);
  if (!args.nowait) channel.send("exchange.delete-ok", {});
}

function bindExchange(
  channel: Channel,
  args: Omit<Args<"exchange.bind">, "nowait">,
  action: "bind" | "unbind",
): void {
  const [source, destination] = [stripped(args.source), stripped(args.destination)];
  channel.assertMay("write", "exchange", destination);
  assertNotDefault(destination);
  assertNotDefault(source);
  channel.assertMay("read", "exchange", source);
  channel.vhost[action]({
    source,
    destination,
    destinationKind: "exchange",
    key: args.routingKey,
    arguments: args.arguments,
  });
}

function bindQueue(
  channel: Channel,
  args: Omit<Args<"queue.bind">, "nowait">,
  action: "bind" | "unbind",
): void {
  const named = nameOrLast(channel, args.queue);
  const key = args.queue === "" && args.routingKey === "" ? named : args.routingKey;
  const [source, destination] = [stripped(args.exchange), stripped(named)];
  if (destination.startsWith("amq.rabbitmq.reply-to.")) {
    const text = "cannot bind or unbind to a volatile (direct reply-to) queue";
    throw new AmqpError("access-refused", text);
  }
  channel.assertMay("write", "queue", destination);
  assertNotDefault(source);
  channel.assertMay("read", "exchange", source);
  const queue = channel.vhost.queues.get(destination);
  if (queue && action === "bind" && channel.vhost.exchanges.has(source)) {
    channel.vhost.assertAccess(queue, channel.ports.owner);
  }
  channel.vhost[action]({
    source,
    destination,
    destinationKind: "queue",
    key,
    arguments: args.arguments,
  });
}

function declareQueue(channel: Channel, args: Args<"queue.declare">): void {
  const named = stripped(args.queue);
  if (named === REPLY_TO || channel.vhost.replies.has(named)) {
    // No queue, but whoever wants to answer may ask for it.
    const found = { queue: named, messageCount: 0, consumerCount: 1 };
    if (!args.nowait) channel.send("queue.declare-ok", found);
    return;
  }
  const queue = args.passive ? passiveQueue(channel, args) : activeQueue(channel, args);
  channel.lastQueue = queue.name;
  queue.touch();
  if (args.nowait) return;
  channel.send("queue.declare-ok", {
    queue: queue.name,
    messageCount: queue.counts.ready,
    consumerCount: queue.consumerCount,
  });
}

function passiveQueue(channel: Channel, { queue: name }: Args<"queue.declare">): Queue {
  const queue = channel.vhost.queue(stripped(name));
  channel.vhost.assertAccess(queue, channel.ports.owner);
  return queue;
}

function activeQueue(channel: Channel, args: Args<"queue.declare">): Queue {
  const { durable, exclusive, autoDelete, arguments: queueArguments } = args;
  const name = stripped(args.queue) || generatedName(args);
  if (args.queue !== "") assertNotReserved("queue", name);
  channel.assertMay("configure", "queue", name);
  const deadLetter = textOf(lookup(queueArguments, "x-dead-letter-exchange"));
  if (deadLetter !== undefined && !channel.vhost.queues.has(name)) {
    channel.assertMay("read", "queue", name);
    channel.assertMay("write", "exchange", deadLetter);
  }
  return channel.vhost.declareQueue({
    name,
    durable: durable && !exclusive,
    autoDelete,
    owner: exclusive ? channel.ports.owner : null,
    arguments: queueArguments,
  });
}

function generatedName({ arguments: args }: Args<"queue.declare">): string {
  const type = typeOf(args) ?? "classic";
  if (type === "classic") return `amq.gen-${token(16)}`;
  const text = `Cannot declare a server-named queue for type ${moduleOf(type)}`;
  throw new AmqpError("precondition-failed", text);
}

function deleteQueue(channel: Channel, args: Args<"queue.delete">): void {
  const name = stripped(nameOrLast(channel, args.queue));
  channel.assertMay("configure", "queue", name);
  const queue = channel.vhost.queues.get(name);
  const messageCount = queue && queue.type !== "stream" ? queue.counts.ready : 0;
  if (queue) {
    channel.vhost.assertAccess(queue, channel.ports.owner);
    assertDeletable(channel.vhost.describe("queue", name), queue, args);
    channel.vhost.removeQueue(queue);
  }
  if (!args.nowait) channel.send("queue.delete-ok", { messageCount });
}

function assertDeletable(
  what: string,
  queue: Queue,
  { ifUnused, ifEmpty }: Pick<Args<"queue.delete">, "ifUnused" | "ifEmpty">,
): void {
  if (queue.type === "stream") return;
  if (queue.type === "quorum") {
    const flag = ifUnused ? "if-unused" : ifEmpty ? "if-empty" : null;
    if (flag === null) return;
    const text = `cannot delete ${what}. queue.delete operations with ${flag} flag set are not supported by quorum queues`;
    throw new AmqpError("not-implemented", text);
  }
  if (ifEmpty && queue.counts.ready > 0) {
    throw new AmqpError("precondition-failed", `${what} not empty`);
  }
  if (ifUnused && queue.consumerCount > 0) {
    throw new AmqpError("precondition-failed", `${what} in use`);
  }
}

/** @throws {AmqpError} 403, 404, 405 */
function readableQueue(channel: Channel, name: string): Queue {
  const actual = nameOrLast(channel, name);
  channel.assertMay("read", "queue", actual);
  const queue = channel.vhost.queue(actual);
  channel.vhost.assertAccess(queue, channel.ports.owner);
  return queue;
}

/** @throws {AmqpError} 404 for an empty name before any queue was declared. */
function nameOrLast(channel: Channel, name: string): string {
  if (name !== "") return name;
  if (channel.lastQueue !== "") return channel.lastQueue;
  throw new AmqpError("not-found", "no previously declared queue");
}

/** @throws {AmqpError} 403 */
function assertNotDefault(exchange: string): void {
  if (exchange !== "") return;
  throw new AmqpError("access-refused", "operation not permitted on the default exchange");
}

/** RabbitMQ takes line ends out of the names that it declares. */
function stripped(name: string): string {
  return name.replace(/[\r\n]/g, "");
}
