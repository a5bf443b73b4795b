/** The runner's side of a thread that loads its handlers. */
import { setTimeout as sleep } from "node:timers/promises";
import { receiveMessageOnPort } from "node:worker_threads";
import { ABSENT, type Digests } from "../../digest.ts";
import { NUMBERS } from "../../numbers.ts";
import type { FromThread } from "./protocol.ts";
import type { Spawned } from "./spawn.ts";
import type { LoadFailure } from "./thread/failure.ts";
import type { LoadedModule } from "./thread/tracking.ts";

/** What is wrong with the handler of a queue. */
export type LoadProblem = LoadFailure & { readonly queue: string };

export class Loading {
  readonly #spawned: Spawned;
  readonly #files = new Map<string, string>();
  readonly #problems: LoadProblem[] = [];
  readonly #loaded: Promise<null>;
  #finish: () => void = () => undefined;
  /** Whose handler is being imported. */
  #queue = "";

  constructor(spawned: Spawned) {
    this.#spawned = spawned;
    this.#loaded = new Promise((resolve) => {
      this.#finish = () => resolve(null);
    });
  }

  /** The modules of the user's so far, and those that were not there. */
  get files(): Digests {
    return this.#files;
  }

  accept(message: FromThread): void {
    switch (message.type) {
      case "loading":
        this.#queue = message.queue;
        break;
      case "module":
        this.#add(message.module);
        break;
      case "bad-handler":
        this.#problems.push({ queue: this.#queue, ...message.failure });
        break;
      case "loaded":
        this.#finish();
    }
  }

  /** Waits for the end, within `NUMBERS.workerLoadMs`. */
  async problems(): Promise<readonly LoadProblem[]> {
    const limit = new AbortController();
    const late = sleep(NUMBERS.workerLoadMs, null, { signal: limit.signal }).then(
      () => `has not loaded within ${NUMBERS.workerLoadMs} ms`,
    );
    const ended = this.#spawned.exited.then((reason) => `has ended its thread: ${reason}`);
    const reason = await Promise.race([this.#loaded, ended, late]);
    limit.abort();
    if (reason !== null)
      this.#problems.push({ queue: this.#queue, reason, at: null, missing: null });
    this.#drain();
    for (const { missing } of this.#problems) {
      if (missing !== null) this.#add({ path: missing, digest: ABSENT });
    }
    return this.#problems;
  }

  #drain(): void {
    const { modules } = this.#spawned;
    for (;;) {
      const received = receiveMessageOnPort(modules);
      if (!received) return;
      this.#add(received.message as LoadedModule);
    }
  }

  #add({ path, digest }: LoadedModule): void {
    if (!this.#files.has(path)) this.#files.set(path, digest);
  }
}
