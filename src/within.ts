import { setTimeout as sleep } from "node:timers/promises";

/** What a promise resolves to, or `late` if it hasn't after `ms` milliseconds. */
export async function within<T>(promise: Promise<T>, ms: number, late: T): Promise<T> {
  const limit = new AbortController();
  const timer = sleep(ms, late, { signal: limit.signal }).catch(() => late);
  try {
    return await Promise.race([promise, timer]);
  } finally {
    limit.abort();
  }
}
