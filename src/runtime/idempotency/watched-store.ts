/**
 * A store that may be away. Whatever fails on it says so; from then on one question is asked, again
 * and again, until it is answered.
 */
import { randomUUID } from "node:crypto";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { NUMBERS } from "../../numbers.ts";
import { backoffMs } from "../backoff.ts";
import { Pauses } from "../pauses.ts";
import type { LeaseStore, Taken } from "./store.ts";

/** For /health; `downSince` and `reason` are null while the store answers. */
export type StoreStatus = {
  readonly store: string;
  readonly downSince: string | null;
  readonly reason: string | null;
};

export type WatchedStoreOptions = {
  readonly project: string;
  /** `onLost`: it does not answer any more. */
  readonly createStore: (onLost: (reason: string) => void) => LeaseStore;
  /** It has stopped answering, or is up again. */
  readonly onChange: () => void;
  readonly log: Log;
};

export class WatchedStore implements LeaseStore {
  readonly #options: WatchedStoreOptions;
  readonly #store: LeaseStore;
  readonly #pauses = new Pauses();
  /** Who asks, while it is away. */
  readonly #asker = randomUUID();
  /** Leases that it may have, though nobody wants them. */
  #doubtful: { readonly key: string; readonly holder: string }[] = [];
  #trouble: { readonly since: string; readonly reason: string } | null = null;

  constructor(options: WatchedStoreOptions) {
    this.#options = options;
    this.#store = options.createStore((reason) => this.#fail(reason));
  }

  get shown(): string {
    return this.#store.shown;
  }

  get status(): StoreStatus {
    const { since = null, reason = null } = this.#trouble ?? {};
    return { store: this.shown, downSince: since, reason };
  }

  /** It answers, as far as is known. */
  get isUp(): boolean {
    return this.#trouble === null;
  }

  take(key: string, holder: string, ms: number): Promise<Taken> {
    return this.#watch(this.#store.take(key, holder, ms));
  }

  finish(key: string, holder: string, ms: number): Promise<boolean> {
    return this.#watch(this.#store.finish(key, holder, ms));
  }

  /** Ends the holder's own lease: now, or once the store is back. Never rejects. */
  async release(key: string, holder: string): Promise<void> {
    try {
      if (this.isUp) await this.#watch(this.#store.release(key, holder));
      else this.#doubtful.push({ key, holder });
    } catch {
      this.#doubtful.push({ key, holder });
    }
  }

  /** Finds out whether it answers before a message needs it. */
  async look(): Promise<void> {
    if (this.isUp) await this.#ask().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#pauses.end();
    await this.#store.stop();
  }

  async #watch<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#fail(messageOf(error));
      throw error;
    }
  }

  #fail(reason: string): void {
    if (this.#trouble || this.#pauses.isOver) return;
    this.#trouble = { since: new Date().toISOString(), reason };
    const { log, onChange } = this.#options;
    log.warn({ store: this.shown, reason }, "idempotency store away: its queues are paused");
    onChange();
    void this.#probe();
  }

  /** Whether it can be written to again; the one question that is asked meanwhile. */
  async #probe(): Promise<void> {
    const { onChange, log } = this.#options;
    for (let failures = 0; !this.#pauses.isOver; failures++) {
      await this.#pauses.wait(backoffMs(failures, NUMBERS.reconnectMaxMs));
      try {
        await this.#ask();
        for (const { key, holder } of this.#doubtful) await this.#store.release(key, holder);
        this.#doubtful = [];
        this.#trouble = null;
        log.info({ store: this.shown }, "idempotency store is back");
        onChange();
        return;
      } catch (error) {
        if (this.#trouble) this.#trouble = { ...this.#trouble, reason: messageOf(error) };
      }
    }
  }

  async #ask(): Promise<void> {
    await this.take(`warren:${this.#options.project}:probe:${this.#asker}`, this.#asker, 1);
  }
}
