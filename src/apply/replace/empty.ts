/** Whether a queue can be deleted without losing a message: nothing is in it, or in anybody's hands. */

import { counted } from "../../counted.ts";
import { messageOf, WarrenError } from "../../errors.ts";
import { consumersInTheWay, listTotals, lookAt, type QueueLook, type Totals } from "./look.ts";
import type { Moving } from "./moving.ts";
import type { ReplaceRun } from "./run.ts";

/** Which queue is to be empty. */
export type EmptyOptions = {
  readonly queue: string;
  readonly isQuorum: boolean;
  /** It keeps its dead letters until they have found a way: AMQP does not count them. */
  readonly holdsDeadLetters: boolean;
  /** What is under way while it is not empty. */
  readonly emptyingStep: number;
};

/** Between two looks, in milliseconds. */
const LOOK_MS = 250;
/** What was on its way to it when it lost its bindings has arrived then. */
const SETTLED_MS = 500;
/** What is listed of a quorum queue is not older (measured: 5 s). */
const LISTED_MS = 6_500;

/** Looks at a queue; the mover stays, so that what comes by its name meanwhile is moved. */
export class EmptyWatch {
  readonly #run: ReplaceRun;
  readonly #options: EmptyOptions;
  readonly #moving: Moving;
  readonly #listed: Listed;
  readonly #stall: Stall;

  constructor(run: ReplaceRun, options: EmptyOptions, moving: Moving) {
    this.#run = run;
    this.#options = options;
    this.#moving = moving;
    this.#listed = new Listed(run, options);
    this.#stall = new Stall(run, options.queue);
  }

  /**
   * Resolves when it is empty.
   *
   * @param step what is under way while it is seen empty.
   * @returns false: it is gone.
   * @throws {WarrenError} `replace-stalled`, `interrupted`, `connection-failed`.
   */
  async untilEmpty(step: number): Promise<boolean> {
    const [run, listed] = [this.#run, this.#listed];
    const { queue, emptyingStep } = this.#options;
    for (;;) {
      this.#moving.assertGoing();
      const look = await lookAt(run, queue);
      if (!look) return false;
      await listed.look(look);
      const obstacle = describeHands(look, this.#moving) ?? listed.obstacle(look);
      await run.noteCounts();
      const unacked = listed.totals?.unacked ?? null;
      run.step(obstacle === null ? step : emptyingStep, { ready: look.ready, unacked });
      const isSure = obstacle === null && this.#isSettled(look);
      const consumed = isSure ? await this.#consumers(look) : null;
      if (isSure && consumed === null) return true;
      this.#stall.see(obstacle ?? consumed, listed.totals?.messages ?? look.ready);
      await run.pause(LOOK_MS);
    }
  }

  #isSettled(look: QueueLook): boolean {
    const isUnbound = performance.now() - this.#run.unboundMs >= SETTLED_MS;
    return isUnbound && this.#listed.isOldEnough(look);
  }

  /** Which of its consumers are in the way, in words; null: none. */
  async #consumers(look: QueueLook): Promise<string | null> {
    const { queue } = this.#options;
    const mover = this.#moving.consumerTag;
    try {
      const found = await consumersInTheWay(this.#run, { queue, others: others(look), mover });
      return found?.reason ?? null;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** What is not in the mover's hands any more, or will be; in words. */
function describeHands({ ready, consumers }: QueueLook, moving: Moving): string | null {
  if (moving.trouble !== null) return moving.trouble;
  if (ready > 0) return `${counted(ready, "message")} ready`;
  if (!moving.isIdle) return "messages on their way";
  return consumers > 0 ? null : "the broker does not say how it is";
}

/** What AMQP does not count, as it is listed. */
class Listed {
  readonly #run: ReplaceRun;
  readonly #options: EmptyOptions;
  #totals: Totals | null = null;
  #trouble: string | null = null;
  /** Since when there was nothing of it, in every list. */
  #noneSinceMs: number | null = null;

  constructor(run: ReplaceRun, options: EmptyOptions) {
    this.#run = run;
    this.#options = options;
  }

  get totals(): Totals | null {
    return this.#totals;
  }

  async look(look: QueueLook): Promise<void> {
    const { management } = this.#run.context;
    if (!management) return;
    const lookedMs = performance.now();
    try {
      this.#totals = await listTotals(management, this.#options.queue);
      this.#trouble = null;
    } catch (error) {
      this.#trouble = messageOf(error);
    }
    this.#noneSinceMs = this.obstacle(look) === null ? (this.#noneSinceMs ?? lookedMs) : null;
  }

  /** In words; null: nothing. */
  obstacle(look: QueueLook): string | null {
    if (!this.#matters(look)) return null;
    if (this.#trouble !== null) return this.#trouble;
    if (this.#totals === null) return "its totals are not listed yet";
    const { unacked, held } = this.#totals;
    if (held > 0) return `${counted(held, "dead letter")} that found no way yet`;
    // What the mover has is known; of the others' nothing is, but this.
    return unacked > 0 && others(look) > 0 ? `${counted(unacked, "message")} unacknowledged` : null;
  }

  /** Of a quorum queue nothing newer may have happened. */
  isOldEnough(look: QueueLook): boolean {
    if (!this.#options.isQuorum || !this.#matters(look)) return true;
    return this.#noneSinceMs !== null && performance.now() - this.#noneSinceMs >= LISTED_MS;
  }

  /** A quorum queue says live whether anybody but the mover has messages of it in his hands. */
  #matters(look: QueueLook): boolean {
    if (!this.#run.context.management) return false;
    const { isQuorum, holdsDeadLetters } = this.#options;
    return !isQuorum || holdsDeadLetters || others(look) > 0;
  }
}

/** Besides the mover. */
function others({ consumers }: QueueLook): number {
  return Math.max(0, consumers - 1);
}

/** Gives up when the queue does not get emptier for too long, whatever moves through it. */
class Stall {
  readonly #run: ReplaceRun;
  readonly #queue: string;
  #least = Number.POSITIVE_INFINITY;
  #sinceMs = performance.now();

  constructor(run: ReplaceRun, queue: string) {
    this.#run = run;
    this.#queue = queue;
  }

  /** @throws {WarrenError} `replace-stalled` */
  see(obstacle: string | null, messages: number): void {
    const now = performance.now();
    if (messages < this.#least) {
      this.#least = messages;
      this.#sinceMs = now;
    }
    if (obstacle === null || now - this.#sinceMs < this.#run.stallMs) return;
    const seconds = Math.round((now - this.#sinceMs) / 1_000);
    const text = `queue "${this.#queue}" is not emptied: ${obstacle}, and it is no emptier than ${seconds} s ago`;
    throw new WarrenError("replace-stalled", text);
  }
}
