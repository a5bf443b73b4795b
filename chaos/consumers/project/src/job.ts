import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";
import type { HandlerContext } from "warren";

/**
 * What a message tells its handler to do; all attempts alike but for `once`.
 *
 * | script | the handler |
 * |--------|-------------|
 * | fine   | returns |
 * | once   | throws in the first attempt |
 * | always | throws |
 * | hang   | never returns |
 * | exit   | calls process.exit, which ends its own run alone |
 * | die    | ends its thread for certain, with all that runs there |
 */
export type Script = "fine" | "once" | "always" | "hang" | "exit" | "die";

export type Job = { readonly n: number; readonly script: Script };

/** One line of the runs' file: one run of a handler. Times are of the monotonic clock. */
export type JobRun = {
  readonly id: string;
  readonly queue: string;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly pid: number;
  readonly thread: number;
  readonly start: number;
  readonly end: number;
  readonly outcome: "handled" | "threw" | "hung" | "exited" | "died";
};

const RUNS = fileURLToPath(new URL("../runs.jsonl", import.meta.url));

/** Does what the job's script says, and writes a line before it ends. */
export async function run({ n, script }: Job, context: HandlerContext): Promise<void> {
  const start = now();
  // One that ends its thread does so before anything else can run there: so the runner knows whom to blame.
  if (script !== "die") await sleep(1 + (n % 8));
  const outcome = outcomeOf(script, context.attempt);
  const { id, queue, redelivered } = context.message;
  const line: JobRun = {
    id,
    queue,
    attempt: context.attempt,
    redelivered,
    pid: process.pid,
    thread: threadId,
    start,
    end: now(),
    outcome,
  };
  // Opened for appending: lines of several threads do not mix.
  appendFileSync(RUNS, `${JSON.stringify(line)}\n`);
  if (outcome === "threw") throw new Error("as the script says");
  if (outcome === "hung") await new Promise(() => undefined);
  if (outcome === "exited") process.exit(1);
  if (outcome === "died") endThread();
}

function outcomeOf(script: Script, attempt: number): JobRun["outcome"] {
  if (script === "hang") return "hung";
  if (script === "exit") return "exited";
  if (script === "die") return "died";
  return script === "always" || (script === "once" && attempt === 1) ? "threw" : "handled";
}

/** What process.exit does where nobody has replaced it. */
function endThread(): void {
  const { reallyExit } = process as unknown as { reallyExit(code: number): never };
  reallyExit(1);
}

function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
