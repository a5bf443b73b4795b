/** Keeps messages moving out of a queue, over one connection after another. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "../../broker-connection.ts";
import { messageOf, WarrenError } from "../../errors.ts";
import { within } from "../../within.ts";
import { readRefusal } from "../change/channels.ts";
import { NOT_FOUND } from "../reply-codes.ts";
import { type End, Mover, type MoverOptions } from "./mover.ts";
import type { ReplaceRun } from "./run.ts";

/** As of one mover; each of them has the same consumer tag. */
export type MovingOptions = Omit<MoverOptions, "consumerTag">;

/** Each failure gives messages back, and a queue may count how often: so not for ever. */
const MAX_FAILURES = 5;
const BACKOFF_MS = 250;
const CANCEL_MS = 1_000;

/** Movers of one queue, one after another. */
export class Moving {
  readonly consumerTag: string;
  readonly #run: ReplaceRun;
  readonly #options: MovingOptions;
  readonly #going: Promise<void>;
  readonly #stopped = new AbortController();
  #mover: Mover | null = null;
  #isGone = false;
  /** What the last mover had in its hands when it ended: it is in the queue again, if there is one. */
  #left = 0;
  /** In a row, without a message moved. */
  #failures = 0;
  #moved = 0;
  #trouble: string | null = null;
  #fatal: WarrenError | null = null;

  /** Begins at once. */
  constructor(run: ReplaceRun, options: MovingOptions) {
    this.#run = run;
    this.#options = options;
    this.consumerTag = `warren.${run.context.project}.move.${randomBytes(6).toString("hex")}`;
    this.#going = this.#go();
  }

  /** It consumes, and has no message in its hands. */
  get isIdle(): boolean {
    return this.#mover?.isIdle ?? false;
  }

  get moved(): number {
    return this.#moved;
  }

  /** What keeps it from moving more, in words; null: nothing. */
  get trouble(): string | null {
    if (this.#mover?.isRefused) return "the broker refuses copies: the queue they go to is full";
    return this.#trouble;
  }

  /** @throws {WarrenError} `replace-stalled`: it has given up. */
  assertGoing(): void {
    if (this.#fatal) throw this.#fatal;
  }

  /** Once the queue is deleted: moves what it still has in its hands, and what is on its way there. */
  async finish(): Promise<void> {
    // The broker's cancel comes after the last message; 3.10 may forget to send one.
    await within(this.#going, CANCEL_MS, undefined);
    await this.#mover?.finish();
    await this.stop();
    this.assertGoing();
  }

  /** Ends it; what it has in its hands and has not sent is given back. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#going;
  }

  async #go(): Promise<void> {
    while (!this.#stopped.signal.aborted && !this.#isGone && !this.#fatal) {
      const end = await this.#moveOn();
      if (end === null) return;
      if (end.kind === "gone") this.#isGone = true;
      else await this.#failed(end.error);
    }
    if (this.#isGone) this.#run.count({ lost: this.#left });
  }

  /** Over one connection. @returns null when it was stopped. */
  async #moveOn(): Promise<End | null> {
    let connection: BrokerConnection | null = null;
    try {
      connection = await this.#run.context.openSpare("move");
      const mover = await Mover.open(connection, {
        ...this.#options,
        consumerTag: this.consumerTag,
        onMoved: (copy) => this.#count(() => this.#options.onMoved(copy)),
      });
      this.#mover = mover;
      const stopped = new Promise<null>((resolve) => {
        const { signal } = this.#stopped;
        if (signal.aborted) resolve(null);
        else signal.addEventListener("abort", () => resolve(null), { once: true });
      });
      const end = await Promise.race([mover.ended, stopped]);
      // It has more to do than to give back.
      if (end?.kind === "gone") await Promise.race([mover.finish(), stopped]);
      this.#run.count({ repeated: await mover.stop() });
      this.#left = mover.inHand;
      return end;
    } catch (error) {
      connection?.destroy("given up");
      if (readRefusal(error)?.code === NOT_FOUND) return { kind: "gone" };
      return { kind: "failed", error: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      this.#mover = null;
    }
  }

  #count(tell: () => void): void {
    this.#moved += 1;
    this.#failures = 0;
    this.#trouble = null;
    tell();
  }

  async #failed(error: Error): Promise<void> {
    this.#failures += 1;
    this.#trouble = messageOf(error);
    if (error instanceof WarrenError && error.code === "replace-stalled") this.#fatal = error;
    else if (this.#failures >= MAX_FAILURES) {
      const text = `moving messages out of "${this.#options.from}" failed ${this.#failures} times: ${this.#trouble}`;
      this.#fatal = new WarrenError("replace-stalled", text, { cause: error });
    } else {
      const ms = BACKOFF_MS * 2 ** this.#failures;
      await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }
}
