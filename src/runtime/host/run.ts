/** One run of one handler: its time, and its outcome. */
import type { HandlerContext, HandlerModule, Log, Publish } from "../../handler.ts";
import type { Queue } from "../../topology.ts";
import { readFailure } from "./cause.ts";
import type { Delivery } from "./host.ts";
import type { RunOutcome } from "./protocol.ts";
import { Publishing, type PublishingOptions } from "./publishing.ts";
import { runScope } from "./run-scope.ts";
import type { Stalls } from "./stalls.ts";

export type RunOptions = PublishingOptions & {
  readonly log: Log;
  readonly stalls: Pick<Stalls, "totalMs">;
};

/** Where a queue's messages are handled. */
export type Workplace = {
  readonly queue: Queue;
  readonly run: (event: unknown, context: HandlerContext) => unknown;
  /** null: any JSON. */
  readonly events: readonly string[] | null;
};

export class Run {
  readonly #delivery: Delivery;
  readonly #workplace: Workplace;
  readonly #options: RunOptions;
  readonly #publishing: Publishing;
  readonly #abort = new AbortController();
  #interrupt: (outcome: RunOutcome) => void = () => undefined;
  #isOver = false;
  #hasEnded = false;
  #onEnd: () => void = () => undefined;

  constructor(delivery: Delivery, workplace: Workplace, options: RunOptions) {
    this.#delivery = delivery;
    this.#workplace = workplace;
    this.#options = options;
    this.#publishing = new Publishing(delivery, options);
  }

  get delivery(): Delivery {
    return this.#delivery;
  }

  async outcome(event: unknown): Promise<RunOutcome> {
    const failure = await this.#run(event);
    this.#isOver = true;
    this.#publishing.end();
    if (failure?.status === "crashed") return failure;
    const trouble = await this.#publishing.trouble();
    // Only a decision of the handler about its message is stronger than the broker's trouble.
    if (failure?.status === "dead") return failure;
    return trouble ?? failure ?? { status: "handled" };
  }

  /** Calls back when its function has ended, which can be long after its outcome; false: it has. */
  onEnd(callback: () => void): boolean {
    this.#onEnd = callback;
    return !this.#hasEnded;
  }

  /**
   * Ends it from outside of its function: an error that nobody caught, say.
   *
   * @returns false if it is over already.
   */
  interrupt(outcome: RunOutcome): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#publishing.end();
    this.#interrupt(outcome);
    this.#abort.abort();
    return true;
  }

  /** null: the handler returned. */
  async #run(event: unknown): Promise<RunOutcome | null> {
    const interrupted = new Promise<RunOutcome>((resolve) => {
      this.#interrupt = resolve;
    });
    const stopClock = this.#startClock();
    try {
      // An interrupt counts also where the function has thrown because of it.
      return await Promise.race([interrupted, this.#call(event)]);
    } catch (error) {
      return readFailure(error);
    } finally {
      stopClock();
    }
  }

  async #call(event: unknown): Promise<null> {
    try {
      await runScope.run(this, () => this.#workplace.run(event, this.#context()));
      return null;
    } finally {
      this.#hasEnded = true;
      this.#onEnd();
    }
  }

  /** Time in which another run held the thread is none of its own, within bounds. */
  #startClock(): () => void {
    const { timeoutMs } = this.#workplace.queue;
    const { stalls, topology } = this.#options;
    const stalledBefore = stalls.totalMs;
    const started = performance.now();
    const check = () => {
      const stalledMs = stalls.totalMs - stalledBefore;
      const limitMs = timeoutMs + Math.min(stalledMs, timeoutMs + topology.worker.blockedMs);
      const leftMs = limitMs - (performance.now() - started);
      if (leftMs >= 1) timer = setTimeout(check, leftMs);
      else this.#expire();
    };
    let timer = setTimeout(check, timeoutMs);
    return () => clearTimeout(timer);
  }

  #expire(): void {
    const error = `the handler ran longer than ${this.#workplace.queue.timeoutMs} ms`;
    this.interrupt({ status: "failed", cause: { reason: "handler-timeout", error } });
  }

  #context(): HandlerContext {
    const { message, attempt, queue } = this.#delivery;
    const { log } = this.#options;
    const facts = { queue, messageId: message.id, attempt };
    const write =
      (level: keyof Log) =>
      (fields: object, text: string): void =>
        log[level]({ ...facts, ...fields }, text);
    return {
      log: {
        debug: write("debug"),
        info: write("info"),
        warn: write("warn"),
        error: write("error"),
      },
      publish: this.#publishing.publish as Publish,
      signal: this.#abort.signal,
      attempt,
      message,
    };
  }
}

/** The function of a handler module, for whatever event its queue brings. */
export function functionOf(module: HandlerModule): Workplace["run"] {
  return module.run as Workplace["run"];
}
