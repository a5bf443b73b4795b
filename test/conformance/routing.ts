/** Where messages go: for tables of bindings and of messages. */
import type { Options } from "amqplib";
import type { Peer } from "./peers.ts";

export type Binding = { readonly key?: string; readonly args?: object };
export type Sent = { readonly key?: string; readonly options?: Options.Publish };

/**
 * Binds a queue for every name in `bindings` to one exchange of this type, publishes the messages,
 * and says for each, by its name, the queues that have it: once for every time they do.
 */
export async function route(
  peer: Peer,
  type: string,
  bindings: Readonly<Record<string, readonly Binding[]>>,
  messages: Readonly<Record<string, Sent>>,
): Promise<Record<string, string>> {
  const client = await peer.connect();
  const { raw, publish } = await client.channel();
  await raw.assertExchange("x", type);
  for (const [queue, own] of Object.entries(bindings)) {
    await raw.assertQueue(queue);
    for (const { key = "", args = {} } of own) await raw.bindQueue(queue, "x", key, args);
  }
  const outcomes: Record<string, string> = {};
  for (const [name, { key = "", options }] of Object.entries(messages)) {
    outcomes[name] = `${await publish("x", key, name, { mandatory: true, ...options })}:`;
  }
  for (const queue of Object.keys(bindings)) {
    for (const { content } of await client.drain(queue)) outcomes[`${content}`] += ` ${queue}`;
  }
  return outcomes;
}

/** Bindings by key alone: the queue has the key's name. */
export function byKey(...keys: readonly string[]): Record<string, readonly Binding[]> {
  return Object.fromEntries(keys.map((key) => [`[${key}]`, [{ key }]]));
}

/** Messages that have their key alone. */
export function keys(...all: readonly string[]): Record<string, Sent> {
  return Object.fromEntries(all.map((key) => [`<${key}>`, { key }]));
}
