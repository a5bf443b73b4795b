import { applyTopology } from "../apply/change/apply.ts";
import { blockedError, formatReport } from "../apply/change/report.ts";
import { EXIT, errorTable } from "../errors.ts";
import { type Context, loadOrReport } from "./command.ts";
import { Embedded } from "./embedded.ts";

/** Declares what is missing on the broker, and says what was right and what is in conflict. */
export async function apply(context: Context): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const embedded = new Embedded(context);
  const report = await applyTopology(await embedded.provide(topology));
  context.print(context.isJson ? JSON.stringify(report, null, 2) : formatReport(report));
  return report.isDone ? EXIT.done : errorTable[blockedError(report).code].exit;
}
