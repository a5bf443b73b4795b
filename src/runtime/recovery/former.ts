/**
 * What a queue was called before (`was` in the file): the messages that are still there get the
 * queue's handler, with its retries and dead letters. It is never declared, and once it is empty it is
 * left, so that it can be removed.
 */
import { type BrokerConnection, closeChannel, withDeadline } from "../../broker-connection.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import { backoffMs } from "../backoff.ts";
import type { QueueConsumer } from "../consume/consumer.ts";
import { Pauses } from "../pauses.ts";

export type FormerOptions = {
  /** Of the queue as it is called now. */
  readonly consumer: QueueConsumer;
  /** The connection on which it is looked for; null while there is none. */
  readonly shared: () => BrokerConnection | null;
  /** Opens a connection for its messages alone. */
  readonly connect: (queue: string) => Promise<BrokerConnection>;
  /** null: the runner stops. */
  readonly openConsumer: (source: string) => QueueConsumer | null;
  /** Ends that, after what it has begun. */
  readonly closeConsumer: () => Promise<void>;
  /** Nothing is left that has to come before the messages of the queue itself. Once. */
  readonly onDrained: () => void;
  readonly log: Log;
};

type Found =
  | { readonly kind: "there"; readonly ready: number; readonly consumers: number }
  | { readonly kind: "gone" }
  | { readonly kind: "away" }
  | { readonly kind: "refused"; readonly reason: string };

/** Between two looks while it is consumed, or something waits for it, in milliseconds. */
const BUSY_MS = 250;
/** Between two looks at an empty one: somebody may publish to it by its name. */
const EMPTY_MS = 10_000;
/** Nobody declares it again; it is looked for on the next connection. */
const GONE_MS = NUMBERS.maxTimerMs;

export class Former {
  readonly #options: FormerOptions;
  readonly #pauses = new Pauses();
  readonly #running: Promise<void>;
  #failures = 0;
  #problem: string | null = null;

  constructor(options: FormerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** In words: what keeps an ordered queue waiting. */
  get problem(): string | null {
    return this.#isAwaited ? this.#problem : null;
  }

  /** There is a connection, or another topology. */
  look(): void {
    this.#pauses.cut();
  }

  /** Stop the consumers before. */
  async stop(): Promise<void> {
    this.#pauses.end();
    await this.#running;
  }

  get #isAwaited(): boolean {
    return this.#options.consumer.state === "waiting";
  }

  async #run(): Promise<void> {
    const { consumer } = this.#options;
    while (!this.#pauses.isOver && consumer.state !== "stopped") {
      const { was } = consumer.queue;
      const pauseMs = was === null ? this.#drained(GONE_MS) : await this.#see(was);
      await this.#pauses.wait(pauseMs);
    }
  }

  /** @returns when to look again. */
  async #see(was: string): Promise<number> {
    const { consumer, log } = this.#options;
    const found = await this.#find(was);
    if (found.kind === "away") return BUSY_MS;
    if (found.kind === "gone") return this.#drained(GONE_MS);
    if (found.kind === "refused") {
      const { reason } = found;
      log.warn({ queue: consumer.queue.name, was, reason }, "the former queue can't be looked at");
      return this.#drained(GONE_MS);
    }
    const { ready, consumers } = found;
    this.#problem =
      `${consumer.queue.name} waits until ${was}, as it was called, is drained ` +
      `(messages ready: ${ready}, consumers: ${consumers})`;
    if (ready > 0) return await this.#consume(was, ready);
    // Others may still run, and give back, what comes before the messages of an ordered queue.
    return this.#isAwaited && consumers > 0 ? BUSY_MS : this.#drained(EMPTY_MS);
  }

  #drained(pauseMs: number): number {
    if (this.#isAwaited) this.#options.onDrained();
    return pauseMs;
  }

  /** Declares nothing, and tells the counts of this moment. */
  async #find(was: string): Promise<Found> {
    const shared = this.#options.shared();
    if (!shared) return { kind: "away" };
    try {
      const channel = await shared.createChannel();
      const check = Promise.race([channel.checkQueue(was), shared.ended]);
      const answer = await withDeadline(check, `find ${was}`, shared.destroy);
      if (answer instanceof Error) return { kind: "away" };
      void closeChannel(channel, shared);
      return { kind: "there", ready: answer.messageCount, consumers: answer.consumerCount };
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code === 404) return { kind: "gone" };
      if (code === 403 || code === 405) return { kind: "refused", reason: messageOf(error) };
      return { kind: "away" };
    }
  }

  /** Over a connection of its own: whatever is wrong with it stops the consuming of no other. */
  async #consume(was: string, messages: number): Promise<number> {
    const { consumer, connect, openConsumer, closeConsumer, log } = this.#options;
    const facts = { queue: consumer.queue.name, was };
    const former = openConsumer(was);
    if (!former) return 0;
    let connection: BrokerConnection | null = null;
    try {
      connection = await connect(was);
      await former.subscribe(connection);
      log.info({ ...facts, messages }, "consuming what the queue was called before");
      this.#failures = 0;
      await this.#untilEmpty(former);
    } catch (error) {
      this.#failures += 1;
      const reason = messageOf(error);
      if (!this.#pauses.isOver) log.warn({ ...facts, reason }, "the former queue is not consumed");
    } finally {
      await closeConsumer();
      await connection?.close();
    }
    return BUSY_MS + backoffMs(this.#failures);
  }

  async #untilEmpty(former: QueueConsumer): Promise<void> {
    while (!this.#pauses.isOver && isConsuming(former)) {
      if (former.inFlight === 0 && (await former.countWaiting()) === 0) return;
      await this.#pauses.wait(BUSY_MS);
    }
  }
}

function isConsuming({ state }: QueueConsumer): boolean {
  return state === "live" || state === "held" || state === "paused";
}
