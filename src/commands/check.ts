import { counted } from "../counted.ts";
import { comparePlaces, EXIT } from "../errors.ts";
import { load } from "../loader/load.ts";
import { checkHandlers } from "../runtime/host/worker-host.ts";
import type { Topology } from "../topology.ts";
import { type Context, reportProblems } from "./command.ts";

/**
 * Every problem in topology.yaml, schemas and handlers, without a broker; and every warning.
 *
 * @returns 1 if there is a problem; warnings alone are no failure.
 */
export async function check(context: Context): Promise<number> {
  const { file, env, handlersDirectory, isJson } = context;
  const loaded = load({ file, env, handlersDirectory });
  const problems = loaded.ok ? await checkHandlers(loaded.topology, context) : [...loaded.problems];
  const findings = [...problems, ...loaded.warnings].sort(comparePlaces);
  if (findings.length > 0 || isJson) reportProblems(context, findings);
  if (problems.length > 0) return EXIT.failed;
  if (loaded.ok && !isJson) context.print(`${file}: ${contentsOf(loaded.topology)}: no problem`);
  return EXIT.done;
}

function contentsOf({ exchanges, queues, bindings, policies, events }: Topology): string {
  const size = (record: object) => Object.keys(record).length;
  return [
    counted(size(exchanges), "exchange"),
    counted(size(queues), "queue"),
    counted(bindings.length, "binding"),
    ...(size(policies) > 0
      ? [`${size(policies)} ${size(policies) === 1 ? "policy" : "policies"}`]
      : []),
    counted(size(events), "event"),
  ].join(", ");
}
