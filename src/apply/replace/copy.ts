/**
 * Copies of a message on its way from a queue into the one that takes its place: whatever the broker
 * would act on once more is put aside, and all the rest is as it was sent.
 */
import type { ConsumeMessage, MessageProperties, Options } from "amqplib";
import { NUMBERS } from "../../numbers.ts";
import { headerBytes } from "./header-bytes.ts";
import { type HeaderTable, readTable } from "./header-table.ts";
import type { ReplaceCounts } from "./journal.ts";

/** Before the name of what was put aside. */
const ASIDE = "x-warren-moved-";
/** Where a moved message had been published; its routing key it still has. */
export const MOVED_EXCHANGE_HEADER = `${ASIDE}exchange`;
const USER_HEADER = `${ASIDE}user-id`;
const EXPIRATION_HEADER = `${ASIDE}expiration`;

/** A message as it is published again, through the exchange of its way. */
export type Copy = {
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: Options.Publish;
  readonly counts: Pick<ReplaceCounts, "byName" | "expiring" | "altered">;
};

/** Where copies go. */
export type Way = {
  /** The exchange through which copies go. */
  readonly exchange: string;
  /** It ends in the new queue: there the message may expire again. */
  readonly isLast: boolean;
};

/** @throws {Error} for headers that can't be written again. */
export function copyOf(message: ConsumeMessage, way: Way): Copy {
  const { content, fields, properties } = message;
  const headers = headersOf(message);
  // It has been copied before: by the first half of the way, or by one that was interrupted.
  const isMoved = fields.exchange === way.exchange;
  if (!isMoved) headers[MOVED_EXCHANGE_HEADER] = fields.exchange;
  const { kept, altered } = keptOf(properties);
  if (properties.userId !== undefined) headers[USER_HEADER] = properties.userId;
  const aside = headers[EXPIRATION_HEADER];
  delete headers[EXPIRATION_HEADER];
  const expiration = properties.expiration ?? (isMoved ? aside : undefined);
  if (expiration !== undefined && !way.isLast) headers[EXPIRATION_HEADER] = expiration;
  return {
    routingKey: fields.routingKey,
    content,
    options: {
      ...kept,
      headers,
      mandatory: true,
      ...(way.isLast && expiration !== undefined && { expiration }),
    },
    counts: {
      byName: fields.exchange === "" ? 1 : 0,
      expiring: way.isLast && expiration !== undefined ? 1 : 0,
      altered,
    },
  };
}

/** The broker routes by them once more, or takes them for its own history of the message. */
const PUT_ASIDE = /^(CC|BCC|x-death|x-(first|last)-death-.*)$/;
/** It writes them itself, anew. */
const OF_THE_BROKER = /^x-(delivery|acquired)-count$/;

function headersOf(message: ConsumeMessage): HeaderTable {
  const bytes = headerBytes(message);
  const table = bytes ? readTable(bytes) : (message.properties.headers ?? {});
  const headers: HeaderTable = Object.create(null);
  for (const [name, value] of Object.entries(table)) {
    if (OF_THE_BROKER.test(name)) continue;
    headers[PUT_ASIDE.test(name) ? `${ASIDE}${name.toLowerCase()}` : name] = value;
  }
  return headers;
}

const TEXTS = [
  "contentType",
  "contentEncoding",
  "correlationId",
  "replyTo",
  "messageId",
  "type",
  "appId",
] as const;

/** amqplib has no way to send a cluster id; bytes that are no UTF-8 may have become too many. */
function keptOf(properties: MessageProperties): {
  readonly kept: Options.Publish;
  readonly altered: 0 | 1;
} {
  const { deliveryMode, priority, timestamp, clusterId } = properties;
  const texts = TEXTS.filter((name) => properties[name] !== undefined);
  const short = texts.filter((name) => Buffer.byteLength(properties[name]) <= NUMBERS.maxNameBytes);
  const isAltered = short.length < texts.length || clusterId !== undefined;
  return {
    kept: {
      ...Object.fromEntries(short.map((name) => [name, properties[name]])),
      ...(deliveryMode !== undefined && { deliveryMode }),
      ...(priority !== undefined && { priority }),
      ...(timestamp !== undefined && { timestamp }),
    },
    altered: isAltered ? 1 : 0,
  };
}
