/**
 * Consumes one queue: what it is to the rest of the runner, and what joins its parts. `Intake` brings
 * its messages, `Dispatch` has those that have not begun, `Running` those that have; how many may
 * begin is said by its `Slots`.
 */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Binding, Queue } from "../../topology.ts";
import type { Result } from "../host/host.ts";
import type { Live } from "../intake/acks.ts";
import { Intake } from "../intake/intake.ts";
import { type Sharer, Slots } from "../pace/slots.ts";
import { Pauses } from "../pauses.ts";
import type { ConsumerState } from "../status.ts";
import { Dispatch } from "./dispatch.ts";
import { Running, type RunningOptions } from "./running.ts";

type Own = "queue" | "slots" | "pauses" | "onNoRoom" | "wake" | "onReleased";

export type ConsumerOptions = Omit<RunningOptions, Own> & {
  readonly queue: Queue;
  /** Those of the topology in force that lead to a queue. */
  readonly bindingsOf: (queue: string) => readonly Binding[];
  /** The queue on the broker; of the same name unless given. */
  readonly source?: string;
  /** Shared with whoever else runs the queue's handler. */
  readonly slots?: Slots;
  /** It consumes nothing before `open`. */
  readonly isShut?: boolean;
  /** The subscription has ended, alone (the queue was deleted, say) or with its connection. */
  readonly onLost: (consumer: QueueConsumer, reason: string) => void;
};

export class QueueConsumer implements Sharer {
  readonly #options: ConsumerOptions;
  readonly #intake: Intake;
  readonly #dispatch: Dispatch;
  readonly #running: Running;
  readonly #slots: Slots;
  /** Of messages that wait while they run; over once it stops. */
  readonly #pauses = new Pauses();
  #queue: Queue;
  #isShut: boolean;
  #draining: Promise<boolean> | null = null;

  constructor(options: ConsumerOptions) {
    const { log, slots = new Slots(log), isShut = false } = options;
    this.#options = options;
    this.#queue = options.queue;
    this.#slots = slots;
    this.#isShut = isShut;
    const shared = { ...options, queue: () => this.#queue, slots, pauses: this.#pauses };
    this.#running = new Running({
      ...shared,
      onNoRoom: (message) => this.#dispatch.putBack(message),
      wake: () => this.wake(),
      onReleased: () => this.#released(),
    });
    this.#intake = this.#createIntake();
    this.#dispatch = new Dispatch({ ...shared, intake: this.#intake, running: this.#running });
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
    return state !== "down" && this.#running.isHolding ? "held" : state;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Messages that were handled before; null: the queue asks of none. */
  get duplicates(): number | null {
    return this.#running.duplicates;
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
    if (this.#isPaused) {
      // What waits here for another run waits in the broker instead.
      this.#pauses.cut();
      this.#dispatch.pause();
    }
    this.#intake.obey();
    this.wake();
  }

  /** A slot may be free. */
  wake(): void {
    this.#dispatch.wake();
  }

  /** What became of a delivery, perhaps one of others. */
  accept(result: Result): void {
    this.#running.accept(result);
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

  /** Messages that have not begun, in the queue and here; null while nobody can tell. */
  async countWaiting(): Promise<number | null> {
    const here = this.#dispatch.waiting.length;
    const ready = await this.#intake.countReady();
    return ready === null ? null : ready + here;
  }

  async #drain(deadlineMs: number): Promise<boolean> {
    this.#pauses.end();
    this.#intake.close();
    const isIdle = await this.#running.idle(deadlineMs);
    const hasLeft = await this.#intake.leave(() => this.#dispatch.waiting.map(({ raw }) => raw));
    await this.#intake.remove();
    this.#slots.leave(this);
    return isIdle && hasLeft;
  }

  #createIntake(): Intake {
    const { project, queue, bindingsOf, onLost, log } = this.#options;
    return new Intake({
      project,
      log,
      queue: () => this.#consumed(),
      bindings: () => bindingsOf(queue.name),
      isPaused: () => this.#isPaused,
      isIdle: () => this.#running.size === 0,
      onMessage: (raw, subscription) => this.#dispatch.receive(raw, subscription),
      onPaused: () => this.#dispatch.handBack(),
      onEnd: (subscription) => this.#end(subscription),
      onDown: (reason) => {
        if (!this.#isStopping) onLost(this, reason);
      },
    });
  }

  /** The queue as it is consumed now. */
  #consumed(): Queue {
    const { source } = this.#options;
    const queue = source === undefined ? this.#queue : { ...this.#queue, ...unlike(source) };
    // Of an ordered queue, or another with a single active consumer, the prefetch can't be changed.
    return this.#slots.breaker.isTrying ? { ...queue, concurrency: 1, prefetch: 1 } : queue;
  }

  #released(): void {
    if (this.#running.size === 0 && this.#isPaused) this.#intake.obey();
    this.#slots.freed(this);
  }

  #end(subscription: Live): void {
    this.#pauses.cut();
    this.#dispatch.drop(subscription);
  }
}

/**
 * In what a queue on the broker is not the one of the file: its name, and perhaps its type. It is left
 * as a quorum queue: one that is not loses nothing by that.
 */
function unlike(source: string): Pick<Queue, "name" | "type"> {
  return { name: source, type: "quorum" };
}
