import { dirname, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Worker } from "node:worker_threads";
import type { ThreadData, ThreadResult } from "../codegen/thread.ts";
import { messageOf } from "../errors.ts";
import type { Topology } from "../topology.ts";
import type { Context } from "./command.ts";

/**
 * Keeps src/generated as a running topology says, where handlers are run from src: compiled ones
 * have their types behind them. It writes on a thread of its own, one topology after another, and nothing
 * waits for it: what can't be written is a warning.
 */
export class Generator {
  readonly #log: Context["log"];
  /** null: nothing is generated. */
  readonly #directory: string | null;
  #wanted: Topology | null = null;
  #running: Promise<void> | null = null;
  #isStopped = false;
  #worker: Worker | null = null;
  #lastReason: string | null = null;

  constructor({ file, handlersDirectory, log }: Context) {
    const source = join(dirname(file), "src");
    const isSource = !relative(source, handlersDirectory).startsWith("..");
    this.#directory = isSource ? join(source, "generated") : null;
    this.#log = log;
  }

  /**
   * Of topologies that come while one is written, the newest alone is next.
   *
   * @returns when there is no more to be written.
   */
  async generate(topology: Topology): Promise<void> {
    if (this.#directory === null) return;
    if (!isDeepStrictEqual(this.#wanted, topology)) {
      this.#wanted = topology;
      this.#running ??= this.#run(this.#directory);
    }
    await this.#running;
  }

  /** Ends it, whatever it does; no file is left half. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#worker?.terminate();
  }

  async #run(directory: string): Promise<void> {
    for (let topology = this.#wanted; topology !== null && !this.#isStopped; ) {
      const started = performance.now();
      const result = await this.#write({ topology, directory });
      const ms = Math.round(performance.now() - started);
      if (!this.#isStopped) this.#report(directory, result, ms);
      topology = topology === this.#wanted ? null : this.#wanted;
    }
    this.#running = null;
  }

  async #write(workerData: ThreadData): Promise<ThreadResult> {
    try {
      // No options of the process's own: they may be about what it runs itself.
      const worker = new Worker(entry(), { name: "warren types", workerData, execArgv: [] });
      this.#worker = worker;
      return await resultOf(worker);
    } catch (error) {
      return { ok: false, reason: messageOf(error) };
    }
  }

  #report(directory: string, result: ThreadResult, ms: number): void {
    if (result.ok) {
      const files = result.written.map((path) => join(directory, path));
      if (files.length > 0) this.#log.info({ files, ms }, "types generated");
      else this.#log.debug({ ms }, "generated types are current");
    } else {
      const { reason } = result;
      const level = reason === this.#lastReason ? "debug" : "warn";
      this.#log[level]({ directory, reason }, "types are not generated");
    }
    this.#lastReason = result.ok ? null : result.reason;
  }
}

function resultOf(worker: Worker): Promise<ThreadResult> {
  return new Promise((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
    worker.on("exit", () => reject(new Error("the thread that writes them has ended")));
  });
}

function entry(): URL {
  const isSource = import.meta.url.endsWith(".ts");
  const path = isSource ? "../codegen/source-thread.mjs" : "../codegen/thread.js";
  return new URL(path, import.meta.url);
}
