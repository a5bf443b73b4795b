import type { Place } from "../../errors.ts";
import type { Queue } from "../../topology.ts";
import { certainTargets, type Letter } from "../dead-letter-targets.ts";
import type { Settings } from "./settings.ts";
import type { Subject } from "./subject.ts";

export type Overflow = "drop-head" | "reject-publish" | "reject-publish-dlx";

/** How a queue is bounded; null: it is not. */
export function limitOf(
  settings: Settings,
  queue: Queue,
): { readonly overflow: Overflow; readonly at: Place } | null {
  const limit = settings.of(queue, "max-length") ?? settings.of(queue, "max-length-bytes");
  if (limit === null) return null;
  const said = settings.of(queue, "overflow");
  const overflow = isOverflow(said?.value) ? said.value : "drop-head";
  return {
    overflow,
    // Where warren adds it, the limit is the place to look at.
    get at() {
      return said?.isWritten === true ? said.at : limit.at;
    },
  };
}

/** Of the queues that dead letters come to, one that refuses them when it is full. */
export function refusingTarget({ topology, settings }: Subject, letter: Letter): Queue | null {
  for (const name of certainTargets(topology, letter)) {
    const target = topology.queues[name];
    const limit = target === undefined ? null : limitOf(settings, target);
    if (target !== undefined && limit !== null && limit.overflow !== "drop-head") return target;
  }
  return null;
}

function isOverflow(value: unknown): value is Overflow {
  return value === "drop-head" || value === "reject-publish" || value === "reject-publish-dlx";
}
