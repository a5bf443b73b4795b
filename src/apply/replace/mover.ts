/** Moves messages from a queue to where an exchange leads, over one connection. */
import type { Channel, ConsumeMessage } from "amqplib";
import { type BrokerConnection, closeChannel, withDeadline } from "../../broker-connection.ts";
import { NUMBERS } from "../../numbers.ts";
import { within } from "../../within.ts";
import { Changes } from "./changes.ts";
import { type Copy, copyOf, type Way } from "./copy.ts";
import { keepHeaderBytes } from "./header-bytes.ts";
import { IN_HAND } from "./journal.ts";
import { type Entry, Sender, type SenderOptions, uncopied } from "./sender.ts";

/** From which queue, and how. */
export type MoverOptions = Pick<SenderOptions, "room"> & {
  readonly from: string;
  readonly isQuorum: boolean;
  readonly way: Way;
  readonly consumerTag: string;
  /** A copy is confirmed. */
  readonly onMoved: (copy: Copy) => void;
};

/** `gone`: the queue was deleted. */
export type End = { readonly kind: "gone" } | { readonly kind: "failed"; readonly error: Error };

/** A message is acknowledged once its copy is confirmed and was not returned, and not before. */
export class Mover {
  readonly ended: Promise<End>;
  readonly #connection: BrokerConnection;
  readonly #options: MoverOptions;
  readonly #source: Channel;
  readonly #target: Channel;
  readonly #sender: Sender;
  readonly #confirmed = new Set<number>();
  /** All up to this delivery tag are acknowledged. */
  #acked = 0;
  #isAcking = false;
  #hasReceived = false;
  #isOver = false;
  #end: (end: End) => void = () => undefined;
  readonly #changes = new Changes();

  private constructor(
    connection: BrokerConnection,
    channels: { readonly source: Channel; readonly target: SenderOptions["channel"] },
    options: MoverOptions,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#source = channels.source;
    this.#target = channels.target;
    this.#sender = new Sender({
      channel: channels.target,
      exchange: options.way.exchange,
      room: options.room,
      onConfirmed: (entry) => this.#accept(entry),
      onFailed: (error) => this.#fail(error),
      onChange: () => this.#changes.notify(),
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    void connection.ended.then((reason) => this.#fail(reason));
    for (const channel of Object.values(channels)) {
      channel.on("error", (error: Error) => this.#fail(error));
      channel.on("close", () => this.#fail(new Error("its channel closed")));
    }
  }

  /** @throws {Error} when the broker refuses, or does not answer; the connection is of no use then. */
  static async open(connection: BrokerConnection, options: MoverOptions): Promise<Mover> {
    const [source, target] = await Promise.all([
      connection.createChannel(),
      connection.createConfirmChannel(),
    ]);
    keepHeaderBytes(source);
    const mover = new Mover(connection, { source, target }, options);
    await withDeadline(mover.#consume(), `consume ${options.from}`, connection.destroy);
    return mover;
  }

  /** Has nothing in its hands. */
  get isIdle(): boolean {
    return this.inHand === 0 && !this.#isAcking;
  }

  /** Messages that it has received, and of which no copy is confirmed. */
  get inHand(): number {
    return this.#sender.inHand;
  }

  /** The target takes nothing now. */
  get isRefused(): boolean {
    return this.#sender.isRefused;
  }

  /** Resolves when nothing is in its hands, or when it has failed. */
  async finish(): Promise<void> {
    while (!this.isIdle && !this.#isOver) await this.#changes.next();
  }

  /**
   * Waits for the confirms of what was sent, and gives the rest back to the queue.
   *
   * @returns how many messages at most were copied, and are brought once more.
   */
  async stop(): Promise<number> {
    this.#sender.stop();
    const settled = (async () => {
      while (this.#sender.unconfirmed > 0 && !this.#isOver) await this.#changes.next();
    })();
    await within(settled, NUMBERS.rpcTimeoutMs, undefined);
    this.#acknowledge();
    for (const tag of this.#confirmed) this.#ack(tag, false);
    const inDoubt = this.#isOver && this.#hasReceived ? IN_HAND : this.#sender.unconfirmed;
    await this.#close();
    return inDoubt;
  }

  async #consume(): Promise<void> {
    const { from, consumerTag } = this.#options;
    await this.#source.prefetch(IN_HAND);
    await this.#source.consume(from, (message) => this.#receive(message), { consumerTag });
  }

  #receive(message: ConsumeMessage | null): void {
    if (message === null) this.#end({ kind: "gone" });
    if (message === null || this.#isOver) return;
    this.#hasReceived = true;
    try {
      this.#sender.push({ message, copy: copyOf(message, this.#options.way) });
    } catch (error) {
      this.#fail(uncopied(message, error));
    }
  }

  #accept({ message, copy }: Entry): void {
    this.#confirmed.add(message.fields.deliveryTag);
    this.#options.onMoved(copy);
    if (this.#isAcking) return;
    // The acks of a tick go together.
    this.#isAcking = true;
    setImmediate(() => {
      this.#isAcking = false;
      this.#acknowledge();
      this.#changes.notify();
    });
  }

  /** All up to the first that is not confirmed, in one frame. */
  #acknowledge(): void {
    const before = this.#acked;
    while (this.#confirmed.delete(this.#acked + 1)) this.#acked += 1;
    if (this.#acked > before) this.#ack(this.#acked, true);
  }

  #ack(deliveryTag: number, isUpTo: boolean): void {
    try {
      this.#source.ack({ fields: { deliveryTag } } as ConsumeMessage, isUpTo);
    } catch {
      // The channel is closed: the broker brings it once more.
    }
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sender.lose();
    this.#end({ kind: "failed", error });
    this.#changes.notify();
  }

  async #close(): Promise<void> {
    const { isQuorum, consumerTag } = this.#options;
    // A quorum queue's last acks may wait in the broker's channel, which sends them at a cancel.
    if (isQuorum) {
      const cancel = Promise.race([this.#source.cancel(consumerTag), this.#connection.ended]);
      await withDeadline(cancel, "cancel", this.#connection.destroy).catch(() => undefined);
    }
    await Promise.all(
      [this.#source, this.#target].map((channel) => closeChannel(channel, this.#connection)),
    );
    await this.#connection.close();
  }
}
