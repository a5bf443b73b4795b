import { writeFile } from "node:fs/promises";
import { vhostOf } from "../apply/inspect/management.ts";
import { type PlanDocument, planDocument } from "../apply/plan/document.ts";
import { formatPlan } from "../apply/plan/format.ts";
import { planTopology } from "../apply/plan/look.ts";
import type { Permissions, Plan } from "../apply/planned.ts";
import { EXIT, messageOf, quoted, WarrenError } from "../errors.ts";
import { type Context, loadOrReport, QUIET } from "./command.ts";
import { Embedded } from "./embedded.ts";
import { exclusiveLines } from "./exclusive.ts";

export type PlanOptions = Partial<Permissions> & {
  /** A file for the document. */
  readonly out?: string;
};

/**
 * Says in what the broker differs from the file, and what apply would do about it; changes nothing.
 *
 * @returns 0 nothing to do, 2 all that is pending is allowed, 3 some of it is blocked.
 */
export async function plan(context: Context, options: PlanOptions): Promise<number> {
  const loaded = loadOrReport(context, { withWarnings: true });
  if (!loaded) return EXIT.failed;
  const embedded = new Embedded({ ...context, log: QUIET });
  const topology = await embedded.provide(loaded);
  try {
    const { prune = false, allowReplace = false, adopt = false, out } = options;
    const permissions = { prune, allowReplace, adopt };
    const looked = await planTopology(topology, permissions);
    const document = planDocument(looked, permissions);
    for (const line of exclusiveLines(topology)) context.printError(line);
    if (out !== undefined) await write(out, document);
    const [address] = topology.broker.addresses;
    const vhost = address ? vhostOf(address) : "/";
    const head = { ...looked, vhost, color: wantsColor(context) };
    context.print(
      context.isJson ? JSON.stringify(document, null, 2) : formatPlan(looked.plan, head),
    );
    return exitOf(looked.plan);
  } finally {
    await embedded.stop();
  }
}

/** @see https://no-color.org */
function wantsColor({ isTerminal, env }: Context): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

async function write(file: string, document: PlanDocument): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(document, null, 2)}\n`);
  } catch (cause) {
    const text = `${quoted(file)} can't be written: ${messageOf(cause)}`;
    throw new WarrenError("plan-unwritable", text, { cause });
  }
}

function exitOf({ hasDifferences, isBlocked }: Plan): number {
  if (!hasDifferences) return EXIT.done;
  return isBlocked ? EXIT.blocked : EXIT.differences;
}
