import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";

/** `what` names the state that is waited for, as a sentence in the failure. */
export type WaitOptions = {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  readonly what: string;
};

/** A test that is to fail need not wait as long. */
const DEFAULT_MS = Number(process.env.WARREN_WAIT_MS ?? 60_000);

/** What a condition says while it does not hold yet; every other value means that it holds. */
type NotYet = false | undefined | null;

/**
 * Polls until `condition` gives a value other than false, null or undefined, and returns it.
 * A condition that throws has not come true; its error is shown if time runs out.
 *
 * To have the last seen value in the failure, pass `seen(value)` from the condition.
 *
 * What must happen soon is measured where it happens; this only bounds a wait that would never end.
 *
 * @throws {Error} after `timeoutMs` (default 60 s), with what was waited for and the last seen value.
 */
export async function waitFor<T>(
  condition: (seen: <V>(value: V) => V) => T | NotYet | Promise<T | NotYet>,
  { timeoutMs = DEFAULT_MS, everyMs = 20, what }: WaitOptions,
): Promise<T> {
  let last: unknown;
  const seen = <V>(value: V): V => {
    last = value;
    return value;
  };
  for (const deadline = performance.now() + timeoutMs; ; await delay(everyMs)) {
    try {
      const value = await condition(seen);
      if (value !== false && value !== undefined && value !== null) return value;
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${inspect(last)}`);
    }
  }
}
