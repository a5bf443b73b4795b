/**
 * Acknowledges on the one channel that brought the deliveries; tags of another channel never reach
 * it. The acks of a tick leave together: one `multiple` ack up to the highest settled tag without a
 * gap below it, the others singly.
 */
import type { Channel, Message } from "amqplib";

export class Acks {
  readonly #channel: Channel;
  /** The lowest tag that is not settled. */
  #lowest = 1;
  /** Settled tags at or above `#lowest`; true: the broker has been told. */
  readonly #settled = new Map<number, boolean>();
  #isScheduled = false;
  #isOver = false;
  #unsettled = 0;
  /** Deliveries so far; the tag of the last one. */
  #brought = 0;
  /** The last one before the consumer of this moment. */
  #before = 0;
  #unsettledOfConsumer = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Deliveries that are neither acknowledged nor handed back. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Those that came since `consumed`. */
  get unsettledOfConsumer(): number {
    return this.#unsettledOfConsumer;
  }

  /** Another consumer begins on the channel. */
  consumed(): void {
    this.#before = this.#brought;
    this.#unsettledOfConsumer = 0;
  }

  /** One more delivery has come. */
  brought(): void {
    this.#brought += 1;
    this.#unsettled += 1;
    this.#unsettledOfConsumer += 1;
  }

  /** Tags of a delivery start at 1 on each channel. Settling a tag twice does nothing. */
  ack(tag: number): void {
    if (this.#isOver || tag < this.#lowest || this.#settled.has(tag)) return;
    this.#settled.set(tag, false);
    this.#countDown(tag);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.flush());
  }

  /** Gives a message back that no handler has seen; it counts as nothing. */
  handBack(tag: number): void {
    if (this.#isOver || tag < this.#lowest || this.#settled.has(tag)) return;
    this.#settled.set(tag, true);
    this.#countDown(tag);
    this.#send(() => this.#channel.nack(withTag(tag), false, true));
  }

  flush(): void {
    this.#isScheduled = false;
    // A `multiple` ack has to name a tag that is still outstanding, or the channel is closed.
    let upTo = 0;
    for (let isTold = this.#take(); isTold !== undefined; isTold = this.#take()) {
      if (!isTold) upTo = this.#lowest - 1;
    }
    if (upTo > 0) this.#send(() => this.#channel.ack(withTag(upTo), true));
    for (const [tag, isTold] of this.#settled) {
      if (isTold) continue;
      this.#settled.set(tag, true);
      this.#send(() => this.#channel.ack(withTag(tag)));
    }
  }

  /** The channel is gone: the broker gives its messages to somebody again. */
  end(): void {
    this.#isOver = true;
    this.#settled.clear();
  }

  #countDown(tag: number): void {
    this.#unsettled -= 1;
    if (tag > this.#before) this.#unsettledOfConsumer -= 1;
  }

  #take(): boolean | undefined {
    const isTold = this.#settled.get(this.#lowest);
    if (isTold !== undefined) this.#settled.delete(this.#lowest++);
    return isTold;
  }

  #send(write: () => void): void {
    if (this.#isOver) return;
    try {
      write();
    } catch {
      // The channel has just closed: a late ack is no ack, the message comes again.
      this.end();
    }
  }
}

/** The channel that brought a message; once it is over, the broker has the message again. */
export type Live = { readonly acks: Acks; readonly isLive: boolean };

/** amqplib reads nothing of the message but its tag. */
function withTag(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as Message;
}
