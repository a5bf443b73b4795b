import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { HandlerContext } from "warren";
import { version } from "./version.ts";

/** What a message tells its handler to do; all attempts alike but for `once`. */
export type Script = "fine" | "once" | "always" | "hang" | "exit";

export type Job = {
  readonly id: string;
  readonly seq: number;
  readonly script: Script;
  readonly pad: string;
  readonly sha256: string;
};

/** One line of the runs' file: one run of a handler. Times are of the monotonic clock. */
export type HandlerRun = {
  readonly id: string;
  readonly queue: string;
  readonly attempt: number;
  /** Of the handler and of the module that it imports. */
  readonly revision: string;
  readonly pid: number;
  readonly start: number;
  readonly end: number;
  readonly outcome: "handled" | "threw" | "hung" | "exited";
  /** Body, id, header and key are those that were sent. */
  readonly isIntact: boolean;
};

const RUNS = fileURLToPath(new URL("../../runs.jsonl", import.meta.url));

/** Does what the job's script says, and writes a line before it ends. */
export async function run(job: Job, context: HandlerContext, revision: number): Promise<void> {
  const start = now();
  // Some take long enough to outlive their channel.
  await sleep(job.seq % 41 === 0 ? 2_000 : 5 + (job.seq % 8) * 5);
  const outcome = outcomeOf(job.script, context.attempt);
  const line: HandlerRun = {
    id: context.message.id,
    queue: context.message.queue,
    attempt: context.attempt,
    revision: `${revision}.${version}`,
    pid: process.pid,
    start,
    end: now(),
    outcome,
    isIntact: isIntact(job, context),
  };
  // Opened for appending: lines of several processes do not mix.
  appendFileSync(RUNS, `${JSON.stringify(line)}\n`);
  if (outcome === "threw") throw new Error("as the script says");
  if (outcome === "hung") await new Promise(() => undefined);
  if (outcome === "exited") process.exit(1);
}

function outcomeOf(script: Script, attempt: number): HandlerRun["outcome"] {
  if (script === "hang") return "hung";
  if (script === "exit") return "exited";
  return script === "always" || (script === "once" && attempt === 1) ? "threw" : "handled";
}

function isIntact(job: Job, { message }: HandlerContext): boolean {
  const sha256 = createHash("sha256").update(job.pad).digest("hex");
  const { id, queue, routingKey, headers } = message;
  return (
    sha256 === job.sha256 &&
    sha256 === headers["chaos-sha256"] &&
    id === job.id &&
    `${routingKey.replace("job.", "")}_jobs` === queue
  );
}

function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
