/** A message as the broker keeps it: what its publisher sent, and what became of it since. */
import { AmqpError } from "../protocol/errors.ts";
import { type Field, lookup, readArray, type Table } from "../protocol/fields.ts";
import { decodeProperties, encodeProperties, type Properties } from "../protocol/properties.ts";
import { type Death, deathHeaders } from "./deaths.ts";
import { checkExpiry } from "./expiry.ts";
import { MESSAGE_OVERHEAD_BYTES } from "./memory.ts";
import { formatString } from "./terms.ts";

/** What a publisher sends with a method. */
export type Content = { readonly properties: Buffer; readonly body: Buffer };

export class Message {
  readonly exchange: string;
  /** The publisher's, then those of CC and BCC. */
  readonly routingKeys: readonly string[];
  readonly properties: Properties;
  readonly body: Buffer;
  /** Those of `routingKeys` that no history tells. */
  readonly blindKeys: ReadonlySet<string>;
  /** The last one first. */
  readonly deaths: readonly Death[];
  /** The one of all that came first; it stays where the list is sorted anew. */
  readonly firstDeath: Death | null;
  /** Where it was published last before its last death. */
  readonly lastExchange: string;
  /** Of the message itself, in milliseconds; null: none, or it has expired by it once. */
  readonly ttlMs: number | null;
  /** How often a quorum queue's consumers have failed with it before it was dead-lettered. */
  readonly deliveryCount: number | null;
  /** The content header as it is sent; made when it is first asked for. */
  #encoded: Buffer | null;

  constructor(fields: MessageFields, encoded: Buffer | null = null) {
    this.exchange = fields.exchange;
    this.routingKeys = fields.routingKeys;
    this.properties = fields.properties;
    this.body = fields.body;
    this.blindKeys = fields.blindKeys;
    this.deaths = fields.deaths;
    this.firstDeath = fields.firstDeath;
    this.lastExchange = fields.lastExchange;
    this.ttlMs = fields.ttlMs;
    this.deliveryCount = fields.deliveryCount;
    this.#encoded = encoded;
  }

  get routingKey(): string {
    return this.routingKeys[0] ?? "";
  }

  /** As its publisher sent them. */
  get headers(): Table {
    return this.properties.headers ?? [];
  }

  /** By which it is routed: with those of its history. */
  get routingHeaders(): Table {
    return this.deaths.length === 0 ? this.headers : [...deathHeaders(this), ...this.headers];
  }

  /** The payload of its content header, with its deaths, and with what this delivery has to say. */
  header(annotations: Table = []): Buffer {
    if (annotations.length > 0) return this.#encode(annotations);
    this.#encoded ??= this.#encode([]);
    return this.#encoded;
  }

  /** Of its content header. */
  get headerBytes(): number {
    return this.header().length;
  }

  /** What it takes in memory, roughly. */
  get storedBytes(): number {
    return this.body.length + this.headerBytes + MESSAGE_OVERHEAD_BYTES;
  }

  with(changes: Partial<MessageFields>): Message {
    return new Message({ ...this, ...changes });
  }

  #encode(annotations: Table): Buffer {
    const added = [...annotations, ...deathHeaders(this)];
    if (added.length === 0) return encodeProperties(this.properties);
    const names = new Set(added.map(([name]) => name));
    const headers = [...added, ...this.headers.filter(([name]) => !names.has(name))];
    return encodeProperties({ ...this.properties, headers: headers.sort(byName) });
  }
}

type MessageFields = {
  readonly exchange: string;
  readonly routingKeys: readonly string[];
  readonly properties: Properties;
  readonly body: Buffer;
  readonly blindKeys: ReadonlySet<string>;
  readonly deaths: readonly Death[];
  readonly firstDeath: Death | null;
  readonly lastExchange: string;
  readonly ttlMs: number | null;
  readonly deliveryCount: number | null;
};

/**
 * @throws {AmqpError} 406 for an expiration that is none, and for CC or BCC that are no lists of
 *   keys; 502 for a content header that can't be read.
 */
export function messageOf(exchange: string, routingKey: string, content: Content): Message {
  const decoded = decodeProperties(content.properties);
  const cc = keysOf(decoded.headers, "CC");
  const bcc = keysOf(decoded.headers, "BCC");
  const ttlMs = ttlOf(decoded);
  const isBlind = decoded.headers !== undefined && lookup(decoded.headers, "BCC") !== undefined;
  const isOdd = ttlMs !== null && decoded.expiration?.toString() !== `${ttlMs}`;
  const properties: Properties = {
    ...decoded,
    ...(isBlind && { headers: decoded.headers?.filter(([name]) => name !== "BCC") ?? [] }),
    // `007` is passed on as 7.
    ...(isOdd && { expiration: Buffer.from(`${ttlMs}`) }),
  };
  const fields: MessageFields = {
    exchange,
    routingKeys: [routingKey, ...cc, ...bcc],
    properties,
    body: content.body,
    blindKeys: new Set(bcc),
    deaths: [],
    firstDeath: null,
    lastExchange: "",
    ttlMs,
    deliveryCount: null,
  };
  return new Message(fields, isBlind || isOdd ? null : content.properties);
}

function keysOf(headers: Table | undefined, name: "CC" | "BCC"): readonly string[] {
  const field = headers && lookup(headers, name);
  if (!field) return [];
  if (field.type !== "array") {
    const reason = `{unacceptable_type_in_header,"${name}",${field.type}}`;
    throw new AmqpError("precondition-failed", `invalid message: ${reason}`);
  }
  const isKey = (one: Field) => one.type === "longstr";
  return readArray(field.value)
    .filter(isKey)
    .map(({ value }) => String(value));
}

function ttlOf({ expiration }: Properties): number | null {
  if (expiration === undefined) return null;
  const text = expiration.toString();
  const [, digits = "", rest = ""] = /^([+-]?\d+)?(.*)$/s.exec(text) ?? [];
  const problem =
    digits === ""
      ? "no_integer"
      : rest === ""
        ? checkExpiry(Number(digits))
        : `{leftover_string,${formatString(rest)}}`;
  if (problem === null) return Number(digits);
  throw new AmqpError("precondition-failed", `invalid expiration '${text}': ${problem}`);
}

function byName([a]: Table[number], [b]: Table[number]): number {
  return a < b ? -1 : Number(a > b);
}
