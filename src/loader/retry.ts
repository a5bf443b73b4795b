import { NUMBERS } from "../numbers.ts";
import type { Retry, RetryPlan } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { millisecondsOf } from "./units.ts";

/** The delay before each retry, in milliseconds; none for `none`. */
export function retryDelaysMs(retry: Retry, pointer: string, report: Report): readonly number[] {
  if (typeof retry === "string") return [];
  if (isList(retry)) return retry.flatMap((delay) => millisecondsOf(delay) ?? []);
  const { retries, initial } = retry;
  const initialMs = millisecondsOf(initial);
  if (retries === undefined || initialMs === undefined) return [];
  return exponential(retries, initialMs, retry, pointer, report);
}

function exponential(
  retries: number,
  initialMs: number,
  { factor = NUMBERS.retryFactor, max }: RetryPlan,
  pointer: string,
  report: Report,
): readonly number[] {
  const maxMs = millisecondsOf(max) ?? Math.max(initialMs, NUMBERS.retryMaxMs);
  if (maxMs < initialMs) {
    report.value("bad-value", join(pointer, "max"), `max ${max} is shorter than the initial delay`);
  }
  return Array.from({ length: retries }, (_, index) =>
    Math.round(Math.min(maxMs, initialMs * factor ** index)),
  );
}

function isList(retry: Exclude<Retry, string>): retry is readonly (string | undefined)[] {
  return Array.isArray(retry);
}
