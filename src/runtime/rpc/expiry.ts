/**
 * Requests whose caller waits no longer. The broker ends what expires in a queue; of what it has sent
 * ahead it keeps no time any more, and what is left of a caller's time nobody can read off a message.
 * But one that has waited here for all of its `expiration` is over, whatever clock is asked.
 */
import type { ConsumeMessage } from "amqplib";

/** By the monotonic clock: when this delivery is over at the latest; null: never. */
export function expiryOf({ properties }: ConsumeMessage): number | null {
  const expirationMs = Number.parseInt(properties.expiration, 10);
  // With 0 a message is for who has time at once: a slot that is free when it comes is in time.
  return Number.isNaN(expirationMs) ? null : performance.now() + Math.max(1, expirationMs);
}
