/** Keeps one connection up: reconnects until it is stopped, and says meanwhile what is wrong. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "../../broker-connection.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { ReconnectBackoff } from "../backoff.ts";
import type { ConnectionState, ConnectionStatus } from "../status.ts";

export type SupervisorOptions = {
  readonly name: "publish" | "consume";
  /** The signal ends the attempt at once. */
  readonly connect: (signal: AbortSignal) => Promise<BrokerConnection>;
  /**
   * Runs on every new connection before it counts as ready; when it throws, the connection is
   * given up and another one is tried.
   */
  readonly onUp: (connection: BrokerConnection) => Promise<void>;
  readonly onDown: (reason: Error) => void;
  readonly log: Log;
};

/** The same failure is said again after so long, in milliseconds. */
const REPEAT_MS = 10_000;

export class SupervisedConnection {
  readonly #options: SupervisorOptions;
  readonly #backoff = new ReconnectBackoff();
  readonly #stopped = new AbortController();
  #phase: "connecting" | "up" | "down" | "closed" = "connecting";
  #connection: BrokerConnection | null = null;
  #downSince: Date | null = new Date();
  #lastFailure: ConnectionStatus["lastFailure"] = null;
  #nextAttempt: Date | null = null;
  /** Of the last line in the log about a failure, by the monotonic clock. */
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    if (this.#phase !== "up") return this.#phase;
    return this.#connection?.isBlocked ? "blocked" : "ready";
  }

  /** The live connection, or null while there is none. */
  get connection(): BrokerConnection | null {
    return this.#connection;
  }

  get status(): ConnectionStatus {
    return {
      state: this.state,
      downSince: this.#downSince?.toISOString() ?? null,
      lastFailure: this.#lastFailure,
      nextAttempt: this.#nextAttempt?.toISOString() ?? null,
    };
  }

  /**
   * Connects for the first time; every later connection is made by itself.
   *
   * @throws {WarrenError} `connection-failed` or `access-refused`: at the start nothing is retried.
   */
  async start(): Promise<void> {
    await this.#open();
  }

  /** Ends the connection for good; close its channels before. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#connection?.close();
    this.#phase = "closed";
    this.#nextAttempt = null;
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #open(): Promise<void> {
    this.#phase = "connecting";
    const connection = await this.#options.connect(this.#stopped.signal);
    const bornAt = performance.now();
    this.#sayBlocks(connection);
    await this.#setUp(connection);
    this.#connection = connection;
    this.#phase = "up";
    this.#downSince = null;
    void connection.ended.then((reason) => this.#lost(reason, performance.now() - bornAt));
  }

  /** @throws {Error} what `onUp` threw, or that it was stopped meanwhile; it is destroyed then. */
  async #setUp(connection: BrokerConnection): Promise<void> {
    const { signal } = this.#stopped;
    const giveUp = () => connection.destroy("stopped");
    signal.addEventListener("abort", giveUp);
    try {
      await this.#options.onUp(connection);
      signal.throwIfAborted();
    } catch (error) {
      connection.destroy("setup failed");
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  #sayBlocks(connection: BrokerConnection): void {
    const { log, name } = this.#options;
    connection.on("blocked", (reason) => {
      log.warn({ connection: name, reason }, "blocked: the broker takes no messages");
    });
    connection.on("unblocked", () => log.info({ connection: name }, "no longer blocked"));
  }

  #lost(reason: Error, livedMs: number): void {
    this.#connection = null;
    this.#options.onDown(reason);
    if (this.#isStopped) return;
    this.#downSince = new Date();
    this.#backoff.lost(reason, livedMs);
    this.#saidAt = Number.NEGATIVE_INFINITY;
    this.#failed(reason.message, "connection lost");
    void this.#reconnect();
  }

  #failed(reason: string, what: string): void {
    this.#phase = "down";
    const isNews = this.#lastFailure?.reason !== reason;
    this.#lastFailure = { at: new Date().toISOString(), reason };
    const now = performance.now();
    if (!isNews && now < this.#saidAt + REPEAT_MS) return;
    this.#saidAt = now;
    const { log, name } = this.#options;
    log.warn({ connection: name, failures: this.#backoff.failures, reason }, what);
  }

  async #reconnect(): Promise<void> {
    const { log, name } = this.#options;
    while (!this.#isStopped) {
      await this.#pause(this.#backoff.nextMs());
      if (this.#isStopped) return;
      const { failures } = this.#backoff;
      try {
        await this.#open();
        log.info({ connection: name, failures }, "connected again");
        return;
      } catch (error) {
        if (this.#isStopped) return;
        this.#backoff.failed(error);
        this.#failed(messageOf(error), "not connected yet");
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    this.#nextAttempt = new Date(Date.now() + ms);
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    this.#nextAttempt = null;
  }
}
