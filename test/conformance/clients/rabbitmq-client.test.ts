/** cody-greene's rabbitmq-client, which has a codec and a recovery of its own. */
import { once } from "node:events";
import { type AsyncMessage, Connection, ConsumerStatus } from "rabbitmq-client";
import { waitFor } from "../../support/wait-for.ts";
import { conforms } from "../case.ts";
import type { Peer } from "../peers.ts";

/** Runs `use` with a connection that is closed after it. */
async function connected<T>({ url }: Peer, use: (rabbit: Connection) => Promise<T>): Promise<T> {
  const rabbit = new Connection({ url, retryLow: 50, retryHigh: 200 });
  rabbit.on("error", () => undefined);
  try {
    return await use(rabbit);
  } finally {
    await rabbit.close();
  }
}

/** What a handler sees of a message. */
function brief({ body, exchange, routingKey, redelivered }: AsyncMessage): object {
  return { body, exchange, routingKey, redelivered };
}

conforms("rabbitmq-client publishes with confirms, and hears of what is not routed", (peer) =>
  connected(peer, async (rabbit) => {
    const returned: unknown[] = [];
    const publisher = rabbit.createPublisher({
      confirm: true,
      exchanges: [{ exchange: "orders", type: "topic", durable: true }],
    });
    publisher.on("basic.return", ({ replyCode, replyText, exchange, routingKey }) => {
      returned.push({ replyCode, replyText, exchange, routingKey });
    });
    await rabbit.queueDeclare({ queue: "all", durable: true });
    await rabbit.exchangeDeclare({ exchange: "orders", type: "topic", durable: true });
    await rabbit.queueBind({ queue: "all", exchange: "orders", routingKey: "order.#" });
    await publisher.send({ exchange: "orders", routingKey: "order.placed" }, { id: 1 });
    const lost = { exchange: "orders", routingKey: "invoice", mandatory: true };
    await publisher.send(lost, { id: 2 });
    const got = await rabbit.basicGet({ queue: "all", noAck: true });
    const none = await rabbit.basicGet({ queue: "all", noAck: true });
    await publisher.close();
    return { returned, body: got?.body, contentType: got?.contentType, none };
  }),
);

conforms(
  "rabbitmq-client's consumer acks, requeues and drops, and the dead letter says why",
  (peer) =>
    connected(peer, async (rabbit) => {
      await rabbit.queueDeclare({ queue: "dead" });
      const deadLetters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
      const seen: object[] = [];
      const consumer = rabbit.createConsumer(
        { queue: "work", queueOptions: { arguments: deadLetters }, qos: { prefetchCount: 1 } },
        (message) => {
          seen.push(brief(message));
          if (message.body === "again" && !message.redelivered) return ConsumerStatus.REQUEUE;
          return message.body === "never" ? ConsumerStatus.DROP : ConsumerStatus.ACK;
        },
      );
      await once(consumer, "ready");
      const publisher = rabbit.createPublisher({ confirm: true });
      for (const body of ["once", "again", "never"]) await publisher.send("work", body);
      await waitFor(() => seen.length === 4, { what: "all runs" });
      await waitFor(async () => (await rabbit.queueDeclare({ queue: "dead" })).messageCount === 1, {
        what: "the dead letter",
      });
      const dead = await rabbit.basicGet({ queue: "dead", noAck: true });
      await consumer.close();
      await publisher.close();
      const deaths = dead?.headers?.["x-death"] as readonly Record<string, unknown>[];
      return { seen, dead: dead?.body, deaths: deaths.map(({ time: _, ...death }) => death) };
    }),
);

conforms("rabbitmq-client asks and is answered by direct reply-to", (peer) =>
  connected(peer, async (rabbit) => {
    const server = rabbit.createConsumer(
      { queue: "double", queueOptions: { autoDelete: true } },
      async (message, reply) => reply({ twice: 2 * message.body.n }),
    );
    await once(server, "ready");
    const client = rabbit.createRPCClient({ confirm: true, timeout: 10_000 });
    const answers = await Promise.all(
      [1, 2, 3].map(async (n) => (await client.send("double", { n })).body),
    );
    await client.close();
    await server.close();
    return answers;
  }),
);

conforms("rabbitmq-client consumes again when its queue was deleted under it", (peer) =>
  connected(peer, async (rabbit) => {
    const seen: unknown[] = [];
    const consumer = rabbit.createConsumer(
      { queue: "work", queueOptions: { durable: true } },
      (message) => void seen.push(message.body),
    );
    let ready = 0;
    consumer.on("error", () => undefined);
    consumer.on("ready", () => {
      ready += 1;
    });
    await waitFor(() => ready === 1, { what: "the consumer" });
    const deleted = await rabbit.queueDelete({ queue: "work" });
    await waitFor(() => ready === 2, { what: "the consumer to be back" });
    const publisher = rabbit.createPublisher({ confirm: true });
    await publisher.send("work", "after");
    await waitFor(() => seen.length === 1, { what: "the message" });
    await publisher.close();
    await consumer.close();
    return { deleted: deleted.messageCount, seen };
  }),
);

conforms(
  "rabbitmq-client is back, and consumes on, after the broker has closed its connection",
  (peer) =>
    connected(peer, async (rabbit) => {
      const seen: object[] = [];
      const consumer = rabbit.createConsumer(
        { queue: "work", queueOptions: { durable: true }, qos: { prefetchCount: 1 } },
        (message) => void seen.push(brief(message)),
      );
      await once(consumer, "ready");
      const publisher = rabbit.createPublisher({ confirm: true });
      await publisher.send("work", "before");
      await waitFor(() => seen.length === 1, { what: "the first message" });
      const lost = once(rabbit, "error");
      // RabbitMQ has no such prefetch, and ends the connection for it.
      const channel = await rabbit.acquire();
      const refused = await channel.basicQos({ prefetchSize: 1 }).catch(({ code }) => code);
      const [{ code }] = await lost;
      await once(consumer, "ready");
      await publisher.send("work", "after");
      await waitFor(() => seen.length === 2, { what: "the second message" });
      await publisher.close();
      await consumer.close();
      return { refused, code, seen };
    }),
);
