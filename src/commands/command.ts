/** What every command is given, and how it reports. */
import { EXIT, errorTable, formatProblem, type Problem, WarrenError } from "../errors.ts";
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
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  readonly log: Log;
};

/** Loads the topology, or prints every problem and returns null. */
export function loadOrReport(context: Context): Topology | null {
  const { file, env, handlersDirectory } = context;
  const loaded = load({ file, env, handlersDirectory });
  if (loaded.ok) return loaded.topology;
  reportProblems(context, loaded.problems);
  return null;
}

/** Every problem on a line of its own, then how many; with --json one document. */
export function reportProblems(context: Context, problems: readonly Problem[]): void {
  if (context.isJson) {
    context.print(JSON.stringify({ ok: problems.length === 0, problems }, null, 2));
    return;
  }
  for (const problem of problems) context.printError(formatProblem(problem));
  context.printError(problems.length === 1 ? "1 problem" : `${problems.length} problems`);
}

/**
 * Prints what went wrong: a user's error with its remedy, a bug with its stack.
 *
 * @returns the exit status.
 */
export function reportFailure(error: unknown, printError: (text: string) => void): number {
  if (!(error instanceof WarrenError)) return reportBug(error, printError);
  const place = error.at ? `${error.at.file}:${error.at.line}:${error.at.column} ` : "";
  printError(`${place}${error.code}  ${error.message}`);
  const { exit, remedy } = errorTable[error.code];
  printError(remedy);
  return exit;
}

/** Prints what nobody expected, with its stack. @returns the exit status. */
export function reportBug(error: unknown, printError: (text: string) => void): number {
  printError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  printError("this is a bug in warren");
  return EXIT.bug;
}
