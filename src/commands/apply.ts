import { readFileSync } from "node:fs";
import { applyTopology } from "../apply/change/apply.ts";
import type { ApplyOptions } from "../apply/change/options.ts";
import { blockedError, formatReport } from "../apply/change/report.ts";
import type { ApplyReport } from "../apply/change/results.ts";
import { assertCurrent, verifyDocument } from "../apply/plan/document.ts";
import type { Permissions } from "../apply/planned.ts";
import { EXIT, errorTable, messageOf, WarrenError } from "../errors.ts";
import { type Context, loadOrReport, QUIET } from "./command.ts";
import { Embedded } from "./embedded.ts";
import { ProgressBar } from "./progress.ts";

export type ApplyCommand = {
  /** A plan that `plan --out` has written; undefined: whatever is to be done now. */
  readonly planFile?: string | undefined;
  /** With a plan: those that it was made with count. */
  readonly permissions: Permissions;
  readonly lockTimeoutMs: number;
};

/**
 * Brings the broker up to topology.yaml.
 *
 * @param stopped ends it after the operation under way.
 * @returns 0: the broker has what the file says; 1: something was refused, and the rest is done; 3:
 *   something is in the way, and nothing was changed; 5: done except what was kept, or interrupted.
 */
export async function apply(
  context: Context,
  stopped: Promise<unknown>,
  command: ApplyCommand,
): Promise<number> {
  const topology = loadOrReport(context, { withWarnings: true });
  if (!topology) return EXIT.failed;
  const { planFile, permissions, lockTimeoutMs } = command;
  const plan = planFile === undefined ? null : readPlan(planFile, topology.project);
  const interrupted = new AbortController();
  void stopped.then(() => interrupted.abort());
  const bar = new ProgressBar(context.terminal);
  const options: ApplyOptions = {
    permissions: plan?.permissions ?? permissions,
    lockTimeoutMs,
    by: context.by,
    interrupted: interrupted.signal,
    resume: true,
    onProgress: (progress) => bar.show(progress),
    onAgain: (reason) => {
      bar.end();
      context.printError(`trying again: ${reason}`);
    },
    ...(plan && { onPlan: (looked) => assertCurrent(plan, looked) }),
  };
  const embedded = new Embedded(context.isJson ? { ...context, log: QUIET } : context);
  try {
    const report = await applyTopology(await embedded.provide(topology), options);
    bar.end();
    context.print(
      context.isJson ? JSON.stringify(document(report), null, 2) : formatReport(report),
    );
    return exitOf(report);
  } finally {
    bar.end();
    await embedded.stop();
  }
}

/** @throws {WarrenError} `plan-unreadable` */
function readPlan(file: string, project: string) {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new WarrenError("plan-unreadable", `${file}: ${messageOf(cause)}`, { cause });
  }
  return verifyDocument(text, project);
}

/** What `--json` prints: docs/plan.md explains each field. */
function document({ plan, ...report }: ApplyReport): object {
  const { project } = plan;
  const { broker, generation, isDone, isPartial, entries } = report;
  return { format: 1, project, broker, generation, isDone, isPartial, entries };
}

function exitOf(report: ApplyReport): number {
  if (!report.isDone) return errorTable[blockedError(report).code].exit;
  return report.isPartial ? EXIT.partly : EXIT.done;
}
