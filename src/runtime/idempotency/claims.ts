/**
 * Who may run a message: one at a time, of all runners that share a store, and nobody once it was
 * handled. A message is claimed before its handler, and the claim ends before its ack: what dies in
 * between leaves a lease that ends by itself, and the message is run again.
 */
import { createHash, randomUUID } from "node:crypto";
import { NUMBERS } from "../../numbers.ts";
import { PassingMap } from "../../passing-map.ts";
import type { Topology } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { Delivery } from "../host/host.ts";
import { Pauses } from "../pauses.ts";
import { MemoryStore } from "./memory.ts";
import { RedisStore } from "./redis.ts";
import { type StoreStatus, WatchedStore, type WatchedStoreOptions } from "./watched-store.ts";

/**
 * | verdict | the message |
 * |---------|-------------|
 * | ours    | is run now; `finish` or `release` has to follow |
 * | held    | somebody else runs it: it waits |
 * | done    | was handled: it is acked |
 * | away    | the store does not answer: it waits |
 */
export type Verdict = "ours" | "held" | "done" | "away";

export type ClaimsOptions = WatchedStoreOptions & {
  /** All runners of the project share the store. */
  readonly isShared: boolean;
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
  readonly #store: WatchedStore;
  readonly #pauses = new Pauses();
  /** Of this runner, among all that share the store. */
  readonly #runner = randomUUID();
  /** By delivery. */
  readonly #claims = new PassingMap<number, Claim>();
  /** Claimed here: nobody else here needs to ask for them. */
  readonly #keys = new Set<string>();
  #renewing: NodeJS.Timeout | null = null;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#store = new WatchedStore({
      ...options,
      onChange: () => {
        this.#renew();
        options.onChange();
      },
    });
  }

  get status(): StoreStatus {
    return this.#store.status;
  }

  /** The store answers. */
  get isUp(): boolean {
    return this.#store.isUp;
  }

  /** Whether this delivery has a claim that has to end. */
  has(delivery: number): boolean {
    return this.#claims.has(delivery);
  }

  /** Asks for a message by its key. Asked again for the same delivery, it is the same claim. */
  async take(delivery: Delivery, key: string): Promise<Verdict> {
    if (!this.isUp) return "away";
    if (this.#keys.has(key)) return "held";
    this.#keys.add(key);
    const holder = `${this.#runner}.${delivery.id}`;
    const verdict = await this.#store.take(key, holder, NUMBERS.leaseMs).catch(async () => {
      await this.#store.release(key, holder);
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
    // From now on it is not renewed: that would take the lease once more.
    const claim = this.#claims.delete(delivery);
    if (!claim) return;
    await this.#store.release(claim.key, claim.holder);
    this.#keys.delete(claim.key);
  }

  /**
   * Whether a publisher's id was used for another message in the last day. Only a store that all
   * share can say so, and what it does not say holds nothing up.
   */
  async isReused(id: string, message: readonly (string | Buffer)[]): Promise<boolean> {
    const { project, isShared } = this.#options;
    if (!isShared || !this.isUp) return false;
    const key = `warren:${project}:published:${digestOf([id])}`;
    try {
      const taken = await this.#store.take(key, digestOf(message), NUMBERS.idempotencyTtlMs);
      return taken === "held";
    } catch {
      return false;
    }
  }

  /** Whether the store answers is found out before a message needs it. */
  async look(): Promise<void> {
    await this.#store.look();
  }

  async stop(): Promise<void> {
    this.#pauses.end();
    if (this.#renewing) clearInterval(this.#renewing);
    await this.#store.stop();
  }

  async #tell(claim: Claim, ttlMs: number): Promise<boolean> {
    const { key, holder } = claim;
    for (let failures = 0; !this.#pauses.isOver; failures++) {
      try {
        if (this.isUp) {
          if (!(await this.#store.finish(key, holder, ttlMs))) this.#lose(claim);
          return true;
        }
      } catch {
        // It is away from now on.
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
    if (!this.isUp) return;
    for (const claim of this.#claims.values()) void this.#prolong(claim);
  }

  async #prolong(claim: Claim): Promise<void> {
    try {
      const taken = await this.#store.take(claim.key, claim.holder, NUMBERS.leaseMs);
      if (taken === "held") this.#lose(claim);
    } catch {
      // Once the store is back it is tried again.
    }
  }

  #lose(claim: Claim): void {
    if (claim.isLost) return;
    claim.isLost = true;
    const { queue, message } = claim.delivery;
    const facts = { queue, messageId: message.id };
    this.#options.log.warn(facts, "lease lost: the message may be handled twice");
  }
}

/** Parts that are parted otherwise have another digest. */
function digestOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)} `).update(part);
  return hash.digest("base64url");
}
