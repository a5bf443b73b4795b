/**
 * One run of one handler: its time, and its outcome. There are many of them a second: so what a
 * handler may not need is made when it asks for it.
 */
import type { Call, HandlerContext, HandlerModule, Log, Publish } from "../../../handler.ts";
import { NUMBERS } from "../../../numbers.ts";
import type { Queue } from "../../../topology.ts";
import type { ReplyCheck } from "../../rpc/reply-check.ts";
import type { Delivery } from "../host.ts";
import type { RunOutcome } from "../protocol.ts";
import { readFailure } from "./cause.ts";
import { Publishing, type PublishingOptions } from "./publishing.ts";
import { runScope } from "./run-scope.ts";
import type { Stalls } from "./stalls.ts";

export type RunOptions = Omit<PublishingOptions, "leftMs"> & {
  readonly log: Log;
  readonly stalls: Pick<Stalls, "totalMs">;
};

/** Where a queue's messages are handled. */
export type Workplace = {
  readonly queue: Queue;
  readonly run: (event: unknown, context: HandlerContext) => unknown;
  /** null: any JSON. */
  readonly events: readonly string[] | null;
  /** What is made of what it returns; null: nothing. */
  readonly reply: ReplyCheck | null;
};

export type RunPorts = {
  /** Once. `isLoose`: its function goes on. */
  readonly onOutcome: (outcome: RunOutcome, isLoose: boolean) => void;
  /** The function has ended that was loose. */
  readonly onEnd: () => void;
};

export class Run {
  readonly delivery: Delivery;
  readonly #workplace: Workplace;
  readonly #options: RunOptions;
  readonly #ports: RunPorts;
  readonly #started = performance.now();
  readonly #stalledBefore: number;
  #timer: NodeJS.Timeout;
  #abort: AbortController | null = null;
  #publishing: Publishing | null = null;
  #isOver = false;
  #hasEnded = false;

  constructor(delivery: Delivery, workplace: Workplace, options: RunOptions, ports: RunPorts) {
    this.delivery = delivery;
    this.#workplace = workplace;
    this.#options = options;
    this.#ports = ports;
    this.#stalledBefore = options.stalls.totalMs;
    this.#timer = setTimeout(checkTime, workplace.queue.timeoutMs, this);
  }

  start(event: unknown): void {
    try {
      const returned = runScope.run(this, this.#workplace.run, event, new Context(this));
      if (!(returned instanceof Promise) && !isThenable(returned)) this.#return(returned);
      else {
        Promise.resolve(returned).then(
          (value) => this.#return(value),
          (error) => this.#end(readFailure(error)),
        );
      }
    } catch (error) {
      this.#end(readFailure(error));
    }
  }

  get log(): Log {
    const { queue, attempt, message } = this.delivery;
    const facts = { queue, messageId: message.id, attempt };
    const { log } = this.#options;
    return {
      debug: (fields, text) => log.debug({ ...facts, ...fields }, text),
      info: (fields, text) => log.info({ ...facts, ...fields }, text),
      warn: (fields, text) => log.warn({ ...facts, ...fields }, text),
      error: (fields, text) => log.error({ ...facts, ...fields }, text),
    };
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#isOver) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  get publish(): Publish {
    return this.#publisher.publish as Publish;
  }

  get call(): Call {
    return this.#publisher.call as Call;
  }

  get #publisher(): Publishing {
    if (!this.#publishing) {
      const leftMs = () => this.#leftMs;
      this.#publishing = new Publishing(this.delivery, { leftMs, ...this.#options });
      if (this.#isOver) this.#publishing.end();
    }
    return this.#publishing;
  }

  /**
   * Ends it from outside of its function: an error that nobody caught, say.
   *
   * @returns false if it is over already.
   */
  interrupt(outcome: RunOutcome): boolean {
    if (this.#isOver) return false;
    void this.#conclude(outcome);
    this.#abort?.abort();
    return true;
  }

  checkTime(): void {
    const { timeoutMs } = this.#workplace.queue;
    const leftMs = this.#leftMs;
    if (leftMs >= 1) this.#timer = setTimeout(checkTime, leftMs, this);
    else {
      const error = `the handler ran longer than ${timeoutMs} ms`;
      this.interrupt({ status: "failed", cause: { reason: "handler-timeout", error } });
    }
  }

  /**
   * Time in which another run held the thread, or the broker a publish, is none of its own, within
   * bounds.
   */
  get #leftMs(): number {
    const { timeoutMs } = this.#workplace.queue;
    const { stalls, topology } = this.#options;
    const stalledMs = stalls.totalMs - this.#stalledBefore;
    const waitedMs = this.#publishing?.waitedMs ?? 0;
    const limitMs =
      timeoutMs +
      Math.min(stalledMs, timeoutMs + topology.worker.blockedMs) +
      Math.min(waitedMs, NUMBERS.publishDeadlineMs);
    return limitMs - (performance.now() - this.#started);
  }

  /** Never throws, whatever a reply's getters do. */
  #return(value: unknown): void {
    const { reply } = this.#workplace;
    this.#end(reply === null || this.#isOver ? HANDLED : reply(value));
  }

  /** Its function has ended. */
  #end(outcome: RunOutcome): void {
    this.#hasEnded = true;
    if (this.#isOver) this.#ports.onEnd();
    else void this.#conclude(outcome);
  }

  async #conclude(outcome: RunOutcome): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#publishing?.end();
    const isDecided = outcome.status === "dead" || outcome.status === "crashed";
    // What the broker does to its publishes counts but where the handler has decided.
    const trouble = this.#publishing?.isUsed ? await this.#publishing.trouble() : null;
    this.#ports.onOutcome(isDecided ? outcome : (trouble ?? outcome), !this.#hasEnded);
  }
}

const HANDLED: RunOutcome = { status: "handled" };

/** What a handler gets. */
class Context implements HandlerContext {
  readonly #run: Run;
  readonly attempt: number;
  readonly message: HandlerContext["message"];

  constructor(run: Run) {
    this.#run = run;
    this.attempt = run.delivery.attempt;
    this.message = run.delivery.message;
  }

  get log(): Log {
    return this.#run.log;
  }

  get publish(): Publish {
    return this.#run.publish;
  }

  get call(): Call {
    return this.#run.call;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }
}

function checkTime(run: Run): void {
  run.checkTime();
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

/** The function of a handler module, for whatever event its queue brings. */
export function functionOf(module: HandlerModule): Workplace["run"] {
  return module.run as Workplace["run"];
}
