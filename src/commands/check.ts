import { EXIT } from "../errors.ts";
import { checkHandlers } from "../runtime/host/worker-host.ts";
import { type Context, loadOrReport, reportProblems } from "./command.ts";

/** Every problem in topology.yaml, schemas and handlers, without a broker. */
export async function check(context: Context): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const problems = await checkHandlers(topology, context);
  if (problems.length > 0 || context.isJson) reportProblems(context, problems);
  if (problems.length > 0) return EXIT.failed;
  if (!context.isJson) {
    const count = (record: object) => Object.keys(record).length;
    context.print(
      `${context.file}: ${count(topology.exchanges)} exchanges, ${count(topology.queues)} queues, ` +
        `${topology.bindings.length} bindings, ${count(topology.events)} events: no problem`,
    );
  }
  return EXIT.done;
}
