/** What dead-lettering writes down about a message, and the headers that tell it. */
import {
  arrayField,
  type Field,
  long,
  longstr,
  type Table,
  tableField,
} from "../protocol/fields.ts";
import type { Message } from "./message.ts";

export type DeathReason = "rejected" | "expired" | "maxlen" | "delivery_limit";

/** All deaths of a message in one queue for one reason: the first of them, and how many there were. */
export type Death = {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly count: number;
  readonly exchange: string;
  readonly routingKeys: readonly string[];
  /** In seconds since 1970. */
  readonly time: number;
  /** Of the message itself, which it loses here. */
  readonly ttlMs: number | null;
};

/** The message with one more death, and without its own expiration. */
export function withDeath(message: Message, reason: DeathReason, queue: string): Message {
  const isSame = (death: Death) => death.queue === queue && death.reason === reason;
  const known = message.deaths.find(isSame);
  const death: Death = known
    ? { ...known, count: known.count + 1 }
    : {
        queue,
        reason,
        count: 1,
        exchange: message.exchange,
        routingKeys: message.routingKeys.filter((key) => !message.blindKeys.has(key)),
        time: Math.floor(Date.now() / 1_000),
        ttlMs: message.ttlMs,
      };
  const { expiration: _, ...properties } = message.properties;
  return message.with({
    properties,
    ttlMs: null,
    deaths: [death, ...message.deaths.filter((one) => !isSame(one))],
    firstDeath: message.firstDeath ?? death,
    lastExchange: message.exchange,
  });
}

/**
 * Whether it has been in this queue before, and left it and all since by itself: such a message
 * would go round for ever. A client's reject breaks the cycle.
 */
export function isCycle({ deaths }: Message, queue: string): boolean {
  const last = deaths.findIndex((death) => death.queue === queue);
  return last >= 0 && deaths.slice(0, last + 1).every(({ reason }) => reason !== "rejected");
}

/** x-death and its companions; none without a death. */
export function deathHeaders({ deaths, firstDeath: first, lastExchange }: Message): Table {
  const [last] = deaths;
  if (!first || !last) return [];
  return [
    ["x-death", arrayField(deaths.map(tableOf))],
    ["x-first-death-exchange", longstr(first.exchange)],
    ["x-first-death-queue", longstr(first.queue)],
    ["x-first-death-reason", longstr(first.reason)],
    ["x-last-death-exchange", longstr(lastExchange)],
    ["x-last-death-queue", longstr(last.queue)],
    ["x-last-death-reason", longstr(last.reason)],
  ];
}

function tableOf(death: Death): Field {
  const { count, reason, queue, time, exchange, routingKeys, ttlMs } = death;
  const own: Table = [
    ["count", long(count)],
    ["reason", longstr(reason)],
    ["queue", longstr(queue)],
    ["time", { type: "timestamp", value: time }],
    ["exchange", longstr(exchange)],
    ["routing-keys", arrayField(routingKeys.map(longstr))],
  ];
  const expiration: Table = ttlMs === null ? [] : [["original-expiration", longstr(`${ttlMs}`)]];
  return tableField([...expiration, ...own]);
}
