/** How much a queue takes before it drops its oldest messages for new ones. */
import type { Arguments } from "../../topology.ts";
import { lookAt } from "./look.ts";
import type { ReplaceRun } from "./run.ts";
import type { Room } from "./sender.ts";

/** null: it takes everything, or refuses what it does not take. */
export function roomOf(run: ReplaceRun, to: Arguments): (() => Promise<Room>) | null {
  const { "x-max-length": length, "x-max-length-bytes": bytes, "x-overflow": overflow } = to;
  if (typeof overflow === "string" && overflow !== "drop-head") return null;
  if (typeof length !== "number" && typeof bytes !== "number") return null;
  return async () => {
    const ready = (await lookAt(run, run.queue))?.ready ?? 0;
    return {
      messages: typeof length === "number" ? Math.max(0, length - ready) : Number.POSITIVE_INFINITY,
      // Nobody can see live how many bytes there are, unless there are none.
      bytes: typeof bytes !== "number" ? Number.POSITIVE_INFINITY : ready === 0 ? bytes : 0,
    };
  };
}
