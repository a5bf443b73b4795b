/** Streams to read from, and the reading. */
import type { Options } from "amqplib";
import type { Client } from "./client.ts";
import type { Peer } from "./peers.ts";

export const STREAM = { arguments: { "x-queue-type": "stream" } };

/** A stream of messages with these bodies. */
export async function stream(peer: Peer, bodies: readonly string[]): Promise<Client> {
  const client = await peer.connect();
  const channel = await client.channel();
  await channel.raw.assertQueue("s", STREAM);
  for (const body of bodies) await channel.fill("s", [body]);
  return client;
}

/** Reads what there is from an offset on; a prefetch is needed. */
export async function read(
  client: Client,
  offset: unknown,
  count: number,
  options: Options.Consume = {},
) {
  const channel = await client.channel();
  await channel.raw.prefetch(100);
  const args = offset === undefined ? {} : { "x-stream-offset": offset };
  const consumer = await channel.consume("s", { ...options, arguments: args });
  await consumer.until(count);
  await client.quiet();
  await channel.close();
  return consumer.messages;
}
