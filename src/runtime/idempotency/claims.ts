/**
 * Who may run a message: one at a time, of all runners that share a store, and nobody once it was
 * handled. A message is claimed before its handler, and the claim ends before its ack: what dies in
 * between leaves a lease that ends by itself, and the message is run again.
 */
import { createHash, randomUUID } from "node:crypto";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { Delivery } from "../host/host.ts";
import { Pauses } from "../pauses.ts";
import { MemoryStore } from "./memory.ts";
import { RedisStore } from "./redis.ts";
import type { LeaseStore } from "./store.ts";

/**
 * | verdict | the message |
 * |---------|-------------|
 * | ours    | is run now; `end` has to follow |
 * | held    | somebody else runs it: it waits |
 * | done    | was handled: it is acked |
 * | away    | the store does not answer: it waits |
 */
export type Verdict = "ours" | "held" | "done" | "away";

/** For /health; `downSince` and `reason` are null while the store answers. */
export type ClaimsStatus = {
  readonly store: string;
  readonly downSince: string | null;
  readonly reason: string | null;
};

export type ClaimsOptions = {
  readonly project: string;
  /** `onLost`: it does not answer any more. */
  readonly createStore: (onLost: (reason: string) => void) => LeaseStore;
  /** It has stopped answering, or answers again. */
  readonly onChange: () => void;
  /** All runners of the project share the store. */
  readonly isShared: boolean;
  readonly log: Log;
};

/** Where a topology says so; else in the memory of this runner. */
export function createClaims(
  { project, stores }: Topology,
  ports: Pick<ClaimsOptions, "onChange" | "log">,
): Claims {
  const { idempotency: address } = stores;
  const createStore: ClaimsOptions["createStore"] = (onLost) =>
    address === null ? new MemoryStore() : new RedisStore({ address, onLost });
  return new Claims({ project, createStore, isShared: address !== null, ...ports });
}

