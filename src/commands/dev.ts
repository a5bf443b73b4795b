import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { watch } from "chokidar";
import { EXIT } from "../errors.ts";
import { type Context, loadOrReport } from "./command.ts";

/** Saves that follow one another within this time are one change, in milliseconds. */
const QUIET_MS = 150;

/**
 * Runs `start` in a process of its own, and starts it anew when topology.yaml, a schema or a
 * handler changes. A change with problems is reported, and what runs goes on running.
 *
 * @param command how to run `start`: the program and its arguments.
 */
export async function dev(
  context: Context,
  command: readonly [string, ...string[]],
  stopped: Promise<string>,
): Promise<number> {
  const supervisor = new ChildRunner(context, command);
  const directory = dirname(context.file);
  const watcher = watch([context.file, join(directory, "schemas"), context.handlersDirectory], {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: QUIET_MS, pollInterval: 50 },
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on("all", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void supervisor.restart(), QUIET_MS);
  });
  await supervisor.restart();
  await stopped;
  clearTimeout(timer);
  await watcher.close();
  await supervisor.stop();
  return EXIT.done;
}

class ChildRunner {
  readonly #context: Context;
  readonly #command: readonly [string, ...string[]];
  #child: ChildProcess | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(context: Context, command: readonly [string, ...string[]]) {
    this.#context = context;
    this.#command = command;
  }

  /** One after another, however fast they are asked for. */
  restart(): Promise<void> {
    this.#last = this.#last.then(async () => {
      const isRunning = this.#child !== null;
      if (!loadOrReport(this.#context)) {
        if (isRunning) this.#context.printError("the last good version goes on running");
        return;
      }
      await this.#end();
      const [program, ...args] = this.#command;
      const child = spawn(program, args, { stdio: "inherit" });
      child.once("exit", () => {
        if (this.#child === child) this.#child = null;
      });
      this.#child = child;
    });
    return this.#last;
  }

  async stop(): Promise<void> {
    await this.#last;
    await this.#end();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  }
}
