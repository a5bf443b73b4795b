/** Prepares the handlers of an edit, and says meanwhile what that waits for. */
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";
import type { HandlerHost, Prepared } from "./host/host.ts";

/** A longer wait is logged, in milliseconds. */
const PATIENCE_MS = 1_000;

export class Preparing {
  readonly #host: HandlerHost;
  readonly #log: Log;
  #isBusy = false;

  constructor(host: HandlerHost, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  /** In words; null unless an edit has to wait. */
  get pending(): string | null {
    const { finishing } = this.#host.status();
    if (!this.#isBusy || finishing === 0) return null;
    return `waiting for ${finishing} ${finishing === 1 ? "run" : "runs"} of the former handlers`;
  }

  /** One call at a time, as the host's. */
  async prepare(topology: Topology): Promise<Prepared> {
    this.#isBusy = true;
    const saying = setTimeout(() => this.#say(), PATIENCE_MS);
    try {
      return await this.#host.prepare(topology);
    } finally {
      clearTimeout(saying);
      this.#isBusy = false;
    }
  }

  #say(): void {
    const reason = this.pending;
    if (reason !== null) this.#log.info({ reason }, "not reloaded yet");
  }
}
