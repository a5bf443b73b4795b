/** A message in one queue. */
import type { Message } from "../model/message.ts";
import { long, type Table } from "../protocol/fields.ts";

export type Entry = {
  readonly message: Message;
  /** Its place: it came after those with a lower one. */
  readonly number: number;
  /** As the limits of its queue count it. */
  readonly bytes: number;
  /** By the monotonic clock, in milliseconds; null: never. */
  readonly expiresAt: number | null;
  /** How often it came back to this queue, whatever for. */
  returns: number;
  /** How often it came back as failed, here and in the queues where it died before; null: never. */
  failures: number | null;
};

export function isRedelivered(entry: Entry): boolean {
  return acquisitions(entry) > 0;
}

/** What a quorum queue says of a delivery in headers. */
export function annotationsOf(entry: Entry): Table {
  const acquired = acquisitions(entry);
  if (acquired === 0) return [];
  const count: Table = [["x-acquired-count", long(acquired)]];
  return entry.failures === null ? count : [...count, ["x-delivery-count", long(entry.failures)]];
}

function acquisitions({ returns, failures }: Entry): number {
  return returns === 0 ? (failures ?? 0) : returns;
}
