/** What every command is given, and how it reports. */
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
