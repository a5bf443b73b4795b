/** Keeps one connection up: reconnects with full-jitter backoff until it is stopped. */
import type { BrokerConnection } from "../connect.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import { NUMBERS } from "../numbers.ts";
import type { ConnectionState } from "./status.ts";

export type SupervisorOptions = {
  readonly name: "publish" | "consume";
  readonly connect: () => Promise<BrokerConnection>;
  /**
   * Runs on every new connection before it counts as ready; when it throws, the connection is
   * given up and another one is tried.
   */
  readonly onUp: (connection: BrokerConnection) => Promise<void>;
  readonly onDown: (reason: Error) => void;
  readonly log: Log;
};

export class SupervisedConnection {
  readonly #options: SupervisorOptions;
  #state: ConnectionState = "connecting";
  #connection: BrokerConnection | null = null;
  #isStopped = false;
  #failures = 0;
  #wake: () => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The live connection, or null while there is none. */
  get connection(): BrokerConnection | null {
    return this.#connection;
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
    this.#isStopped = true;
    this.#wake();
    const connection = this.#connection;
    if (connection) await connection.close();
    this.#state = "closed";
  }

  async #open(): Promise<void> {
    const { connect, onUp } = this.#options;
    this.#state = "connecting";
    const connection = await connect();
    connection.on("blocked", () => {
      this.#state = "blocked";
    });
    connection.on("unblocked", () => {
      this.#state = "ready";
    });
    try {
      await onUp(connection);
    } catch (error) {
      connection.destroy("setup failed");
      throw error;
    }
    if (this.#isStopped) {
      await connection.close();
      return;
    }
    this.#connection = connection;
    this.#state = "ready";
    connection.ended.then((reason) => this.#lost(reason)).catch(() => undefined);
  }

  #lost(reason: Error): void {
    this.#connection = null;
    if (this.#isStopped) return;
    this.#state = "down";
    const { log, name, onDown } = this.#options;
    log.warn({ connection: name, reason: reason.message }, "connection lost");
    // What amqplib can't decode (a table nested thousands deep) comes again on the next connection.
    const isUndecodable = reason instanceof RangeError;
    this.#failures = isUndecodable ? this.#failures + 1 : 0;
    onDown(reason);
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { log, name } = this.#options;
    while (!this.#isStopped) {
      await this.#pause(backoffMs(this.#failures));
      if (this.#isStopped) return;
      const facts = { connection: name, failures: this.#failures };
      try {
        await this.#open();
        log.info(facts, "connected again");
        return;
      } catch (error) {
        this.#failures += 1;
        this.#state = "down";
        log.warn({ ...facts, reason: messageOf(error) }, "not connected yet");
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Full jitter, in milliseconds: anywhere below a bound that doubles with each failure. */
export function backoffMs(failures: number): number {
  const bound = Math.min(NUMBERS.reconnectMaxMs, NUMBERS.reconnectMinMs * 2 ** failures);
  return Math.random() * bound;
}
