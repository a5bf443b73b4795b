/**
 * Pauses a queue whose handler fails too often, and tries one message at a time afterwards.
 *
 * | state     | a run that fails | a run that does not |
 * |-----------|------------------|---------------------|
 * | closed    | opens it, when so many of the last ones have failed | |
 * | open      | counts no more: it began before | |
 * | half-open | opens it again, for twice as long     | closes it, and nothing is remembered |
 *
 * The states are cockatiel's, which is loaded once a run has ended. Its clock is the wall's, so that
 * it is told to wait for nothing, and the pause is kept here by the monotonic one.
 */

import { isDeepStrictEqual } from "node:util";
import type { CircuitBreakerPolicy } from "cockatiel";
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Breaker, Queue } from "../../topology.ts";
import type { Outcome } from "../host/host.ts";
import type { Pausing } from "./pausing.ts";

export type BreakerState = "closed" | "open" | "half-open";

export type BreakerOptions = {
  readonly pausing: Pausing;
  /** More may begin, or be sent ahead, than before. */
  readonly onClosed: () => void;
  readonly log: Log;
};

/** `failures > threshold * runs` is what cockatiel asks: a share that is reached opens it, too. */
const LESS = 1e-9;

export class QueueBreaker {
  readonly #options: BreakerOptions;
  #queue = "";
  #settings: Breaker | null = null;
  #state: BreakerState = "closed";
  #policy: Promise<CircuitBreakerPolicy> | null = null;
  /** Those under way that began in this state. */
  readonly #runs = new Set<number>();
  #tried: (isFailure: boolean) => void = () => undefined;
  /** In a row: tries that have failed since it was closed. */
  #failedTries = 0;
  /** null: it is not open. */
  #endRest: (() => void) | null = null;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** null: the queue has none. */
  get state(): BreakerState | null {
    return this.#settings && this.#state;
  }

  /** Runs that may begin now. */
  get room(): number {
    return this.isTrying ? 1 - this.#runs.size : Number.POSITIVE_INFINITY;
  }

  /** One message at a time. */
  get isTrying(): boolean {
    return this.#state === "half-open";
  }

  /** Other settings begin anew. */
  adopt({ name, breaker }: Pick<Queue, "name" | "breaker">): void {
    this.#queue = name;
    if (isDeepStrictEqual(breaker, this.#settings)) return;
    this.#settings = breaker;
    this.#policy = null;
    this.#state = "closed";
    this.#failedTries = 0;
    this.end();
  }

  begin(run: number): void {
    if (this.#settings) this.#runs.add(run);
  }

  /** What came of a run. */
  finish(run: number, outcome: Outcome): void {
    if (!this.#runs.delete(run) || !this.#settings) return;
    const isFailure = isFailed(outcome);
    if (isFailure === null) return;
    if (this.isTrying) this.#tried(isFailure);
    else void this.#note(isFailure, this.#settings);
  }

  /** It came to no run after all: another one can be tried. */
  forget(run: number): void {
    this.#runs.delete(run);
  }

  /** Nothing is tried any more. */
  end(): void {
    this.#runs.clear();
    this.#endRest?.();
    this.#endRest = null;
  }

  async #note(isFailure: boolean, settings: Breaker): Promise<void> {
    this.#policy ??= this.#create(settings);
    const policy = await this.#policy;
    if (settings !== this.#settings || this.#state !== "closed") return;
    await policy.execute(() => isFailure);
  }

  async #create(settings: Breaker): Promise<CircuitBreakerPolicy> {
    const { CircuitState, CountBreaker, circuitBreaker, handleWhenResult } = await import(
      "cockatiel"
    );
    const { failureRate, window } = settings;
    const policy = circuitBreaker(
      handleWhenResult((isFailure) => isFailure === true),
      {
        breaker: new CountBreaker({ threshold: failureRate - LESS, size: window }),
        halfOpenAfter: Number.NEGATIVE_INFINITY,
      },
    );
    policy.onStateChange((state) => {
      if (settings !== this.#settings) return;
      if (state === CircuitState.Open) this.#open(settings, policy);
      else if (state === CircuitState.HalfOpen) this.#try();
      else if (state === CircuitState.Closed) this.#close();
    });
    return policy;
  }

  #open({ window, pauseMs: leastMs }: Breaker, policy: CircuitBreakerPolicy): void {
    const { pausing, log } = this.#options;
    if (this.isTrying) this.#failedTries += 1;
    const reason = this.isTrying
      ? "its breaker is open: the message that was tried has failed"
      : `its breaker is open: too many of its last ${window} runs have failed`;
    const pauseMs = pauseAfter(this.#failedTries, leastMs);
    this.#state = "open";
    this.end();
    log.warn({ queue: this.#queue, reason, pauseMs }, "breaker open: queue paused");
    this.#endRest = pausing.rest(pauseMs, reason, () => {
      const trial = new Promise<boolean>((resolve) => {
        this.#tried = resolve;
      });
      void policy.execute(() => trial);
    });
  }

  #try(): void {
    this.#state = "half-open";
    this.#options.log.info({ queue: this.#queue }, "breaker half-open: one message is tried");
    this.end();
  }

  #close(): void {
    this.#state = "closed";
    this.#failedTries = 0;
    this.#runs.clear();
    this.#options.log.info({ queue: this.#queue }, "breaker closed: queue goes on");
    this.#options.onClosed();
  }
}

/** @param failedTries in a row. */
function pauseAfter(failedTries: number, leastMs: number): number {
  const times = Math.min(2 ** failedTries, NUMBERS.breakerMaxPauses);
  return Math.min(leastMs * times, NUMBERS.maxTimerMs);
}

/** null: it says nothing of the handler. */
function isFailed(outcome: Outcome): boolean | null {
  if (outcome.status === "handled") return false;
  if (outcome.status === "held") return null;
  switch (outcome.cause.reason) {
    case "rejected":
      return false;
    case "undecodable":
    case "invalid-event":
    case "unexpected-event":
      return null;
    default:
      return true;
  }
}
