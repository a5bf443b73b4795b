/** Delivered messages that no handler has yet, those of the highest priority first. */
import type { Queue } from "../../topology.ts";
import type { Live } from "../intake/acks.ts";
import { handBack, type Message } from "./message.ts";

export class Waiting {
  readonly #queue: () => Queue;
  #messages: Message[] = [];
  /** Ids of what the broker has again unseen: its redelivery says nothing of a crash. */
  readonly #givenBack = new Set<string>();

  /** @param queue as the topology in force says it; an ordered one has no priorities. */
  constructor(queue: () => Queue) {
    this.#queue = queue;
  }

  get all(): readonly Message[] {
    return this.#messages;
  }

  /** Behind those of its priority. */
  add(message: Message): void {
    const priority = this.#priorityOf(message);
    this.#put(message, (other) => this.#priorityOf(other) < priority);
  }

  /** Before those of its priority: it has waited already. */
  putBack(message: Message): void {
    const priority = this.#priorityOf(message);
    this.#put(message, (other) => this.#priorityOf(other) <= priority);
  }

  take(count: number): readonly Message[] {
    return this.#messages.splice(0, count);
  }

  /** Hands everything back, uncounted. */
  handBack(): void {
    for (const message of this.#messages) {
      this.#givenBack.add(message.incoming.message.id);
      handBack(message);
    }
    this.#messages = [];
  }

  /** The broker has again what came with a subscription. */
  drop(subscription: Live): void {
    const ended = this.#messages.filter((message) => message.subscription === subscription);
    this.#messages = this.#messages.filter((message) => message.subscription !== subscription);
    for (const { incoming } of ended) this.#givenBack.add(incoming.message.id);
  }

  /** Another pause begins, or another subscription: no more is kept than one has brought. */
  forgetGivenBack(): void {
    this.#givenBack.clear();
  }

  /** Whether it has come again although no handler had it. */
  isGivenBack({ raw, incoming }: Message): boolean {
    return raw.fields.redelivered && this.#givenBack.delete(incoming.message.id);
  }

  #put(message: Message, isBehind: (other: Message) => boolean): void {
    let index = this.#messages.length;
    for (; index > 0; index--) {
      const before = this.#messages[index - 1];
      if (before && !isBehind(before)) break;
    }
    this.#messages.splice(index, 0, message);
  }

  #priorityOf({ incoming }: Message): number {
    return this.#queue().ordered ? 0 : (incoming.message.priority ?? 0);
  }
}
