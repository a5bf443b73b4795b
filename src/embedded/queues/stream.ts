/** A stream: a log that any number of consumers read, from wherever they want, as often as they want. */
import type { Memory } from "../model/memory.ts";
import type { Message } from "../model/message.ts";
import { AmqpError } from "../protocol/errors.ts";
import { long, lookup, type Table } from "../protocol/fields.ts";
import type { QueueSettings, QueueType } from "./arguments.ts";
import { readOffset, type StreamPlace } from "./consumer-arguments.ts";
import type { Consumer } from "./consumers.ts";
import type { Entry } from "./entry.ts";
import type { Owner, Queue, QueueCounts, QueueIdentity } from "./queue.ts";

/** What is deleted together, the oldest first, once it is full and there is a newer one. */
type Segment = { readonly firstOffset: number; bytes: number; lastAt: number };

type Logged = { readonly message: Message; readonly at: number };

type Reader = {
  readonly consumer: Consumer;
  /** The next one that it gets. */
  offset: number;
  inFlight: number;
};

export class Stream implements Queue {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly owner: Owner | null;
  readonly arguments: Table;
  readonly type: QueueType = "stream";
  readonly #what: string;
  readonly #settings: QueueSettings;
  readonly #memory: Memory;
  readonly #readers = new Map<Consumer, Reader>();
  #log: Logged[] = [];
  #firstOffset = 0;
  #segments: Segment[] = [];

  /** @param where ` in vhost '/'`, for texts. */
  constructor(identity: QueueIdentity, settings: QueueSettings, where: string, memory: Memory) {
    this.name = identity.name;
    this.durable = identity.durable;
    this.autoDelete = identity.autoDelete;
    this.owner = identity.owner;
    this.arguments = identity.arguments;
    this.#what = `queue '${identity.name}'${where}`;
    this.#settings = settings;
    this.#memory = memory;
  }

  get counts(): QueueCounts {
    const inFlight = [...this.#readers.values()].reduce((sum, one) => sum + one.inFlight, 0);
    return { ready: this.#log.length, unacknowledged: inFlight, held: 0 };
  }

  get consumerCount(): number {
    return this.#readers.size;
  }

  get consumers(): readonly Consumer[] {
    return [...this.#readers.keys()];
  }

  publish(message: Message): boolean {
    const at = Date.now();
    const logged = { message: stored(message), at };
    this.#log.push(logged);
    this.#memory.add(logged.message.storedBytes);
    this.#store(message.body.length + message.headerBytes, at);
    for (const reader of this.#readers.values()) this.#run(reader);
    return true;
  }

  get(): never {
    throw new AmqpError(
      "not-implemented",
      `basic.get not supported by stream queues ${this.#what}`,
    );
  }

  consume(consumer: Consumer, args: Table, accepted: () => void): void {
    if (consumer.prefetch === 0) {
      const text = `consumer prefetch count is not set for stream ${this.#what}`;
      throw new AmqpError("precondition-failed", text);
    }
    if (consumer.noAck) {
      const text = `automatic acknowledgement not supported by stream ${this.#what}`;
      throw new AmqpError("not-implemented", text);
    }
    const offset = this.#offsetOf(readOffset(lookup(args, "x-stream-offset")));
    const reader = { consumer, offset, inFlight: 0 };
    accepted();
    this.#readers.set(consumer, reader);
    this.#run(reader);
  }

  cancel(consumer: Consumer): void {
    this.#readers.delete(consumer);
  }

  release(consumers: readonly Consumer[]): void {
    for (const consumer of consumers) this.#readers.delete(consumer);
  }

  annotate({ number }: Entry): Table {
    return [["x-stream-offset", long(number)]];
  }

  settle(entries: readonly Entry[], _how: unknown, consumer: Consumer | null): void {
    const reader = consumer && this.#readers.get(consumer);
    if (!reader) return;
    reader.inFlight -= entries.length;
    this.#run(reader);
  }

  wake(consumer: Consumer): void {
    const reader = this.#readers.get(consumer);
    if (reader) this.#run(reader);
  }

  purge(): never {
    const text = `queue.purge not supported by stream queues ${this.#what}`;
    throw new AmqpError("not-implemented", text);
  }

  touch(): void {}

  end(): void {
    const consumers = [...this.#readers.keys()];
    this.#readers.clear();
    this.#forget(this.#log.splice(0));
    for (const consumer of consumers) consumer.cancelled();
  }

  #run(reader: Reader): void {
    const { consumer } = reader;
    reader.offset = Math.max(reader.offset, this.#firstOffset);
    while (reader.inFlight < consumer.prefetch && consumer.canSend()) {
      const logged = this.#log[reader.offset - this.#firstOffset];
      if (!logged) return;
      reader.inFlight += 1;
      consumer.deliver(entryOf(logged.message, reader.offset));
      reader.offset += 1;
    }
  }

  #store(bytes: number, at: number): void {
    const last = this.#segments.at(-1);
    if (last && last.bytes < this.#settings.segmentBytes) {
      last.bytes += bytes;
      last.lastAt = at;
      return;
    }
    this.#segments.push({
      firstOffset: this.#firstOffset + this.#log.length - 1,
      bytes,
      lastAt: at,
    });
    this.#retain(at);
  }

  #retain(now: number): void {
    const { maxBytes, maxAgeMs } = this.#settings;
    let total = this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
    for (;;) {
      const [oldest, next] = this.#segments;
      if (!oldest || !next || !(total > maxBytes || now - oldest.lastAt > maxAgeMs)) return;
      this.#segments.shift();
      total -= oldest.bytes;
      this.#forget(this.#log.splice(0, next.firstOffset - this.#firstOffset));
      this.#firstOffset = next.firstOffset;
    }
  }

  #forget(logged: readonly Logged[]): void {
    for (const { message } of logged) this.#memory.add(-message.storedBytes);
  }

  #offsetOf(place: StreamPlace): number {
    const end = this.#firstOffset + this.#log.length;
    switch (place.kind) {
      case "first":
        return this.#firstOffset;
      case "last":
        return Math.max(this.#firstOffset, end - 1);
      case "next":
        return end;
      case "offset":
        return Math.max(this.#firstOffset, place.offset);
      case "time":
        return this.#offsetSince(place.time);
    }
  }

  #offsetSince(time: number): number {
    const index = this.#log.findIndex(({ at }) => at >= time);
    return this.#firstOffset + (index < 0 ? this.#log.length : index);
  }
}

/** A stream says of every message how durable it is meant to be. */
function stored(message: Message): Message {
  const { deliveryMode = 1 } = message.properties;
  return message.with({ properties: { ...message.properties, deliveryMode } });
}

function entryOf(message: Message, offset: number): Entry {
  return { message, number: offset, bytes: 0, expiresAt: null, returns: 0, failures: null };
}
