/** One broker's side of a random sequence: what each operation is answered, and what is then seen. */
import type { Client } from "./client.ts";
import {
  cancel,
  close,
  consume,
  get,
  gotOf,
  holderOf,
  recover,
  removeQueue,
  type State,
  settle,
  summary,
} from "./holding.ts";
import type { Answer } from "./observe.ts";
import type { Peer } from "./peers.ts";
import type { Binding, Operation, Topology } from "./sequences.ts";

/** Who plays a sequence, operation by operation. */
export type Player = {
  /** Does it and returns the answer. */
  play(operation: Operation): Promise<Answer>;
  /** The counts of every queue, and all that the consumers have got so far. */
  look(): Promise<unknown>;
};

/** @param isModern whether to look at what older versions than 4.3 do otherwise. */
export async function openPlayer(
  peer: Peer,
  topology: Topology,
  isModern: boolean,
): Promise<Player> {
  const client = await peer.connect();
  const state: State = {
    client,
    topology,
    holding: new Map(),
    taking: new Map(),
    got: {},
    isModern,
    ready: new Map(),
    counting: undefined,
  };
  for (const { name } of topology.exchanges) await declareExchange(client, topology, name);
  for (const { name } of topology.queues) await declareQueue(client, topology, name);
  for (const binding of topology.bindings) await bind(client, "bind", binding);
  return { play: (operation) => play(state, operation), look: () => look(state) };
}

function play(state: State, operation: Operation): Promise<Answer> {
  const { client, topology } = state;
  switch (operation.do) {
    case "publish": {
      const { exchange, key, bodies, options } = operation;
      return client.answer(async (_, { publish }) => {
        const outcomes = [];
        for (const body of bodies) outcomes.push(await publish(exchange, key, body, options));
        return outcomes.join("; ");
      });
    }
    case "get":
      return get(state, operation);
    case "consume":
      return consume(state, operation);
    case "settle":
      return settle(state, operation);
    case "recover":
      return recover(state, operation.which);
    case "close":
      return close(state, holderOf(state, operation.which));
    case "cancel":
      return cancel(state, operation.queue);
    case "delete":
      return removeQueue(state, operation.queue);
    case "purge":
      return client.answer((ch) => ch.purgeQueue(operation.queue));
    case "declare":
      return declareQueue(client, topology, operation.queue);
    case "delete exchange":
      return client.answer((ch) => ch.deleteExchange(operation.exchange));
    case "declare exchange":
      return declareExchange(client, topology, operation.exchange);
    default:
      return bind(client, operation.do, operation.binding);
  }
}

async function look(state: State): Promise<unknown> {
  const counts: Record<string, Answer> = {};
  for (const { name } of state.topology.queues) counts[name] = await count(state, name);
  for (const [queue, taking] of state.taking) {
    const { messages } = taking.consumer;
    for (; taking.seen < messages.length; taking.seen++) {
      const message = messages[taking.seen];
      if (message === undefined) break;
      gotOf(state, queue).push(summary(message, state.isModern));
      if (!taking.noAck) state.holding.get(queue)?.held.push({ message, queue });
    }
  }
  return structuredClone({ counts, got: state.got });
}

// On one channel for as long as it lasts, since nothing is asked for as often.
async function count(state: State, queue: string): Promise<Answer> {
  state.counting ??= await state.client.channel();
  const { raw, answer } = state.counting;
  const counts = await answer(() => raw.checkQueue(queue));
  if (typeof counts === "string") state.counting = undefined;
  state.ready.set(queue, (counts as { readonly messageCount?: number }).messageCount ?? 0);
  return counts;
}

function declareQueue(client: Client, { queues }: Topology, name: string): Promise<Answer> {
  const { autoDelete = false, args = {} } = queues.find((one) => one.name === name) ?? {};
  return client.answer((ch) => ch.assertQueue(name, { autoDelete, arguments: args }));
}

function declareExchange(client: Client, { exchanges }: Topology, name: string): Promise<Answer> {
  const { type = "direct", ...options } = exchanges.find((one) => one.name === name) ?? {};
  return client.answer((ch) => ch.assertExchange(name, type, options));
}

function bind(
  client: Client,
  way: "bind" | "unbind",
  { source, destination, to, key, args }: Binding,
): Promise<Answer> {
  const method = `${way}${to === "queue" ? "Queue" : "Exchange"}` as const;
  return client.answer((ch) => ch[method](destination, source, key, args));
}
