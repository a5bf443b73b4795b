/** A queue with a dead letter exchange, and what becomes of its messages. */
import type { Options } from "amqplib";
import type { Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { type Message, whole } from "./observe.ts";
import type { Peer } from "./peers.ts";

export type Dying = {
  readonly client: Client;
  readonly channel: Recorded;
  /** Publishes to the queue `q` through the exchange `x`. */
  send(body: string, options?: Options.Publish): Promise<string>;
  /** Waits for as many messages in the queue `dead`, and takes them. */
  dead(count: number): Promise<readonly Message[]>;
};

/** Queue `q`, bound to `x` by key `k`, whose dead letters go through `dlx` to the queue `dead`. */
export async function dying(peer: Peer, args: object = {}): Promise<Dying> {
  const client = await peer.connect();
  const channel = await client.channel();
  const { raw } = channel;
  await raw.assertExchange("x", "direct");
  await raw.assertExchange("dlx", "fanout");
  await raw.assertQueue("dead");
  await raw.bindQueue("dead", "dlx", "");
  await raw.assertQueue("q", { arguments: { "x-dead-letter-exchange": "dlx", ...args } });
  await raw.bindQueue("q", "x", "k");
  return {
    client,
    channel,
    send: (body, options) => channel.publish("x", "k", body, options),
    async dead(count) {
      await client.until("dead", count);
      return await client.drain("dead");
    },
  };
}

/** All that a client can see of dead letters. */
export async function wholeDead({ dead }: Dying, count: number) {
  return (await dead(count)).map(whole);
}
