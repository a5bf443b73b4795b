/** What a client can ask of a broker, with arguments by chance. */
import type { ConfirmChannel, Options } from "amqplib";
import type { Random } from "../../support/random.ts";
import type { Actor } from "./actor.ts";

type Operation = (actor: Actor, channel: ConfirmChannel) => Promise<unknown>;

const QUEUES = 24;
const EXCHANGES = 8;
const EXCHANGE_TYPES = ["direct", "fanout", "headers", "topic"];
const WORDS = ["a", "b", "c", "*", "#"];

const queueName = (random: Random) => `q${random.below(QUEUES)}`;
const exchangeName = (random: Random) =>
  random.pick([`x${random.below(EXCHANGES)}`, `amq.${random.pick(EXCHANGE_TYPES)}`]);
const key = (random: Random) =>
  random.list(random.below(3) + 1, () => random.pick(WORDS)).join(".");
const maybe = (random: Random, values: object): object => (random.below(3) === 0 ? values : {});

/** Of every type, so that most declarations of a name that is there are refused. */
function queueArguments(random: Random): Options.AssertQueue {
  const type = random.pick(["classic", "classic", "quorum", "stream"]);
  if (type === "stream") {
    return { arguments: { "x-queue-type": type, "x-max-length-bytes": 100_000 } };
  }
  const shared = {
    "x-queue-type": type,
    ...maybe(random, { "x-message-ttl": random.below(2_000) }),
    ...maybe(random, { "x-expires": random.below(5_000) + 1 }),
    ...maybe(random, { "x-max-length": random.below(500) }),
    ...maybe(random, { "x-overflow": random.pick(["drop-head", "reject-publish"]) }),
    ...maybe(random, { "x-dead-letter-exchange": random.pick(["", exchangeName(random)]) }),
    ...maybe(random, { "x-single-active-consumer": true }),
  };
  if (type === "quorum") {
    return { arguments: { ...shared, ...maybe(random, { "x-delivery-limit": random.below(5) }) } };
  }
  const [autoDelete, exclusive] = [random.below(8) === 0, random.below(8) === 0];
  const own = maybe(random, { "x-max-priority": random.below(10) });
  return { autoDelete, exclusive, arguments: { ...shared, ...own } };
}

function properties(random: Random): Options.Publish {
  return {
    mandatory: random.below(2) === 0,
    persistent: random.below(2) === 0,
    ...maybe(random, { expiration: String(random.below(3_000)) }),
    ...maybe(random, { priority: random.below(10) }),
    ...maybe(random, { CC: [queueName(random), queueName(random)] }),
    ...maybe(random, { headers: { a: random.below(3), b: key(random), c: [1, { d: true }] } }),
  };
}

async function declare({ random }: Actor, channel: ConfirmChannel): Promise<void> {
  await channel.assertQueue(queueName(random), queueArguments(random));
}

async function publish({ random }: Actor, channel: ConfirmChannel): Promise<void> {
  for (let sent = random.below(30); sent >= 0; sent--) {
    const exchange = random.pick(["", exchangeName(random)]);
    const routingKey = exchange === "" ? queueName(random) : key(random);
    channel.publish(exchange, routingKey, Buffer.alloc(random.below(3_000)), properties(random));
  }
  await channel.waitForConfirms();
}

async function consume(actor: Actor, channel: ConfirmChannel): Promise<void> {
  const { random, tags } = actor;
  await channel.prefetch(random.below(50) + (random.below(4) === 0 ? 0 : 1));
  const noAck = random.below(4) === 0;
  const options = { noAck, exclusive: random.below(10) === 0, priority: random.below(3) };
  const isStream = random.below(3) === 0;
  const { consumerTag } = await channel.consume(
    queueName(random),
    (message) => {
      if (message && !noAck) setTimeout(() => actor.settle(channel, message), random.below(100));
    },
    isStream ? { arguments: { "x-stream-offset": "first" } } : options,
  );
  tags.add(consumerTag);
}

async function ask({ random }: Actor, channel: ConfirmChannel): Promise<void> {
  const name = "amq.rabbitmq.reply-to";
  const { consumerTag } = await channel.consume(name, () => undefined, { noAck: true });
  const queue = queueName(random);
  channel.sendToQueue(queue, Buffer.from("?"), { replyTo: name, expiration: "1000" });
  const question = await channel.get(queue, { noAck: true });
  if (question) {
    // It may be another one, that nobody waits with.
    const { replyTo = "" } = question.properties;
    channel.sendToQueue(replyTo, Buffer.alloc(random.below(1_000)));
  }
  await channel.waitForConfirms();
  await channel.cancel(consumerTag);
}

/** In a list, so that some can be more frequent. */
export const OPERATIONS: readonly (readonly [name: string, Operation])[] = [
  ["publish", publish],
  ["publish", publish],
  ["publish", publish],
  ["consume", consume],
  ["consume", consume],
  ["ask", ask],
  ["declare", declare],
  ["declare", declare],
  ["declare", declare],
  ["declare", declare],
  [
    "declare own",
    ({ random }, channel) =>
      channel.assertQueue("", {
        exclusive: random.below(2) === 0,
        autoDelete: true,
        expires: 3_000,
      }),
  ],
  ["delete", ({ random }, channel) => channel.deleteQueue(queueName(random))],
  ["purge", ({ random }, channel) => channel.purgeQueue(queueName(random))],
  [
    "exchange",
    ({ random }, channel) =>
      channel.assertExchange(exchangeName(random), random.pick(EXCHANGE_TYPES), {
        autoDelete: random.below(4) === 0,
        ...maybe(random, { alternateExchange: exchangeName(random) }),
      }),
  ],
  [
    "delete exchange",
    ({ random }, channel) =>
      channel.deleteExchange(exchangeName(random), { ifUnused: random.below(2) === 0 }),
  ],
  [
    "bind",
    ({ random }, channel) =>
      channel.bindQueue(
        queueName(random),
        exchangeName(random),
        key(random),
        maybe(random, { a: random.below(3), "x-match": "any" }),
      ),
  ],
  [
    "bind",
    ({ random }, channel) =>
      channel.bindQueue(queueName(random), exchangeName(random), key(random)),
  ],
  [
    "unbind",
    ({ random }, channel) =>
      channel.unbindQueue(queueName(random), exchangeName(random), key(random)),
  ],
  [
    "bind exchange",
    ({ random }, channel) =>
      channel.bindExchange(exchangeName(random), exchangeName(random), key(random)),
  ],
  [
    "get",
    async (actor, channel) => {
      const message = await channel.get(queueName(actor.random));
      if (message) actor.settle(channel, message as never);
    },
  ],
  ["recover", (_, channel) => channel.recover()],
  [
    "cancel",
    async ({ random, tags }, channel) => {
      if (tags.size === 0) return;
      const tag = random.pick([...tags]);
      tags.delete(tag);
      await channel.cancel(tag);
    },
  ],
  ["close channel", (_, channel) => channel.close()],
  [
    "open channels",
    async (actor) => {
      for (let left = actor.random.below(10); left > 0; left--) await actor.open();
    },
  ],
  ["close", (actor) => actor.disconnect(true)],
  ["cut", (actor) => actor.disconnect(false)],
];
