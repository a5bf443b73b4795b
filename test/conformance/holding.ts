/** What a client holds while it plays a random sequence, and the operations on that. */
import type { Consumer, Recorded } from "./channel.ts";
import type { Client } from "./client.ts";
import { type Answer, brief, headersOf, type Message } from "./observe.ts";
import type { Operation, Topology } from "./sequences.ts";

type Held = { readonly message: Message; readonly queue: string };
export type Holding = { readonly channel: Recorded; readonly held: Held[] };
export type Taking = { readonly consumer: Consumer; readonly noAck: boolean; seen: number };

/** What a client of a random sequence has, so that each operation can do what is still possible. */
export type State = {
  readonly client: Client;
  readonly topology: Topology;
  /** Channels with what they hold, by the name of the queue that is consumed there, or `shared`. */
  readonly holding: Map<string, Holding>;
  /** The one consumer that a queue may have, by the queue's name. */
  readonly taking: Map<string, Taking>;
  /** What consumers got, by the queue's name. */
  readonly got: Record<string, string[]>;
  readonly isModern: boolean;
  /** Messages by queue, when they were last counted. */
  readonly ready: Map<string, number>;
  /** For the counts of queues. */
  counting: Recorded | undefined;
};

/** An answer on a channel that holds messages: one that ends it ends what it holds. */
async function answerOn(
  state: State,
  name: string,
  use: (holding: Holding) => Promise<unknown>,
): Promise<Answer> {
  const known = state.holding.get(name);
  const holding = known ?? { channel: await state.client.channel(), held: [] };
  state.holding.set(name, holding);
  const answer = await holding.channel.answer(() => use(holding));
  if (String(answer).startsWith("channel ")) forget(state, name);
  return answer;
}

function forget(state: State, name: string): void {
  state.holding.delete(name);
  state.taking.delete(name);
}

type Of<T extends Operation["do"]> = Extract<Operation, { readonly do: T }>;

/** Takes a message on the channel that all gets share, from a queue that has some if there is one. */
export async function get(state: State, { at, noAck }: Of<"get">): Promise<Answer> {
  const all = state.topology.queues.map(({ name }) => name);
  const full = all.filter((name) => (state.ready.get(name) ?? 0) > 0);
  const queue = nth(full.length > 0 ? full : all, at) ?? "none";
  return await answerOn(state, "shared", async ({ channel, held }) => {
    const message = await channel.raw.get(queue, { noAck });
    if (message === false) return "empty";
    if (!noAck) held.push({ message, queue });
    const left = message.fields.messageCount;
    return `${queue}: ${summary(message, state.isModern)}, then ${left}`;
  });
}

/** Consumes, with one consumer for a queue: among several, who gets what is hard to foresee. */
export async function consume(
  state: State,
  { queue, prefetch, noAck }: Of<"consume">,
): Promise<Answer> {
  if (state.taking.has(queue)) return "has its consumer";
  return await answerOn(state, queue, async ({ channel }) => {
    await channel.raw.prefetch(prefetch);
    const consumer = await channel.consume(queue, { noAck });
    state.taking.set(queue, { consumer, noAck, seen: 0 });
    void consumer.cancelled.then(() => {
      gotOf(state, queue).push("cancelled");
      state.taking.delete(queue);
    });
  });
}

/** Acks, nacks or rejects what a channel holds. */
export async function settle(state: State, { which, at, how, multiple }: Of<"settle">) {
  const name = holderOf(state, which);
  const held = state.holding.get(name)?.held ?? [];
  const one = nth(held, at);
  if (one === undefined) return "nothing held";
  const index = held.indexOf(one);
  held.splice(multiple ? 0 : index, multiple ? index + 1 : 1);
  return await answerOn(state, name, async ({ channel: { raw, heard } }) => {
    if (how === "ack") raw.ack(one.message, multiple);
    else if (how === "nack") raw.nack(one.message, multiple);
    else if (how === "discard") raw.nack(one.message, multiple, false);
    else raw.reject(one.message, how === "reject");
    return `${one.message.content} on ${name}: ${await heard()}`;
  });
}

/** Gives back all that a channel holds. */
export async function recover(state: State, which: number): Promise<Answer> {
  const name = holderOf(state, which);
  if (!state.holding.has(name)) return "nothing held";
  return await answerOn(state, name, async ({ channel, held }) => {
    held.length = 0;
    return await channel.raw.recover();
  });
}

/** The name of one of the channels that hold messages. */
export function holderOf({ holding }: State, which: number): string {
  const names = [...holding].filter(([, { held }]) => held.length > 0).map(([name]) => name);
  return nth(names.sort(), which) ?? "shared";
}

function nth<T>(all: readonly T[], at: number): T | undefined {
  return all[at % all.length];
}

/** Closes a channel that holds messages. */
export async function close(state: State, name: string): Promise<Answer> {
  if (deletesItself(state, name)) await closeIfHolds(state, "shared", name);
  await state.holding.get(name)?.channel.close();
  forget(state, name);
  return "closed";
}

/** Cancels the consumer of a queue, whose channel keeps what it holds. */
export async function cancel(state: State, queue: string): Promise<Answer> {
  const taking = state.taking.get(queue);
  if (taking === undefined) return "no consumer";
  // The queue goes with it, and what is held of it would be nobody's.
  if (deletesItself(state, queue)) return await close(state, queue);
  state.taking.delete(queue);
  return await answerOn(state, queue, async ({ channel }) => {
    await channel.raw.cancel(taking.consumer.tag);
    return "cancelled";
  });
}

/** Deletes a queue; what is held of it would be nobody's, and is given back before. */
export async function removeQueue(state: State, queue: string): Promise<Answer> {
  for (const name of ["shared", queue]) await closeIfHolds(state, name, queue);
  return await state.client.answer(async (ch) => {
    await ch.deleteQueue(queue);
    return "deleted";
  });
}

async function closeIfHolds(state: State, name: string, queue: string): Promise<void> {
  if (state.holding.get(name)?.held.some((one) => one.queue === queue)) await close(state, name);
}

function deletesItself({ topology }: State, queue: string): boolean {
  return topology.queues.some(({ name, autoDelete }) => name === queue && autoDelete);
}

/** What the consumer of a queue got, to add to. */
export function gotOf({ got }: State, queue: string): string[] {
  const own = got[queue] ?? [];
  got[queue] = own;
  return own;
}

type Death = { readonly queue: string; readonly reason: string; readonly count: number };

/** What is compared of a message. */
export function summary(message: Message, isModern: boolean): string {
  const { exchange, routingKey } = message.fields;
  const headers = headersOf(message);
  const deaths = (headers["x-death"] as readonly Death[] | undefined) ?? [];
  const told = deaths.map(({ queue, reason, count }) => `${count} ${reason} in ${queue}`);
  // Older versions list deaths in another order, and do not count on what died.
  if (!isModern && told.length > 0) return `${message.content} ${told.toSorted().join(", ")}`;
  const { "x-delivery-count": delivered = 0, "x-acquired-count": acquired = 0 } = headers;
  const counts = isModern ? ` ${delivered}/${acquired}` : "";
  return [`${brief(message)} by ${exchange}:${routingKey}${counts}`, ...told].join(", ");
}
