/**
 * What of a queue has begun: each message has a slot from here to its end, and ends once, on the
 * channel that brought it. Between the two it may run more than once. What can't be settled for
 * broker trouble is held: it keeps its slot until a copy is confirmed, or until the channel is gone
 * and the broker has it again. The others go on: where a backlog has filled the broker's memory, only
 * consuming ends the trouble.
 */
import { PassingMap } from "../../passing-map.ts";
import { within } from "../../within.ts";
import type { Cause, Delivery, Ended, Result } from "../host/host.ts";
import { Gate, type GateTools } from "../idempotency/gate.ts";
import type { Slots } from "../pace/slots.ts";
import type { Pauses } from "../pauses.ts";
import { firstFailure } from "./copies.ts";
import { Head } from "./head.ts";
import type { Incoming } from "./incoming.ts";
import { ack, forRun, handBack, type Message } from "./message.ts";
import { nextDelayMs } from "./next-delay.ts";
import { Notes, type NotesOptions } from "./notes.ts";
import { exhaustion } from "./redelivery.ts";
import { Settler, type SettlerOptions } from "./settle.ts";

export type RunningOptions = SettlerOptions &
  NotesOptions & {
    readonly slots: Slots;
    /** Those of the consumer: cut when what waits has to go, and over once it stops. */
    readonly pauses: Pauses;
    readonly deliver: (batch: readonly Delivery[]) => void;
    /** By which its messages are handled once. */
    readonly once: GateTools;
    readonly nextId: () => number;
    /** Its next run needs a slot, and none is free: it has not begun any more. */
    readonly onNoRoom: (message: Message) => void;
    /** Others may begin. */
    readonly wake: () => void;
    /** A message has left its slot. */
    readonly onReleased: () => void;
  };

type Concluded = Pick<Result, "outcome" | "durationMs">;

export class Running {
  readonly #options: RunningOptions;
  readonly #notes: Notes;
  readonly #settler: Settler;
  readonly #gate: Gate;
  readonly #head = new Head();
  /** By run: given to a handler, or waiting for its copy. */
  readonly #messages = new PassingMap<number, Message>();
  #onIdle: () => void = () => undefined;

