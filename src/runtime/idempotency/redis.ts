/** Remembers in Redis, for all runners. It connects when it is asked something. */
import type { BrokerAddress } from "../../topology.ts";
import { connectRedis, type RedisConnection, type Step } from "./redis-client.ts";
import type { LeaseStore, Taken } from "./store.ts";

export type RedisOptions = {
  readonly address: BrokerAddress;
  /** The connection is gone, though nobody may be waiting for an answer. */
  readonly onLost: (reason: string) => void;
};

const TAKEN: readonly Taken[] = ["done", "ours", "held"];

export class RedisStore implements LeaseStore {
  readonly #options: RedisOptions;
  #connecting: Promise<RedisConnection> | null = null;
  readonly #stopped = new AbortController();

  constructor(options: RedisOptions) {
    this.#options = options;
  }

  get shown(): string {
    return this.#options.address.shown;
  }

  async take(key: string, holder: string, ms: number): Promise<Taken> {
    return TAKEN[await this.#run("take", key, holder, ms)] ?? "held";
  }

  async finish(key: string, holder: string, ms: number): Promise<boolean> {
    return (await this.#run("finish", key, holder, ms)) === 1;
  }

  async release(key: string, holder: string): Promise<void> {
    await this.#run("release", key, holder);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
  }

  async #run(step: Step, key: string, holder: string, ms?: number): Promise<number> {
    this.#stopped.signal.throwIfAborted();
    this.#connecting ??= this.#connect();
    const connection = await this.#connecting;
    return await connection.run(step, key, holder, ms);
  }

  async #connect(): Promise<RedisConnection> {
    try {
      const { address, onLost } = this.#options;
      const onEnd = (reason: string) => {
        this.#connecting = null;
        onLost(reason);
      };
      return await connectRedis(address, { onEnd, signal: this.#stopped.signal });
    } catch (error) {
      this.#connecting = null;
      throw error;
    }
  }
}
