/**
 * What of a queue has not begun: delivered messages wait here until there is room for a run, and
 * begin then, those of the highest priority first. Nothing here is running, and all of it can be
 * given back to the broker, uncounted.
 */
import type { ConsumeMessage } from "amqplib";
import type { Queue } from "../../topology.ts";
import type { Live } from "../intake/acks.ts";
import type { Intake } from "../intake/intake.ts";
import type { Slots } from "../pace/slots.ts";
import type { Pauses } from "../pauses.ts";
import { expiryOf } from "../rpc/expiry.ts";
import { readIncoming } from "./incoming.ts";
import { forRun, type Message } from "./message.ts";
import { isUncounted } from "./redelivery.ts";
import type { Running } from "./running.ts";
import { Waiting } from "./waiting.ts";

export type DispatchOptions = {
  readonly project: string;
  /** As the topology in force says it. */
  readonly queue: () => Queue;
  readonly nextId: () => number;
  readonly slots: Slots;
  /** Those of the consumer: over once it stops. */
  readonly pauses: Pauses;
  readonly intake: Intake;
  readonly running: Running;
};

export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #waiting: Waiting;
  #isScheduled = false;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#waiting = new Waiting(options.queue);
  }

  /** Messages that wait. */
  get waiting(): readonly Message[] {
    return this.#waiting.all;
  }

  /** A delivery has come. */
  receive(raw: ConsumeMessage, subscription: Live): void {
    const { queue, project, nextId } = this.#options;
    const incoming = readIncoming(raw, queue().name, project);
    const expiresAt = expiryOf(raw);
    this.#waiting.add(forRun({ incoming, raw, subscription, expiresAt }, nextId()));
    this.wake();
  }

  /** A message that had begun waits once more. */
  putBack(message: Message): void {
    this.#waiting.putBack(message);
    this.handBack();
  }

  /** Begins soon: the deliveries of one read from the socket go to the handlers together. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#begin();
    });
  }

  /** Of a paused queue, but not while the broker would bring it again at once. */
  handBack(): void {
    if (this.#isPaused && !this.#options.intake.isConsuming) this.#waiting.handBack();
  }

  /** The queue is paused: what the broker gets back from now on is known again when it comes. */
  pause(): void {
    this.#waiting.forgetGivenBack();
  }

  /** A subscription is over, and the broker has again what came with it. */
  drop(subscription: Live): void {
    if (!this.#isPaused) this.#waiting.forgetGivenBack();
    this.#waiting.drop(subscription);
  }

  get #isPaused(): boolean {
    return this.#options.slots.pausing.isPaused;
  }

  #begin(): void {
    const { queue, slots, pauses, running } = this.#options;
    if (pauses.isOver) return;
    const ready: Message[] = [];
    for (const message of this.#waiting.take(slots.room)) {
      if (this.#isExpired(message)) void running.expire(message);
      else if (queue().ordered) running.beginHead(message);
      else if (this.#isUncounted(message)) void running.beginCounted(message);
      else ready.push(message);
    }
    if (ready.length > 0) running.begin(ready);
    this.#lookAhead();
  }

  /** With a free slot: what waits begins with the next token, and where nothing waits more is sent. */
  #lookAhead(): void {
    const { slots, intake } = this.#options;
    const { room, free } = slots;
    if (free < 1 || this.#isPaused) return;
    const isWaiting = this.#waiting.all.length > 0;
    const isShort = !isWaiting && intake.isExhausted;
    if (room < 1 && (isShort || isWaiting)) slots.expect();
    // A token that has come since nothing could be taken: nobody else would say so.
    else if (isWaiting) this.wake();
    else if (isShort) intake.topUp();
  }

  #isExpired({ expiresAt }: Message): boolean {
    return this.#options.queue().rpc && expiresAt !== null && performance.now() >= expiresAt;
  }

  #isUncounted(message: Message): boolean {
    return !this.#waiting.isGivenBack(message) && isUncounted(message, this.#options.queue());
  }
}
