/** Publishes copies in order, as far as the target takes them, and says which of them it has. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { messageOf, quoted, WarrenError } from "../../errors.ts";
import { Changes } from "./changes.ts";
import type { Copy } from "./copy.ts";

/** A message that was received, and its copy. */
export type Entry = { readonly message: ConsumeMessage; readonly copy: Copy };

/** Where copies go, and who is told what became of them. */
export type SenderOptions = {
  readonly channel: ConfirmChannel;
  readonly exchange: string;
  /** How much the target takes before it drops what it has; null: everything. */
  readonly room: (() => Promise<Room>) | null;
  /** The target has it. */
  readonly onConfirmed: (entry: Entry) => void;
  /** Nothing is known any more of what is unconfirmed, and nothing more is sent. */
  readonly onFailed: (error: Error) => void;
  /** Something has changed. */
  readonly onChange: () => void;
};

/** What a queue takes before it drops something. */
export type Room = { readonly messages: number; readonly bytes: number };

/** Before what the target refused is sent again, or its room looked at. */
const FULL_MS = 250;

/** Of one confirm channel. */
export class Sender {
  readonly #options: SenderOptions;
  #waiting: Entry[] = [];
  #refused: Entry[] = [];
  #unconfirmed = 0;
  #isSending = false;
  #isStopped = false;
  #isLost = false;
  readonly #changes = new Changes();

  constructor(options: SenderOptions) {
    this.#options = options;
    // The confirm of what was returned comes after it, and is not to be believed.
    options.channel.on("return", () =>
      this.#fail(new Error(`exchange "${options.exchange}" leads to no queue`)),
    );
  }

  /** Messages that it has taken, and of which no copy is confirmed. */
  get inHand(): number {
    return this.#waiting.length + this.#refused.length + this.#unconfirmed;
  }

  get unconfirmed(): number {
    return this.#unconfirmed;
  }

  /** The target is full, as it seems. */
  get isRefused(): boolean {
    return this.#refused.length > 0;
  }

  push(entry: Entry): void {
    this.#waiting.push(entry);
    void this.#send();
  }

  /** Nothing more is sent; what is unconfirmed may still be confirmed. */
  stop(): void {
    this.#isStopped = true;
  }

  /** What is unconfirmed will never be confirmed. */
  lose(): void {
    this.#isLost = true;
    this.#changes.notify();
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (!this.#isStopped && !this.#isLost && this.#waiting.length + this.#refused.length > 0) {
      if (this.#refused.length > 0) await this.#takeBack();
      else await this.#sendSome();
    }
    this.#isSending = false;
  }

  async #sendSome(): Promise<void> {
    const { room } = this.#options;
    if (room === null) {
      this.#publish(this.#waiting.splice(0));
      return;
    }
    try {
      const sent = this.#waiting.splice(0, countFitting(this.#waiting, await room()));
      if (sent.length === 0) await sleep(FULL_MS);
      this.#publish(sent);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    await this.#untilConfirmed();
  }

  /** What was refused goes before what waits, in the order in which it came. */
  async #takeBack(): Promise<void> {
    await this.#untilConfirmed();
    await sleep(FULL_MS);
    const inOrder = this.#refused.sort((a, b) => tagOf(a) - tagOf(b));
    this.#waiting = [...inOrder, ...this.#waiting];
    this.#refused = [];
  }

  async #untilConfirmed(): Promise<void> {
    while (this.#unconfirmed > 0 && !this.#isLost) await this.#changes.next();
  }

  #publish(entries: readonly Entry[]): void {
    const { channel, exchange } = this.#options;
    for (const entry of entries) {
      const { routingKey, content, options } = entry.copy;
      this.#unconfirmed += 1;
      try {
        channel.publish(exchange, routingKey, content, options, (error: unknown) =>
          this.#settle(entry, error),
        );
      } catch (error) {
        // amqplib takes the confirms that follow for those of other messages.
        this.#fail(uncopied(entry.message, error));
        return;
      }
    }
  }

  #settle(entry: Entry, error: unknown): void {
    if (this.#isLost) return;
    this.#unconfirmed -= 1;
    if (error) this.#refused.push(entry);
    else this.#options.onConfirmed(entry);
    if (error) void this.#send();
    this.#changes.notify();
    this.#options.onChange();
  }

  #fail(error: Error): void {
    this.lose();
    this.#options.onFailed(error);
  }
}

/** A message that stays where it is, and why. */
export function uncopied({ fields, properties }: ConsumeMessage, cause: unknown): WarrenError {
  const id = properties.messageId;
  const which =
    id === undefined ? `with key ${quoted(fields.routingKey)}` : `with id ${quoted(String(id))}`;
  const text = `the message ${which} can't be copied: ${messageOf(cause)}`;
  return new WarrenError("replace-stalled", text, { cause });
}

function countFitting(entries: readonly Entry[], { messages, bytes }: Room): number {
  let left = bytes;
  for (const [index, { copy }] of entries.entries()) {
    left -= copy.content.length;
    if (index === messages || left < 0) return index;
  }
  return entries.length;
}

const tagOf = ({ message }: Entry) => message.fields.deliveryTag;
