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
  readonly #ports: QueuePorts;
  readonly #retry = new Alarm(() => this.#tryAgain());
  #held: Message[] = [];
  #heldBytes = 0;

  constructor(queue: string, settings: QueueSettings, ports: QueuePorts) {
    this.#queue = queue;
    this.#settings = settings;
    this.#ports = ports;
  }

  get held(): number {
    return this.#held.length;
  }

  get heldBytes(): number {
    return this.#heldBytes;
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
    this.#count(dead, 1);
    this.#retry.setBy(performance.now() + RETRY_MS);
  }

  clear(): void {
    for (const dead of this.#held.splice(0)) this.#count(dead, -1);
    this.#retry.clear();
  }

  #send(dead: Message, options: { readonly dropsCycles: boolean }): boolean {
    const result = this.#ports.publish(dead.exchange, dead, options);
    return result !== null && result.routed > 0 && result.isAccepted;
  }

  #tryAgain(): void {
    for (const dead of this.#held.splice(0)) {
      if (this.#send(dead, { dropsCycles: true })) this.#count(dead, -1);
      else this.#held.push(dead);
    }
    if (this.#held.length > 0) this.#retry.setBy(performance.now() + RETRY_MS);
  }

  #count(dead: Message, sign: 1 | -1): void {
    this.#heldBytes += sign * (dead.body.length + dead.headerBytes);
    this.#ports.memory.add(sign * dead.storedBytes);
  }
}
