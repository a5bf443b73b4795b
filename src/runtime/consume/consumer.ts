/**
 * Consumes one queue: dispatches deliveries to the handlers, and settles each once, on the channel
 * that brought it. What can't be settled for broker trouble is held: it keeps its slot until a copy
 * is confirmed, or until the channel is gone and the broker has it again. The others go on: where a
 * backlog has filled the broker's memory, only consuming ends the trouble.
 */
import type { ConsumeMessage } from "amqplib";
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Binding, Queue } from "../../topology.ts";
import { within } from "../../within.ts";
import type { Cause, Delivery, Result } from "../host/host.ts";
import { Gate, type GateTools } from "../idempotency/gate.ts";
import { Intake } from "../intake/intake.ts";
import { type Sharer, Slots } from "../pace/slots.ts";
import { Pauses } from "../pauses.ts";
import { expiryOf } from "../rpc/expiry.ts";
import type { ConsumerState } from "../status.ts";
import { firstFailure } from "./copies.ts";
import { Head } from "./head.ts";
import { type Incoming, readIncoming } from "./incoming.ts";
import { exhaustion, isUncounted } from "./redelivery.ts";
import {
  type Ended,
  type Live,
  nextDelayMs,
  type Received,
  Settler,
  type SettlerOptions,
} from "./settle.ts";
import { Waiting } from "./waiting.ts";

export type ConsumerOptions = Omit<SettlerOptions, "queue"> & {
  readonly queue: Queue;
  /** Those of the topology in force that lead to a queue. */
  readonly bindingsOf: (queue: string) => readonly Binding[];
  /** The queue on the broker; of the same name unless given. */
  readonly source?: string;
  /** Shared with whoever else runs the queue's handler. */
  readonly slots?: Slots;
  /** It consumes nothing before `open`. */
  readonly isShut?: boolean;
  readonly deliver: (batch: readonly Delivery[]) => void;
  /** By which its messages are handled once. */
  readonly once: GateTools;
  readonly nextId: () => number;
  /** The subscription has ended, alone (the queue was deleted, say) or with its connection. */
  readonly onLost: (consumer: QueueConsumer, reason: string) => void;
};

type Held = Received & {
  readonly delivery: Delivery;
  /** When a request is over that has not begun, by the monotonic clock; null: never, or it has begun. */
  readonly expiresAt: number | null;
  /** It was acknowledged when it was given to the handler: nobody has it but this runner. */
  readonly isAcked?: boolean;
};
type Concluded = Pick<Result, "outcome" | "durationMs">;

export class QueueConsumer implements Sharer {
  readonly #options: ConsumerOptions;
  readonly #intake: Intake;
  readonly #settler: Settler;
  readonly #gate: Gate<Held>;
  readonly #pauses = new Pauses();
  readonly #head = new Head();
  readonly #slots: Slots;
  #queue: Queue;
  #isShut: boolean;
  #draining: Promise<boolean> | null = null;
  readonly #waiting = new Waiting<Held>(() => this.#queue);
  /** Given to a handler, or waiting for its copy. */
  readonly #running = new Map<number, Held>();
  #isScheduled = false;
  #onIdle: () => void = () => undefined;

