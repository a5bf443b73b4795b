import type { Arguments, QueueType } from "../../topology.ts";

/** Of a live or a wanted queue; one that says nothing is classic. */
export function queueTypeOf({ arguments: given }: { readonly arguments: Arguments }): QueueType {
  const type = given["x-queue-type"];
  return type === "quorum" || type === "stream" ? type : "classic";
}
