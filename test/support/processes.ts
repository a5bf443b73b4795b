import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { waitFor } from "./wait-for.ts";

/** The repository's folder. */
export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export type Ended = {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | string;
};

/** A command that runs; its output so far, and its end. */
export type RunningProcess = {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly isRunning: boolean;
  /** Its status, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
  /** The first line of stdout or stderr that matches. @throws {Error} with the output, if none comes. */
  waitForLine(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  kill(signal?: NodeJS.Signals): void;
  /** Reads no more of its output: what it writes from now on meets a broken pipe. */
  hangUp(): void;
};

export type CommandOptions = {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** Starts a program; the caller ends it. */
export function startProcess(
  command: string,
  args: readonly string[],
  { cwd, env }: CommandOptions = {},
): RunningProcess {
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  return observe(child, output);
}

/**
 * Changes the soft limit of a running process, which its owner may raise again; Linux only.
 *
 * @param limit a number, or `unlimited`.
 */
export async function limitResource(
  pid: number,
  resource: "fsize" | "nofile",
  limit: string,
): Promise<void> {
  await promisify(execFile)("prlimit", ["--pid", String(pid), `--${resource}=${limit}:`]);
}

/** Waits for the end of a program. */
export async function untilEnd(running: RunningProcess): Promise<Ended> {
  const exit = await running.exit;
  return { stdout: running.stdout, stderr: running.stderr, exit };
}

type Output = { readonly stdout: string; readonly stderr: string };

function completeLines({ stdout, stderr }: Output): readonly string[] {
  return [stdout, stderr].flatMap((text) => text.split("\n").slice(0, -1));
}

function observe(child: ChildProcess, output: Output): RunningProcess {
  let isRunning = true;
  // `close`, not `exit`: the output is complete then.
  const exit = once(child, "close")
    .then(([code, signal]) => (code ?? signal) as number | string)
    .finally(() => {
      isRunning = false;
    });
  // A program that could not be spawned rejects `exit` for those who wait for it.
  exit.catch(() => undefined);
  return {
    pid: child.pid ?? -1,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    get isRunning() {
      return isRunning;
    },
    exit,
    kill: (signal = "SIGTERM") => void child.kill(signal),
    hangUp: () => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
    async waitForLine(pattern, timeoutMs = 60_000) {
      const found = await waitFor(
        (seen) => {
          const line = seen(completeLines(output)).find((one) => one.match(pattern));
          return line === undefined ? !isRunning && "ended" : { line };
        },
        { timeoutMs, what: `a line like ${pattern}` },
      );
      if (found !== "ended") return found.line;
      const text = `${output.stdout}\n${output.stderr}`;
      throw new Error(`it ended without a line like ${pattern}:\n${text}`);
    },
  };
}
