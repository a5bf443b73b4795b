/** What every command is given, and how it reports. */

import { counted } from "../counted.ts";
import { formatProblem, type Problem } from "../errors.ts";
import type { Log } from "../handler.ts";
import { load } from "../loader/load.ts";
import type { Topology } from "../topology.ts";

/** The outside world of a command; the cli alone reads it from `process`. */
export type Context = {
  /** Path of topology.yaml, as the user named it. */
  readonly file: string;
  readonly handlersDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isJson: boolean;
  /** Where a person watches; null: nobody does. */
  readonly terminal: NodeJS.WritableStream | null;
  /** Who runs it, and where: `ci@runner-3`. */
  readonly by: string;
  /** Whether what is printed goes to a terminal. */
  readonly isTerminal: boolean;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  readonly log: Log;
};

/** Where log lines would stand in the way of a document. */
export const QUIET: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

/**
 * Loads the topology, or prints every problem and returns null. Warnings are for the commands that
 * ask for them, a line each, and stop nothing.
 */
export function loadOrReport(
  context: Context,
  { withWarnings = false }: { readonly withWarnings?: boolean } = {},
): Topology | null {
  const { file, env, handlersDirectory } = context;
  const loaded = load({ file, env, handlersDirectory });
  if (!loaded.ok) {
    reportProblems(context, loaded.problems);
    return null;
  }
  if (withWarnings)
    for (const warning of loaded.warnings) context.printError(formatProblem(warning));
  return loaded.topology;
}

/** Every problem on a line of its own, then how many; with --json one document. */
export function reportProblems(context: Context, problems: readonly Problem[]): void {
  const errors = problems.filter(({ severity }) => severity === undefined).length;
  if (context.isJson) {
    const shown = problems.map(({ code, severity = "error", message, at }) => {
      return { code, severity, message, at };
    });
    context.print(JSON.stringify({ ok: errors === 0, problems: shown }, null, 2));
    return;
  }
  for (const problem of problems) context.printError(formatProblem(problem));
  const warnings = problems.length - errors;
  const counts = [
    ...(errors > 0 || warnings === 0 ? [counted(errors, "problem")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ];
  context.printError(counts.join(", "));
}
