/** Milliseconds of the machine's monotonic clock: the same in every process, and never set. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