  constructor(options: RunningOptions) {
    const { once, queue, slots, pauses, log } = options;
    this.#options = options;
    this.#notes = new Notes(options);
    this.#settler = new Settler(options, pauses, this.#notes);
    this.#gate = new Gate({
      ...once,
      queue,
      pauses,
      log,
      mayGoOn: ({ subscription }, isWaiting) =>
        subscription.isLive && !pauses.isOver && !(isWaiting && slots.pausing.isPaused),
      deliver: (batch) => options.deliver(batch.map(({ delivery }) => delivery)),
      onDuplicate: (message) => this.#skip(message),
      onRefused: (message, cause) => void this.#conclude(message, deadOf(cause)),
      again: (message) => this.#runAgain(message, message.incoming),
    });
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Broker trouble, with one message at least. */
  get isHolding(): boolean {
    return this.#settler.isHolding;
  }

  /** Messages that were handled before; null: the queue asks of none. */
  get duplicates(): number | null {
    return this.#gate.duplicates;
  }

  /** Runs messages, for which there is room. */
  begin(batch: readonly Message[]): void {
    const isAcked = this.#options.queue().acksOnDelivery;
    const runs = isAcked ? batch.map((message) => ({ ...message, isAcked })) : batch;
    for (const message of runs) this.#messages.set(message.delivery.id, message);
    const readable = runs.filter((message) => !this.#refuse(message));
    if (readable.length === 0) return;
    if (isAcked) for (const message of readable) ack(message);
    this.#options.slots.begin(readable.map(({ delivery }) => delivery.id));
    this.#gate.enter(readable);
  }

  /** Runs one of an ordered queue, with what it has spent if it came before on a lost connection. */
  beginHead(message: Message): void {
    const { incoming = message.incoming, delayMs = 0 } = this.#head.recall(message.raw) ?? {};
    void this.#runInPlace(message, incoming, delayMs);
  }

  /** Counts a delivery that had no end before; what can't be counted is run. */
  async beginCounted(message: Message): Promise<void> {
    this.#messages.set(message.delivery.id, message);
    const cause = exhaustion(message.incoming);
    if (cause) await this.#conclude(message, deadOf(cause));
    else if (await this.#settler.count(message)) this.#release(message);
    else this.#runAgain(message, message.incoming);
  }

  /** Ends a request whose caller waits no longer. */
  async expire(message: Message): Promise<void> {
    this.#messages.set(message.delivery.id, message);
    if (await this.#settler.expire(message)) this.#end(message);
    else this.#giveBack(message);
  }

  /** What became of a delivery, perhaps one of others. */
  accept(result: Result): void {
    const message = this.#messages.get(result.id);
    this.#options.slots.finish(result.id, result.outcome);
    if (message) void this.#conclude(message, result);
  }

  /** @returns whether all runs ended before `deadlineMs` was over. */
  async idle(deadlineMs: number): Promise<boolean> {
    if (this.#messages.size === 0) return true;
    const idle = new Promise<boolean>((resolve) => {
      this.#onIdle = () => resolve(true);
    });
    return await within(idle, deadlineMs, false);
  }

  /** It was handled before. */
  #skip(message: Message): void {
    this.#settler.skip(message);
    this.#end(message);
  }

  /** @returns false if a handler may have it. */
  #refuse(message: Message): boolean {
    const { problem } = message.incoming;
    if (problem === null) return false;
    void this.#conclude(message, deadOf({ reason: "undecodable", error: problem }));
    return true;
  }

  async #conclude(message: Message, { outcome, durationMs }: Concluded): Promise<void> {
    const isHandled = outcome.status === "handled";
    if (this.#gate.has(message) && !(await this.#gate.leave(message, isHandled))) {
      this.#giveBack(message);
      return;
    }
    if (outcome.status === "held") {
      await this.#settler.hold(message, outcome.reason);
      this.#runAgain(message, message.incoming);
      return;
    }
    if (message.isAcked) {
      this.#notes.ended(message.incoming, outcome, isHandled ? "handled" : "dropped", durationMs);
      ack(message);
      this.#release(message);
      return;
    }
    const queue = this.#options.queue();
    const delayMs = queue.ordered ? nextDelayMs(queue, message.incoming, outcome) : null;
    if (delayMs !== null) {
      this.#notes.ended(message.incoming, outcome, "retried", durationMs);
      await this.#runInPlace(message, nextAttempt(message.incoming, outcome), delayMs);
    } else if (await this.#settler.settle(message, outcome, durationMs)) this.#end(message);
    else this.#giveBack(message);
  }

  /** Those behind it wait as long. */
  async #runInPlace(message: Message, incoming: Incoming, delayMs: number): Promise<void> {
    const { pauses, slots } = this.#options;
    this.#messages.set(message.delivery.id, message);
    this.#head.remember(message.raw, incoming, delayMs);
    const isWaiting = message.subscription.isLive && !slots.pausing.isPaused && delayMs > 0;
    if (isWaiting) await pauses.wait(delayMs);
    this.#runAgain(message, incoming);
  }

  #runAgain(message: Message, incoming: Incoming): void {
    const { pauses, slots, nextId, onNoRoom, wake } = this.#options;
    const isGone = !message.isAcked && !message.subscription.isLive;
    if (isGone || pauses.isOver) {
      this.#giveBack(message);
      return;
    }
    this.#messages.delete(message.delivery.id);
    slots.forget(message.delivery.id);
    const next = forRun({ ...message, incoming, expiresAt: null }, nextId());
    if (message.isAcked || slots.room >= 1) {
      this.begin([next]);
    } else {
      onNoRoom(next);
      this.#release(message);
    }
    wake();
  }

  #end(message: Message): void {
    this.#head.forget();
    this.#release(message);
  }

  /** Uncounted; one of an ordered queue goes with its channel, and so keeps its place. */
  #giveBack(message: Message): void {
    if (message.isAcked) this.#notes.lost(message.incoming);
    else if (!this.#options.queue().ordered) handBack(message);
    this.#release(message);
  }

  #release({ delivery }: Message): void {
    this.#messages.delete(delivery.id);
    this.#options.slots.forget(delivery.id);
    if (this.#messages.size === 0) this.#onIdle();
    this.#options.onReleased();
  }
}

/** The same message, after an attempt of it that has failed. */
function nextAttempt(incoming: Incoming, outcome: Ended): Incoming {
  const attempt = incoming.attempt + 1;
  if (outcome.status === "handled") return { ...incoming, attempt };
  return { ...incoming, attempt, firstFailure: firstFailure(incoming, outcome.cause) };
}

/** What no handler gets, or gets no more. */
function deadOf(cause: Cause): Concluded {
  return { outcome: { status: "dead", cause }, durationMs: 0 };
}
