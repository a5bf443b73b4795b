import type { QueueBlock, TopologyFile } from "./file.ts";
import { checkName } from "./names.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";

/**
 * Finds former names that no queue can be taken over from: each has to be that of one queue which
 * the file no longer declares.
 */
export function checkRenames(file: TopologyFile, report: Report): void {
  const heirs = new Map<string, string>();
  for (const [name, block] of Object.entries(file.queues ?? {})) {
    const was = block?.was;
    if (block === undefined || was === undefined) continue;
    const at = join("/queues", name, "was");
    checkName(was, false, { pointer: at, on: "value" }, report);
    const problem = problemOf(name, block, was, file, heirs);
    if (problem !== null) report.value("bad-rename", at, problem);
    heirs.set(was, name);
  }
}

function problemOf(
  name: string,
  block: QueueBlock,
  was: string,
  file: TopologyFile,
  heirs: ReadonlyMap<string, string>,
): string | null {
  const heir = heirs.get(was);
  const shown = JSON.stringify(was);
  if (was === name) return `${shown} is the queue's own name`;
  if (Object.hasOwn(file.queues ?? {}, was)) return `queue ${shown} is still declared`;
  if (heir !== undefined) return `queue ${shown} is taken over by ${JSON.stringify(heir)} already`;
  if (block.external === true) return "an external queue is never declared, so it takes over none";
  if (block.type === "stream") return "a stream is filled by its bindings alone";
  // Who consumes the new queue empties the old one.
  return block.handler === "none"
    ? `nobody would consume what waits in ${shown}: the queue has no handler`
    : null;
}