type Claim = {
  readonly delivery: Delivery;
  readonly key: string;
  readonly holder: string;
  /** Somebody else has it. */
  isLost: boolean;
};

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #store: LeaseStore;
  readonly #pauses = new Pauses();
  /** Of this runner, among all that share the store. */
  readonly #runner = randomUUID();
  /** By delivery. */
  readonly #claims = new Map<number, Claim>();
  /** Claimed here: nobody else here needs to ask for them. */
  readonly #keys = new Set<string>();
  /** Whether the store has these, it did not say. */
  #doubtful: { readonly key: string; readonly holder: string }[] = [];
  #trouble: { readonly since: string; readonly reason: string } | null = null;
  #renewing: NodeJS.Timeout | null = null;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#store = options.createStore((reason) => this.#fail(reason));
  }

  get status(): ClaimsStatus {
    const { since = null, reason = null } = this.#trouble ?? {};
    return { store: this.#store.shown, downSince: since, reason };
  }

  /** The store answers. */
  get isUp(): boolean {
    return this.#trouble === null;
  }

  /** Whether this delivery has a claim that has to end. */
  has(delivery: number): boolean {
    return this.#claims.has(delivery);
  }

  /** Asks for a message by its key. Asked again for the same delivery, it is the same claim. */
  async take(delivery: Delivery, key: string): Promise<Verdict> {
    if (this.#trouble) return "away";
    if (this.#keys.has(key)) return "held";
    this.#keys.add(key);
    const holder = `${this.#runner}.${delivery.id}`;
    const verdict = await this.#store.take(key, holder, NUMBERS.leaseMs).catch((error: unknown) => {
      this.#doubtful.push({ key, holder });
      this.#fail(messageOf(error));
      return "away" as const;
    });
    if (verdict === "ours") this.#keep({ delivery, key, holder, isLost: false });
    else this.#keys.delete(key);
    return verdict;
  }

  /**
   * Says that the message was handled, as often as it takes; the claim lives until then.
   *
   * @returns false if nobody could be told before the end of this runner.
   */
  async finish(delivery: number, ttlMs: number): Promise<boolean> {
    const claim = this.#claims.get(delivery);
    if (!claim) return true;
    const isTold = await this.#tell(claim, ttlMs);
    this.#claims.delete(delivery);
    this.#keys.delete(claim.key);
    return isTold;
  }

  /** The message was not handled: whoever asks next may run it, or after a while if that can't be said now. */
  async release(delivery: number): Promise<void> {
    const claim = this.#claims.get(delivery);
    if (!claim) return;
    // From now on it is not renewed: that would take the lease once more.
    this.#claims.delete(delivery);
    const { key, holder } = claim;
    try {
      if (this.#trouble) this.#doubtful.push(claim);
      else await this.#store.release(key, holder);
    } catch (error) {
      this.#doubtful.push(claim);
      this.#fail(messageOf(error));
    }
    this.#keys.delete(key);
  }

  /**
   * Whether a publisher's id was used for another message in the last day. Only a store that all
   * share can say so, and what it does not say holds nothing up.
   */
  async isReused(id: string, message: readonly (string | Buffer)[]): Promise<boolean> {
    const { project, isShared } = this.#options;
    if (!isShared || this.#trouble) return false;
    const key = `warren:${project}:published:${digestOf([id])}`;
    try {
      const taken = await this.#store.take(key, digestOf(message), NUMBERS.idempotencyTtlMs);
      return taken === "held";
    } catch (error) {
      this.#fail(messageOf(error));
      return false;
    }
  }

  /** Whether the store answers is found out before a message needs it. */
  async look(): Promise<void> {
    if (this.#trouble) return;
    await this.#ask().catch((error) => this.#fail(messageOf(error)));
  }

  async stop(): Promise<void> {
    this.#pauses.end();
    if (this.#renewing) clearInterval(this.#renewing);
    await this.#store.stop();
  }

  async #tell(claim: Claim, ttlMs: number): Promise<boolean> {
    const { key, holder } = claim;
    for (let failures = 0; !this.#pauses.isOver; failures++) {
      if (!this.#trouble) {
        try {
          if (!(await this.#store.finish(key, holder, ttlMs))) this.#lose(claim);
          return true;
        } catch (error) {
          this.#fail(messageOf(error));
        }
      }
      await this.#pauses.wait(backoffMs(failures, NUMBERS.leaseLookMaxMs));
    }
    return false;
  }

  #keep(claim: Claim): void {
    this.#claims.set(claim.delivery.id, claim);
    if (this.#renewing || this.#pauses.isOver) return;
    this.#renewing = setInterval(() => this.#renew(), NUMBERS.leaseMs / 3).unref();
  }

  /** A run may take longer than a lease. */
  #renew(): void {
    if (this.#trouble) return;
    for (const claim of this.#claims.values()) void this.#prolong(claim);
  }

  async #prolong(claim: Claim): Promise<void> {
    try {
      const taken = await this.#store.take(claim.key, claim.holder, NUMBERS.leaseMs);
      if (taken === "held") this.#lose(claim);
    } catch (error) {
      this.#fail(messageOf(error));
    }
  }

  #lose(claim: Claim): void {
    if (claim.isLost) return;
    claim.isLost = true;
    const { queue, message } = claim.delivery;
    const facts = { queue, messageId: message.id };
    this.#options.log.warn(facts, "lease lost: the message may be handled twice");
  }

  #fail(reason: string): void {
    if (this.#trouble || this.#pauses.isOver) return;
    this.#trouble = { since: new Date().toISOString(), reason };
    const facts = { store: this.#store.shown, reason };
    this.#options.log.warn(facts, "idempotency store away: its queues are paused");
    this.#options.onChange();
    void this.#probe();
  }

  /** Whether it can be written to again; the one question that is asked meanwhile. */
  async #probe(): Promise<void> {
    for (let failures = 0; !this.#pauses.isOver; failures++) {
      await this.#pauses.wait(backoffMs(failures, NUMBERS.reconnectMaxMs));
      try {
        await this.#ask();
        for (const { key, holder } of this.#doubtful) await this.#store.release(key, holder);
        this.#doubtful = [];
        this.#trouble = null;
        this.#renew();
        this.#options.log.info({ store: this.#store.shown }, "idempotency store is back");
        this.#options.onChange();
        return;
      } catch (error) {
        if (this.#trouble) this.#trouble = { ...this.#trouble, reason: messageOf(error) };
      }
    }
  }

  async #ask(): Promise<void> {
    const key = `warren:${this.#options.project}:probe:${this.#runner}`;
    await this.#store.take(key, this.#runner, 1);
  }
}

/** Parts that are parted otherwise have another digest. */
function digestOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)} `).update(part);
  return hash.digest("base64url");
}
