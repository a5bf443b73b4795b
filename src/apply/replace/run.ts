/** One replacement under way: what its steps share. */
import { setTimeout as sleep } from "node:timers/promises";
import { WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { OwnChannel, type Refusal } from "../change/channels.ts";
import { ConnectionEnded } from "../connection-ended.ts";
import { ACCESS_REFUSED } from "../reply-codes.ts";
import { type ReplaceContext, type ReplaceProgress, STEPS } from "./context.ts";
import { type Journal, migratingQueue, type ReplaceCounts } from "./journal.ts";

const NO_COUNTS: Pick<ReplaceProgress, "ready" | "unacked"> = { ready: null, unacked: null };

/** Of one call of `replaceQueue` or `resumeReplace`. */
export class ReplaceRun {
  readonly context: ReplaceContext;
  /** Aborted when it is to end, for whatever reason. */
  readonly signal: AbortSignal;
  /** On the connection that holds the lock. */
  readonly channel: OwnChannel;
  readonly notes: string[] = [];
  readonly startedMs = performance.now();
  overlapMs = 0;
  /** Since when the queue that is emptied has had no binding (`performance.now()`). */
  unboundMs = performance.now();
  gapMs: number | null = null;
  #journal: Journal;
  /** As it was written last. */
  #noted: Journal | null = null;
  #step = 0;

  constructor(context: ReplaceContext, journal: Journal) {
    const { connection, signal } = context;
    this.context = context;
    this.#journal = journal;
    this.channel = new OwnChannel(connection);
    const lost = new AbortController();
    void connection.ended.then((reason) => lost.abort(reason));
    this.signal = AbortSignal.any([lost.signal, ...(signal ? [signal] : [])]);
  }

  get journal(): Journal {
    return this.#journal;
  }

  get queue(): string {
    return this.#journal.queue;
  }

  /** Where its messages are meanwhile. */
  get temporary(): string {
    return migratingQueue(this.#journal.queue);
  }

  get stallMs(): number {
    return this.context.stallMs ?? NUMBERS.replaceStallMs;
  }

  /** Begins a step, or goes on with it. @throws {WarrenError} as `assertGoing`. */
  step(step: number, counts = NO_COUNTS): void {
    this.assertGoing();
    this.#step = step;
    const what = STEPS[step] ?? "";
    const of = STEPS.length - 1;
    this.context.onProgress?.({ queue: this.queue, step, of, what, ...counts });
  }

  /** @throws {WarrenError} `interrupted`; `connection-failed` when the lock's connection has ended. */
  assertGoing(): void {
    if (!this.signal.aborted) return;
    const where = `at step ${this.#step} of ${STEPS.length - 1} (${STEPS[this.#step]})`;
    const text = `replacing queue "${this.queue}" was interrupted ${where}`;
    if (this.context.signal?.aborted) throw new WarrenError("interrupted", text);
    const { reason } = this.signal;
    throw new ConnectionEnded(`${text}: ${reason}`, reason, reason);
  }

  /** Waits. @throws {WarrenError} as `assertGoing`. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => undefined);
    this.assertGoing();
  }

  /** What a refusal of the broker comes to. */
  refused(what: string, { code, text }: Refusal): WarrenError {
    const errorCode = code === ACCESS_REFUSED ? "access-refused" : "broker-refused";
    return new WarrenError(errorCode, `the broker refuses to ${what}: ${code} ${text}`);
  }

  /** Keeps how far it has got. */
  async note(changes: Partial<Journal>): Promise<void> {
    this.#journal = { ...this.#journal, ...changes };
    this.#noted = this.#journal;
    await this.context.writeJournal(this.#journal);
  }

  /** Keeps what was counted, if anything was. */
  async noteCounts(): Promise<void> {
    if (this.#journal !== this.#noted) await this.note({});
  }

  /** Kept with the next note. */
  count(more: Partial<ReplaceCounts>): void {
    const counts = { ...this.#journal.counts };
    for (const key of Object.keys(more) as (keyof ReplaceCounts)[]) {
      counts[key] += more[key] ?? 0;
    }
    this.#journal = { ...this.#journal, counts };
  }

  /** Its last writing. */
  async forget(): Promise<void> {
    await this.context.writeJournal(null);
  }
}
