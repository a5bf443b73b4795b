/** Where the dead letters of a queue go. */
import { type DeathReason, withDeath } from "../model/deaths.ts";
import type { Message } from "../model/message.ts";
import { Alarm } from "./alarm.ts";
import type { QueueSettings } from "./arguments.ts";
import type { QueuePorts } from "./queue.ts";

/** As RabbitMQ: what no queue takes is tried again after three minutes. */
const RETRY_MS = 180_000;

export class DeadLetters {
  readonly #queue: string;
  readonly #settings: QueueSettings;
  readonly #publish: QueuePorts["publish"];
  readonly #retry = new Alarm(() => this.#tryAgain());
  #held: Message[] = [];

  constructor(queue: string, settings: QueueSettings, publish: QueuePorts["publish"]) {
    this.#queue = queue;
    this.#settings = settings;
    this.#publish = publish;
  }

  get held(): number {
    return this.#held.length;
  }

  get heldBytes(): number {
    return this.#held.reduce((sum, { body, headerBytes }) => sum + body.length + headerBytes, 0);
  }

  /** Without a dead letter exchange it is gone; also when there is no such exchange or no route. */
  bury(message: Message, reason: DeathReason): void {
    const { deadLetter, isAtLeastOnce } = this.#settings;
    if (!deadLetter) return;
    const { exchange, key } = deadLetter;
    const dead = withDeath(message, reason, this.#queue).with({
      exchange,
      routingKeys: key === undefined ? message.routingKeys : [key],
    });
    const isGone = this.#send(dead, { dropsCycles: reason !== "rejected" });
    if (isGone || !isAtLeastOnce) return;
    this.#held.push(dead);
    this.#retry.setBy(performance.now() + RETRY_MS);
  }

  clear(): void {
    this.#held = [];
    this.#retry.clear();
  }

  #send(dead: Message, options: { readonly dropsCycles: boolean }): boolean {
    const result = this.#publish(dead.exchange, dead, options);
    return result !== null && result.routed > 0 && result.isAccepted;
  }

  #tryAgain(): void {
    this.#held = this.#held.filter((dead) => !this.#send(dead, { dropsCycles: true }));
    if (this.#held.length > 0) this.#retry.setBy(performance.now() + RETRY_MS);
  }
}
