/**
 * Reads AMQP 0-9-1 as it passes through the proxy: what is delivered, settled, published and
 * confirmed, seen by somebody who trusts neither side.
 *
 * @see https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, section 4.2
 */

/** A message in a deliver, publish or return; `id` is its message id, "" without one. */
type Carried = { readonly exchange: string; readonly key: string; readonly id: string };

export type WireEvent = { readonly channel: number } & (
  | { readonly kind: "open" }
  | { readonly kind: "consume"; readonly queue: string }
  | ({ readonly kind: "deliver"; readonly tag: number; readonly redelivered: boolean } & Carried)
  | ({ readonly kind: "publish" | "return" } & Carried)
  | { readonly kind: "ack" | "nack"; readonly tag: number; readonly multiple: boolean }
  | { readonly kind: "close" | "connection-close"; readonly code: number; readonly text: string }
);

/** The event of a content-bearing method before its header has told the message id. */
type Headless =
  | ({ readonly kind: "deliver"; readonly tag: number; readonly redelivered: boolean } & Place)
  | ({ readonly kind: "publish" | "return" } & Place);
type Place = { readonly exchange: string; readonly key: string };

const METHOD = 1;
const HEADER = 2;
const PROTOCOL_HEADER = Buffer.from("AMQP");
/** Type, channel and size before the payload, and one byte after it. */
const FRAME_HEAD = 7;
const FRAME_EXTRA = 8;

/** The events of one direction of one connection. */
export class WireReader {
  #rest: Buffer = Buffer.alloc(0);
  readonly #headless = new Map<number, Headless>();
  readonly #onEvent: (event: WireEvent) => void;

  constructor(onEvent: (event: WireEvent) => void) {
    this.#onEvent = onEvent;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#rest.subarray(0, 4).equals(PROTOCOL_HEADER)) this.#rest = this.#rest.subarray(8);
    while (this.#rest.length >= FRAME_HEAD) {
      const size = this.#rest.readUInt32BE(3);
      if (this.#rest.length < size + FRAME_EXTRA) return;
      const payload = this.#rest.subarray(FRAME_HEAD, FRAME_HEAD + size);
      this.#frame(this.#rest.readUInt8(0), this.#rest.readUInt16BE(1), payload);
      this.#rest = this.#rest.subarray(size + FRAME_EXTRA);
    }
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    if (type === HEADER) {
      const headless = this.#headless.get(channel);
      this.#headless.delete(channel);
      if (headless) this.#onEvent({ channel, ...headless, id: readMessageId(payload) });
      return;
    }
    if (type !== METHOD) return;
    const read = METHODS[`${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`];
    const event = read?.(new Fields(payload, 4));
    if (!event) return;
    if ("exchange" in event) this.#headless.set(channel, event);
    else this.#onEvent({ channel, ...event });
  }
}

type Distribute<Event> = Event extends unknown ? Omit<Event, "channel" | "id"> : never;
type Bare = Exclude<Distribute<WireEvent>, { readonly exchange: string }>;

/** By class and method; every other method is of no interest. */
const METHODS: Readonly<Record<string, (fields: Fields) => Bare | Headless>> = {
  "10.50": (fields) => ({ kind: "connection-close", code: fields.short(), text: fields.text() }),
  "20.10": () => ({ kind: "open" }),
  "20.40": (fields) => ({ kind: "close", code: fields.short(), text: fields.text() }),
  "60.20": (fields) => ({ kind: "consume", queue: fields.skip(2).text() }),
  "60.40": (fields) => {
    const [exchange, key] = [fields.skip(2).text(), fields.text()];
    return { kind: "publish", exchange, key };
  },
  "60.50": (fields) => {
    fields.skip(2).text();
    return { kind: "return", exchange: fields.text(), key: fields.text() };
  },
  "60.60": (fields) => {
    fields.text();
    const [tag, redelivered] = [fields.long(), fields.bit(0)];
    fields.skip(1);
    return { kind: "deliver", tag, redelivered, exchange: fields.text(), key: fields.text() };
  },
  "60.80": (fields) => ({ kind: "ack", tag: fields.long(), multiple: fields.bit(0) }),
  "60.90": (fields) => ({ kind: "nack", tag: fields.long(), multiple: false }),
  "60.120": (fields) => ({ kind: "nack", tag: fields.long(), multiple: fields.bit(0) }),
};

/** Reads fields one after another. */
class Fields {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  skip(bytes: number): this {
    this.#at += bytes;
    return this;
  }

  short(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  /** Tags stay far below 2^53. */
  long(): number {
    this.#at += 8;
    return Number(this.#bytes.readBigUInt64BE(this.#at - 8));
  }

  /** Bits share a byte, which stays the next to be read. */
  bit(index: number): boolean {
    return (this.#bytes.readUInt8(this.#at) & (1 << index)) !== 0;
  }

  text(): string {
    const start = this.#at + 1;
    this.#at = start + this.#bytes.readUInt8(this.#at);
    return this.#bytes.toString("utf8", start, this.#at);
  }

  table(): this {
    return this.skip(4 + this.#bytes.readUInt32BE(this.#at));
  }
}

/** The properties before the message id, in the order of their flags. */
const BEFORE_ID: readonly (readonly [flag: number, skip: (fields: Fields) => unknown])[] = [
  [15, (fields) => fields.text()],
  [14, (fields) => fields.text()],
  [13, (fields) => fields.table()],
  [12, (fields) => fields.skip(1)],
  [11, (fields) => fields.skip(1)],
  [10, (fields) => fields.text()],
  [9, (fields) => fields.text()],
  [8, (fields) => fields.text()],
];

function readMessageId(header: Buffer): string {
  // Class, weight and the body's size come before the flags.
  const fields = new Fields(header, 12);
  const flags = fields.short();
  for (const [flag, skip] of BEFORE_ID) if (flags & (1 << flag)) skip(fields);
  return flags & (1 << 7) ? fields.text() : "";
}