  constructor(options: ConsumerOptions) {
    const { project, log, slots = new Slots(log), isShut = false } = options;
    this.#options = options;
    this.#queue = options.queue;
    this.#slots = slots;
    this.#isShut = isShut;
    this.#settler = new Settler({ ...options, queue: () => this.#queue }, this.#pauses);
    this.#gate = new Gate({
      ...options.once,
      queue: () => this.#queue,
      pauses: this.#pauses,
      log: options.log,
      mayRun: ({ subscription }, isClaimed) =>
        subscription.isLive && !this.#isStopping && (isClaimed || !this.#isPaused),
      deliver: (batch) => options.deliver(batch.map(({ delivery }) => delivery)),
      onDuplicate: (held) => this.#skip(held),
      onRefused: (held, cause) => void this.#conclude(held, deadOf(cause)),
      again: (held) => this.#runAgain(held, held.incoming),
    });
    this.#intake = new Intake({
      project,
      queue: () => this.#consumed(),
      bindings: () => options.bindingsOf(options.queue.name),
      isPaused: () => this.#isPaused,
      isIdle: () => this.#running.size === 0,
      onMessage: (raw, subscription) => this.#receive(raw, subscription),
      onPaused: () => this.#handBack(),
      onEnd: (subscription) => this.#end(subscription),
      onDown: (reason) => {
        if (!this.#isStopping) this.#options.onLost(this, reason);
      },
    });
    slots.adopt(options.queue);
    slots.join(this);
  }

  get queue(): Queue {
    return this.#queue;
  }

  /** Its runs, and those of whoever shares them. */
  get slots(): Slots {
    return this.#slots;
  }

  get #isStopping(): boolean {
    return this.#pauses.isOver;
  }

  get #isPaused(): boolean {
    return this.#slots.pausing.isPaused;
  }

  get state(): ConsumerState {
    if (this.#isStopping) return "stopped";
    if (this.#isShut) return "waiting";
    const { state } = this.#intake;
    if (this.#isPaused || state === "resuming") return "paused";
    return state !== "down" && this.#settler.isHolding ? "held" : state;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Messages that were handled before; null: the queue asks of none. */
  get duplicates(): number | null {
    return this.#gate.duplicates;
  }

  /** Another one with the same handler, slots and copies, for a queue of another name on the broker. */
  beside(source: string): QueueConsumer {
    const [queue, slots] = [this.#queue, this.#slots];
    const onLost = () => undefined;
    return new QueueConsumer({ ...this.#options, queue, source, slots, isShut: false, onLost });
  }

  /** From now on it may be subscribed. */
  open(): void {
    this.#isShut = false;
  }

  /** @throws {Error} when the broker refuses: no such queue, no permission. */
  async subscribe(connection: BrokerConnection): Promise<void> {
    if (!this.#isShut) await this.#intake.subscribe(connection);
  }

  /**
   * Takes over what the topology says of the queue now; only another prefetch subscribes again, and
   * only an exclusive queue is bound here.
   *
   * @throws {Error} when the broker refuses that.
   */
  async refresh(queue: Queue): Promise<void> {
    this.#queue = queue;
    this.#slots.adopt(queue);
    this.wake();
    await this.#intake.refresh();
  }

  /** An exchange may have been declared again: the queue is bound once more, if this has to bind it. */
  rebind(): void {
    if (this.#queue.exclusive && !this.#isStopping) this.#intake.rebind();
  }

  /**
   * Leaves the queue alone, whichever of its names, until the returned function is called: what runs
   * goes on, what has not begun is handed back to the broker. Of several reasons the last one counts.
   *
   * @param reason in words, for /health and the log.
   * @param forMs how long it is meant to last; null: nobody knows.
   */
  pause(reason: string, forMs: number | null = null): () => void {
    const { log } = this.#options;
    const { name: queue } = this.#queue;
    const release = this.#slots.pausing.add(reason, forMs);
    log.info({ queue, reason, forMs }, "queue paused");
    return () => {
      const wasPaused = this.#isPaused;
      release();
      if (wasPaused && !this.#isPaused) log.info({ queue }, "queue goes on");
    };
  }

  /** The queue is paused, or goes on. */
  obey(): void {
    if (this.#isStopping) return;
    // What waits here for another run waits in the broker instead.
    if (this.#isPaused) {
      this.#pauses.cut();
      this.#waiting.forgetGivenBack();
    }
    this.#intake.obey();
    this.wake();
  }

  /** What became of a delivery. */
  accept(result: Result): void {
    const held = this.#running.get(result.id);
    this.#slots.finish(result.id, result.outcome);
    if (held) void this.#conclude(held, result);
  }

  /**
   * Starts nothing new, waits for what runs, and gives back what no handler has seen.
   *
   * @returns whether all runs ended before `deadlineMs` was over, and the broker has their acks; of
   *   a connection that was lost, and is not back, nobody knows.
   */
  drain(deadlineMs: number): Promise<boolean> {
    this.#draining ??= this.#drain(deadlineMs);
    return this.#draining;
  }

  async #drain(deadlineMs: number): Promise<boolean> {
    this.#pauses.end();
    this.#intake.close();
    const isIdle = await this.#idle(deadlineMs);
    const hasLeft = await this.#intake.leave(() => this.#waiting.all.map(({ raw }) => raw));
    await this.#intake.remove();
    this.#slots.leave(this);
    return isIdle && hasLeft;
  }

  /** Messages that have not begun, in the queue and here; null while nobody can tell. */
  async countWaiting(): Promise<number | null> {
    const here = this.#waiting.size;
    const ready = await this.#intake.countReady();
    return ready === null ? null : ready + here;
  }

  async #idle(deadlineMs: number): Promise<boolean> {
    if (this.#running.size === 0) return true;
    const idle = new Promise<boolean>((resolve) => {
      this.#onIdle = () => resolve(true);
    });
    return await within(idle, deadlineMs, false);
  }

  #receive(raw: ConsumeMessage, subscription: Live): void {
    const incoming = readIncoming(raw, this.#queue.name, this.#options.project);
    const [delivery, expiresAt] = [this.#delivery(incoming), expiryOf(raw)];
    this.#waiting.add({ delivery, expiresAt, incoming, raw, subscription });
    this.wake();
  }

  /** Its id is that of one run: what comes late of an earlier run is never taken for this one's. */
  #delivery({ attempt, message }: Incoming): Delivery {
    return { id: this.#options.nextId(), queue: message.queue, attempt, message };
  }

  /** Dispatches soon: the deliveries of one read from the socket go to the handlers together. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.#isStopping) return;
    const ready: Held[] = [];
    for (const held of this.#waiting.take(this.#slots.room)) {
      if (this.#isExpired(held)) void this.#expire(held);
      else if (this.#queue.ordered) this.#runHead(held);
      else if (this.#isUncounted(held)) void this.#count(held);
      else ready.push(held);
    }
    if (ready.length > 0) this.#run(ready);
    this.#lookAhead();
  }

  /** With a free slot: what waits begins with the next token, and where nothing waits more is sent. */
  #lookAhead(): void {
    const { room, free } = this.#slots;
    if (free < 1 || this.#isPaused) return;
    const isWaiting = this.#waiting.size > 0;
    const isShort = !isWaiting && this.#intake.isExhausted;
    if (room < 1 && (isShort || isWaiting)) this.#slots.expect();
    // A token that has come since nothing could be taken: nobody else would say so.
    else if (isWaiting) this.wake();
    else if (isShort) this.#intake.topUp();
  }

  #isExpired({ expiresAt }: Held): boolean {
    return this.#queue.rpc && expiresAt !== null && performance.now() >= expiresAt;
  }

  async #expire(held: Held): Promise<void> {
    this.#running.set(held.delivery.id, held);
    if (await this.#settler.expire(held)) {
      this.#head.forget();
      this.#release(held);
    } else this.#giveBack(held);
  }

  #isUncounted(held: Held): boolean {
    return !this.#waiting.isGivenBack(held) && isUncounted(held, this.#queue);
  }

  async #count(held: Held): Promise<void> {
    this.#running.set(held.delivery.id, held);
    const cause = exhaustion(held.incoming);
    if (cause) await this.#conclude(held, deadOf(cause));
    else if (await this.#settler.count(held)) this.#release(held);
    else this.#runAgain(held, held.incoming);
  }

  #run(batch: readonly Held[]): void {
    const isAcked = this.#queue.acksOnDelivery;
    const runs = isAcked ? batch.map((held) => ({ ...held, isAcked })) : batch;
    for (const held of runs) this.#running.set(held.delivery.id, held);
    const readable = runs.filter((held) => !this.#refuse(held));
    if (readable.length === 0) return;
    if (isAcked) for (const { raw, subscription } of readable) subscription.acks.ack(tagOf(raw));
    this.#slots.begin(readable.map(({ delivery }) => delivery.id));
    this.#gate.enter(readable);
  }

  /** It was handled before. */
  #skip(held: Held): void {
    this.#settler.skip(held);
    this.#head.forget();
    this.#release(held);
  }

  /** @returns false if a handler may have it. */
  #refuse(held: Held): boolean {
    const { problem } = held.incoming;
    if (problem === null) return false;
    void this.#conclude(held, deadOf({ reason: "undecodable", error: problem }));
    return true;
  }

  async #conclude(held: Held, { outcome, durationMs }: Concluded): Promise<void> {
    const isHandled = outcome.status === "handled";
    if (this.#gate.has(held) && !(await this.#gate.leave(held, isHandled))) {
      this.#giveBack(held);
      return;
    }
    if (outcome.status === "held") {
      await this.#settler.hold(held, outcome.reason);
      this.#runAgain(held, held.incoming);
      return;
    }
    if (held.isAcked) {
      this.#settler.noteEnd(held, outcome, durationMs);
      held.subscription.acks.ack(tagOf(held.raw));
      this.#release(held);
      return;
    }
    const delayMs = this.#queue.ordered ? nextDelayMs(this.#queue, held.incoming, outcome) : null;
    if (delayMs !== null) {
      this.#settler.noteRetry(held, outcome, durationMs);
      await this.#runInPlace(held, nextAttempt(held.incoming, outcome), delayMs);
    } else if (await this.#settler.settle(held, outcome, durationMs)) {
      this.#head.forget();
      this.#release(held);
    } else this.#giveBack(held);
  }

  /** With what it has spent already, if it came before on a connection that was lost. */
  #runHead(held: Held): void {
    const { incoming = held.incoming, delayMs = 0 } = this.#head.recall(held.raw) ?? {};
    void this.#runInPlace(held, incoming, delayMs);
  }

  /** Those behind it wait as long. */
  async #runInPlace(held: Held, incoming: Incoming, delayMs: number): Promise<void> {
    this.#running.set(held.delivery.id, held);
    this.#head.remember(held.raw, incoming, delayMs);
    const isWaiting = held.subscription.isLive && !this.#isPaused && delayMs > 0;
    if (isWaiting) await this.#pauses.wait(delayMs);
    this.#runAgain(held, incoming);
  }

  #runAgain(held: Held, incoming: Incoming): void {
    const isGone = !held.isAcked && !held.subscription.isLive;
    if (isGone || this.#isStopping) {
      this.#giveBack(held);
      return;
    }
    this.#running.delete(held.delivery.id);
    this.#slots.forget(held.delivery.id);
    const next = { ...held, incoming, delivery: this.#delivery(incoming), expiresAt: null };
    if (held.isAcked || this.#slots.room >= 1) {
      this.#run([next]);
    } else {
      this.#waiting.putBack(next);
      this.#handBack();
      this.#release(held);
    }
    this.wake();
  }

  /** What has not begun; not while the broker would bring it again at once. */
  #handBack(): void {
    if (this.#isPaused && !this.#intake.isConsuming) this.#waiting.handBack();
  }

  /** Uncounted; one of an ordered queue goes with its channel, and so keeps its place. */
  #giveBack(held: Held): void {
    const { subscription, raw } = held;
    if (held.isAcked) this.#settler.noteLoss(held);
    else if (!this.#queue.ordered) subscription.acks.handBack(tagOf(raw));
    this.#release(held);
  }

  #release({ delivery }: Held): void {
    this.#running.delete(delivery.id);
    this.#slots.forget(delivery.id);
    if (this.#running.size === 0) this.#idled();
    this.#slots.freed(this);
  }

  /** The queue as it is consumed now. */
  #consumed(): Queue {
    const { source } = this.#options;
    const queue = source === undefined ? this.#queue : { ...this.#queue, ...unlike(source) };
    // Of an ordered queue, or another with a single active consumer, the prefetch can't be changed.
    return this.#slots.breaker.isTrying ? { ...queue, concurrency: 1, prefetch: 1 } : queue;
  }

  #idled(): void {
    this.#onIdle();
    if (this.#isPaused) this.#intake.obey();
  }

  #end(subscription: Live): void {
    this.#pauses.cut();
    if (!this.#isPaused) this.#waiting.forgetGivenBack();
    this.#waiting.drop(subscription);
  }
}

/** The same message, after an attempt of it that has failed. */
function nextAttempt(incoming: Incoming, outcome: Ended): Incoming {
  const attempt = incoming.attempt + 1;
  if (outcome.status === "handled") return { ...incoming, attempt };
  return { ...incoming, attempt, firstFailure: firstFailure(incoming, outcome.cause) };
}

function tagOf({ fields }: ConsumeMessage): number {
  return fields.deliveryTag;
}

/** What no handler gets, or gets no more. */
function deadOf(cause: Cause): Concluded {
  return { outcome: { status: "dead", cause }, durationMs: 0 };
}

/**
 * In what a queue on the broker is not the one of the file: its name, and perhaps its type. It is left
 * as a quorum queue: one that is not loses nothing by that.
 */
function unlike(source: string): Pick<Queue, "name" | "type"> {
  return { name: source, type: "quorum" };
}
