import { destroyTopology } from "../apply/change/destroy.ts";
import { formatDestroyed } from "../apply/change/report.ts";
import { EXIT } from "../errors.ts";
import { type Context, loadOrReport, QUIET } from "./command.ts";
import { Embedded } from "./embedded.ts";
import { ProgressBar } from "./progress.ts";

export type DestroyCommand = {
  /** They go with whatever is in them. */
  readonly queues: readonly string[];
  readonly lockTimeoutMs: number;
};

/**
 * Removes from the broker what this project has made, and asks nothing.
 *
 * @param stopped ends it after the operation under way.
 * @returns 0: nothing is left; 1: something was refused; 5: something was kept, or it was interrupted.
 */
export async function destroy(
  context: Context,
  stopped: Promise<unknown>,
  { queues, lockTimeoutMs }: DestroyCommand,
): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const interrupted = new AbortController();
  void stopped.then(() => interrupted.abort());
  const bar = new ProgressBar(context.terminal);
  const embedded = new Embedded(context.isJson ? { ...context, log: QUIET } : context);
  try {
    const report = await destroyTopology(await embedded.provide(topology), {
      queues,
      lockTimeoutMs,
      by: context.by,
      interrupted: interrupted.signal,
      onProgress: (progress) => bar.show(progress),
    });
    bar.end();
    context.print(
      context.isJson
        ? JSON.stringify({ format: 1, project: topology.project, ...report }, null, 2)
        : formatDestroyed(report),
    );
    if (report.isDone) return EXIT.done;
    const isRefused = report.entries.some(({ result }) => result === "refused");
    return isRefused ? EXIT.failed : EXIT.partly;
  } finally {
    bar.end();
    await embedded.stop();
  }
}
