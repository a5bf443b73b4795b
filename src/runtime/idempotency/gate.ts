/**
 * The way of a queue's messages to their handler, where a message is handled once. Each is claimed;
 * one that somebody else runs waits in its slot until that has ended, and one that was handled ends.
 */
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import { formatBy, type Idempotency, type Queue } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { Message } from "../consume/message.ts";
import type { Cause } from "../host/host.ts";
import type { Pauses } from "../pauses.ts";
import type { Claims, Verdict } from "./claims.ts";
import type { Keys } from "./keys.ts";

/** What all gates of a runner share. */
export type GateTools = { readonly claims: Claims; readonly keys: Keys };

export type GatePorts = GateTools & {
  /** As the topology in force says it. */
  readonly queue: () => Queue;
  /** Those of the consumer: cut when what waits has to go. */
  readonly pauses: Pauses;
  /** The broker has not got it again, and it is not to be given back; a pause ends what would wait alone. */
  readonly mayGoOn: (message: Message, isWaiting: boolean) => boolean;
  readonly log: Log;
  /** To the handler. */
  readonly deliver: (batch: readonly Message[]) => void;
  /** It was handled before. */
  readonly onDuplicate: (message: Message) => void;
  /** It is not to be handled. */
  readonly onRefused: (message: Message, cause: Cause) => void;
  /** It enters once more, if it may; else the broker is to have it. */
  readonly again: (message: Message) => void;
};

export class Gate {
  readonly #ports: GatePorts;
  #duplicates = 0;
  #hasWarned = false;

  constructor(ports: GatePorts) {
    this.#ports = ports;
  }

  /** Messages that were handled before; null: the queue asks of none. */
  get duplicates(): number | null {
    return this.#idempotency === null ? null : this.#duplicates;
  }

  get #idempotency(): Idempotency | null {
    return this.#ports.queue().idempotency;
  }

  enter(batch: readonly Message[]): void {
    const idempotency = this.#idempotency;
    if (idempotency === null) this.#ports.deliver(batch);
    else void this.#claim(batch, idempotency, 0);
  }

  /** Whether its run has to be ended by `leave`. */
  has({ delivery }: Message): boolean {
    return this.#ports.claims.has(delivery.id);
  }

  /**
   * Ends the claim of a message whose handler has ended, before anything else becomes of it.
   *
   * @returns false if it was handled and nobody could be told: it must not be acked.
   */
  async leave({ delivery }: Message, isHandled: boolean): Promise<boolean> {
    const { claims } = this.#ports;
    const ttlMs = this.#idempotency?.ttlMs ?? NUMBERS.idempotencyTtlMs;
    if (isHandled) return await claims.finish(delivery.id, ttlMs);
    await claims.release(delivery.id);
    return true;
  }

  /** @param looks how often it was looked at before. */
  async #claim(batch: readonly Message[], idempotency: Idempotency, looks: number): Promise<void> {
    const verdicts = await Promise.all(batch.map((message) => this.#ask(message, idempotency)));
    const free = batch.filter((message, at) => this.#isFree(message, verdicts[at], looks));
    if (free.length > 0) this.#ports.deliver(free);
  }

  /** null: it has nothing that it could be known by. */
  async #ask(message: Message, { by }: Idempotency): Promise<Verdict | null> {
    const { claims, keys, queue } = this.#ports;
    const key = keys.of(message, queue(), by);
    return key === null ? null : await claims.take(message.delivery, key);
  }

  /** @returns false if something else becomes of it. */
  #isFree(message: Message, verdict: Verdict | null | undefined, looks: number): boolean {
    // With a slow rate the queue is paused as soon as a message has begun.
    const isWaiting = verdict === "held" || verdict === "away";
    if (!this.#ports.mayGoOn(message, isWaiting)) {
      void this.#turnBack(message);
      return false;
    }
    switch (verdict) {
      case "ours":
        return true;
      case "done":
        this.#duplicates += 1;
        this.#ports.onDuplicate(message);
        return false;
      case "held":
      case "away":
        void this.#lookAgain(message, looks);
        return false;
      default:
        return this.#isFreeWithout(message);
    }
  }

  #isFreeWithout(message: Message): boolean {
    const { log, onRefused, queue } = this.#ports;
    const { name, idempotency } = queue();
    if (idempotency?.missing === "reject") {
      const error = `the message has no ${formatBy(idempotency.by)}, by which it would be handled once`;
      onRefused(message, { reason: "no-idempotency-key", error });
      return false;
    }
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      const facts = { queue: name, messageId: message.delivery.message.id };
      log.warn(facts, "a message can't be known again: such may be handled twice");
    }
    return true;
  }

  async #lookAgain(message: Message, looks: number): Promise<void> {
    const { pauses, claims, mayGoOn, again } = this.#ports;
    await pauses.wait(backoffMs(looks, NUMBERS.leaseLookMaxMs));
    const idempotency = this.#idempotency;
    const mayLook = idempotency !== null && claims.isUp && mayGoOn(message, true);
    if (mayLook) await this.#claim([message], idempotency, looks + 1);
    else again(message);
  }

  async #turnBack(message: Message): Promise<void> {
    await this.#ports.claims.release(message.delivery.id);
    this.#ports.again(message);
  }
}
