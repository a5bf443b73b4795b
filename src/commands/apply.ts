import { applyTopology } from "../apply/apply.ts";
import { formatReport } from "../apply/report.ts";
import { connectBroker } from "../connect.ts";
import { EXIT, errorTable } from "../errors.ts";
import { blockedError } from "../runtime/runner.ts";
import { type Context, loadOrReport } from "./command.ts";

/** Declares what is missing on the broker, and says what was right and what is in conflict. */
export async function apply(context: Context): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const name = `warren ${topology.project} apply`;
  const connection = await connectBroker({ ...topology.broker, name });
  try {
    const report = await applyTopology(connection, topology);
    context.print(context.isJson ? JSON.stringify(report, null, 2) : formatReport(report));
    return report.isDone ? EXIT.done : errorTable[blockedError(report).code].exit;
  } finally {
    await connection.close();
  }
}
