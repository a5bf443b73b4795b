/** Times in milliseconds as RabbitMQ checks them. */

/** Ten years. */
const MAX_EXPIRY_MS = 315_360_000_000;

/** @returns what is wrong with it, as an Erlang term; null: nothing. */
export function checkExpiry(ms: number | bigint): string | null {
  if (ms < 0) return `{value_negative,${ms}}`;
  if (ms > MAX_EXPIRY_MS) return `{value_too_large,${ms}}`;
  return null;
}
