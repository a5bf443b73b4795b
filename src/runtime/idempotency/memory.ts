/**
 * Remembers in this process alone. So many messages, and bytes of keys, that memory stays bounded:
 * those that were handled longest ago are forgotten first.
 */
import { NUMBERS } from "../../numbers.ts";
import { PassingMap } from "../../passing-map.ts";
import type { LeaseStore, Taken } from "./store.ts";

export type MemoryLimits = { readonly messages: number; readonly bytes: number };

/** Of this process' monotonic clock. */
type Lease = { readonly holder: string; readonly until: number };

const LIMITS: MemoryLimits = {
  messages: NUMBERS.maxRememberedMessages,
  bytes: NUMBERS.maxRememberedBytes,
};

export class MemoryStore implements LeaseStore {
  readonly shown = "memory";
  readonly #limits: MemoryLimits;
  /** As many as there are runs. */
  readonly #leases = new PassingMap<string, Lease>();
  /** Handled, until when; the oldest first. */
  readonly #done = new Map<string, number>();
  #bytes = 0;

  constructor(limits: MemoryLimits = LIMITS) {
    this.#limits = limits;
  }

  async take(key: string, holder: string, ms: number): Promise<Taken> {
    if (this.#isDone(key)) return "done";
    const lease = this.#leases.get(key);
    const now = performance.now();
    if (lease && lease.holder !== holder && lease.until > now) return "held";
    this.#leases.set(key, { holder, until: now + ms });
    return "ours";
  }

  async finish(key: string, holder: string, ms: number): Promise<boolean> {
    const lease = this.#leases.get(key);
    this.#leases.delete(key);
    this.#forget(key);
    this.#done.set(key, performance.now() + ms);
    this.#bytes += Buffer.byteLength(key);
    this.#makeRoom();
    return lease === undefined || lease.holder === holder;
  }

  async release(key: string, holder: string): Promise<void> {
    if (this.#leases.get(key)?.holder === holder) this.#leases.delete(key);
  }

  async stop(): Promise<void> {}

  #isDone(key: string): boolean {
    const until = this.#done.get(key);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.#forget(key);
    return false;
  }

  #makeRoom(): void {
    for (const [oldest] of this.#done) {
      if (this.#done.size <= this.#limits.messages && this.#bytes <= this.#limits.bytes) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    if (this.#done.delete(key)) this.#bytes -= Buffer.byteLength(key);
  }
}
