/**
 * A message that is delivered once more may have ended the whole process before. In a quorum queue
 * the delivery limit ends it some day; in a classic one the same limit is kept here.
 */
import { NUMBERS } from "../../numbers.ts";
import { isRequeued, type Queue } from "../../topology.ts";
import type { Cause } from "../host/host.ts";
import type { Incoming } from "./incoming.ts";
import type { Received } from "./message.ts";

/**
 * Whether nobody has counted this delivery: quorum queues do it themselves. A full queue of the kind
 * that is left out would dead-letter the copy that counts; and what can't be read ends now.
 */
export function isUncounted({ raw, incoming }: Received, queue: Queue): boolean {
  const { type, arguments: all } = queue;
  const isCountable = type === "classic" && all["x-overflow"] !== "reject-publish-dlx";
  const isReadable = incoming.problem === null;
  return raw.fields.redelivered && isReadable && isCountable && isRequeued(queue);
}

/** Why the message is run no more; null while it may be. */
export function exhaustion({ redeliveries }: Incoming): Cause | null {
  if (redeliveries < NUMBERS.workDeliveryLimit) return null;
  const error = `delivered ${redeliveries + 1} times without an end`;
  return { reason: "handler-crash", error };
}
