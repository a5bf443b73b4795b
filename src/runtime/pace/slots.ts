import type { Log } from "../../handler.ts";
import type { Queue } from "../../topology.ts";
import type { Outcome } from "../host/host.ts";
import { QueueBreaker } from "./breaker.ts";
import { Pausing } from "./pausing.ts";
import { RateLimit } from "./rate.ts";

/** One that runs a queue's handler. */
export type Sharer = {
  /** Runs under way. */
  readonly inFlight: number;
  /** A slot may be free. */
  wake(): void;
  /** The queue is paused, or goes on. */
  obey(): void;
};

/** The runs that a queue's handler may have, whichever of its consumers begins them. */
export class Slots {
  readonly #sharers = new Set<Sharer>();
  #concurrency = 1;
  /** Nothing begins while there is a reason. */
  readonly pausing = new Pausing(() => this.#obey());
  readonly #rate = new RateLimit({ pausing: this.pausing, onToken: () => this.#wake() });
  readonly breaker: QueueBreaker;

  constructor(log: Log) {
    const { pausing } = this;
    this.breaker = new QueueBreaker({ pausing, onClosed: () => this.#obey(), log });
  }

  get taken(): number {
    let taken = 0;
    for (const { inFlight } of this.#sharers) taken += inFlight;
    return taken;
  }

  /** Slots that nobody has. */
  get free(): number {
    return this.#concurrency - this.taken;
  }

  /** Runs that may begin now. */
  get room(): number {
    if (this.pausing.isPaused) return 0;
    return Math.min(this.free, this.breaker.room, this.#rate.room);
  }

  /** What the topology says of the queue now. */
  adopt(queue: Queue): void {
    this.#concurrency = queue.concurrency;
    this.#rate.adopt(queue.ratePerHour);
    this.breaker.adopt(queue);
  }

  join(sharer: Sharer): void {
    this.#sharers.add(sharer);
  }

  leave(sharer: Sharer): void {
    this.#sharers.delete(sharer);
    if (this.#sharers.size > 0) return;
    this.#rate.end();
    this.breaker.end();
  }

  /** These runs begin, for which there is room. */
  begin(runs: readonly number[]): void {
    for (const run of runs) this.breaker.begin(run);
    this.#rate.begin(runs.length);
  }

  finish(run: number, outcome: Outcome): void {
    this.breaker.finish(run, outcome);
  }

  /** It came to no run after all. */
  forget(run: number): void {
    this.breaker.forget(run);
  }

  /** A message waits although a slot is free. */
  expect(): void {
    this.#rate.expect();
  }

  /** The others come first, so that none of them waits for ever. */
  freed(by: Sharer): void {
    for (const sharer of this.#sharers) if (sharer !== by) sharer.wake();
    by.wake();
  }

  #wake(): void {
    for (const sharer of this.#sharers) sharer.wake();
  }

  #obey(): void {
    for (const sharer of this.#sharers) sharer.obey();
  }
}
