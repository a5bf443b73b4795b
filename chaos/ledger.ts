/** What was sent and what became of it: the generator's side, and the handlers' side. */
import { open } from "node:fs/promises";
import type { HandlerRun, Script } from "./project/src/job/run.ts";

/**
 * | state    | the message |
 * |----------|-------------|
 * | pending  | no answer yet |
 * | accepted | 2xx: it must not be lost |
 * | refused  | certainly not sent: it must never be handled |
 * | unknown  | no answer, or one that leaves it open: sent again with the same id |
 */
export type SentState = "pending" | "accepted" | "refused" | "unknown";

export type WorkQueue = "classic_jobs" | "quorum_jobs" | "victim_jobs";

/** One message id. */
export type Sent = {
  readonly id: string;
  readonly queue: WorkQueue;
  /** `invalid`: no event at all, from a publisher that is not warren. */
  readonly script: Script | "invalid";
  readonly at: number;
  /** How often it was sent over HTTP, or by the foreign publisher. */
  tries: number;
  state: SentState;
  /** It was unknown for a while. */
  wasUnknown: boolean;
};

/** One answer of HTTP, or the lack of one. */
export type Answer = {
  readonly at: number;
  readonly ms: number;
  readonly isAccepted: boolean;
  /** `202`, `503 blocked`, `ECONNRESET`. */
  readonly text: string;
};

/** The runs that have been written since the last call, of a file that grows. */
export class RunsFile<Run = HandlerRun> {
  readonly #path: string;
  #offset = 0;
  #rest = "";
  #last: Promise<unknown> = Promise.resolve();
  readonly runs: Run[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads on; one call after the other. */
  async read(): Promise<this> {
    const reading = this.#last.then(() => this.#readOn());
    this.#last = reading.catch(() => undefined);
    await reading;
    return this;
  }

  async #readOn(): Promise<void> {
    const file = await open(this.#path, "a+");
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(size - this.#offset);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#offset);
      this.#offset += bytesRead;
      // Lines are ASCII: no character is cut in two.
      const lines = (this.#rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      this.#rest = lines.pop() ?? "";
      this.runs.push(...lines.map((line) => JSON.parse(line) as Run));
    } finally {
      await file.close();
    }
  }
}
