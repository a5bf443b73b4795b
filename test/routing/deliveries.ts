import type { Options } from "amqplib";
import { toFieldTable } from "../../src/apply/wire.ts";
import type { Topology } from "../../src/topology.ts";
import type { Client } from "../support/client.ts";

export type Message = {
  readonly exchange: string;
  readonly key: string;
  readonly headers: NonNullable<Options.Publish["headers"]>;
};

const END = "end";

/** Declares exchanges, queues (classic) and bindings as they are, by amqplib alone. */
export async function declare({ channel }: Client, topology: Topology): Promise<void> {
  const { exchanges, queues, bindings } = topology;
  await Promise.all([
    ...Object.values(exchanges).map(({ name, type, alternate }) =>
      channel.assertExchange(name, type, {
        ...(alternate !== null && { alternateExchange: alternate }),
      }),
    ),
    ...Object.values(queues).map((queue) =>
      channel.assertQueue(queue.name, { arguments: toFieldTable(queue.arguments) }),
    ),
  ]);
  await Promise.all(
    bindings.map(({ source, destination, destinationKind, key, arguments: args }) =>
      destinationKind === "queue"
        ? channel.bindQueue(destination, source, key, toFieldTable(args))
        : channel.bindExchange(destination, source, key, toFieldTable(args)),
    ),
  );
}

/**
 * Publishes all messages, and takes all of them out of the queues again.
 *
 * @param passing queues that keep nothing and dead-letter at once; they are not looked into.
 * @returns for each message the queues that had it, sorted.
 */
export async function deliveries(
  { channel }: Client,
  queues: readonly string[],
  messages: readonly Message[],
  passing: readonly string[] = [],
): Promise<readonly (readonly string[])[]> {
  const arrived: string[][] = messages.map(() => []);
  for (const [index, { exchange, key, headers }] of messages.entries()) {
    channel.publish(exchange, key, Buffer.from(String(index)), { headers });
  }
  await channel.waitForConfirms();
  // A queue answers when it has dead-lettered what came before; at most all of them are in a row.
  for (const _ of passing) await Promise.all(passing.map((queue) => channel.checkQueue(queue)));
  // What is confirmed is in its queues: behind all of it, this ends a queue.
  for (const queue of queues) channel.sendToQueue(queue, Buffer.from(END));
  await Promise.all(
    queues.map(async (queue) => {
      for (const body of await untilEnd(channel, queue)) arrived[Number(body)]?.push(queue);
    }),
  );
  return arrived.map((names) => names.sort());
}

async function untilEnd(channel: Client["channel"], queue: string): Promise<readonly string[]> {
  const bodies: string[] = [];
  const tag = `until the end of ${queue}`;
  await new Promise<void>((resolve, reject) => {
    const take = (message: { readonly content: Buffer } | null) => {
      const body = message?.content.toString() ?? END;
      if (body === END) resolve();
      else bodies.push(body);
    };
    channel.consume(queue, take, { noAck: true, consumerTag: tag }).catch(reject);
  });
  await channel.cancel(tag);
  return bodies;
}
