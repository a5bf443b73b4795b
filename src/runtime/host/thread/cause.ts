/** What a handler threw, as the outcome of its run. */
import { messageOf } from "../../../errors.ts";
import { NUMBERS } from "../../../numbers.ts";
import type { Cause, Outcome } from "../host.ts";
import { namesOf } from "./error-names.ts";

/** By name, so that a handler may use another copy of the package. Never throws, whatever it is. */
export function readFailure(error: unknown): Outcome {
  const { name, message, after } = describe(error);
  if (name === "Reject") {
    return { status: "dead", cause: { reason: "rejected", error: oneLine(message) } };
  }
  const names = namesOf(error);
  const cause: Cause = { reason: "handler-failed", error: oneLine(`${name}: ${message}`), names };
  return name === "Retry" && after !== null
    ? { status: "retry", cause, afterMs: after }
    : { status: "failed", cause };
}

function describe(error: unknown): { name: string; message: string; after: number | null } {
  const message = messageOf(error);
  try {
    if (!(error instanceof Error)) return { name: "thrown", message, after: null };
    return { name: String(error.name), message, after: afterOf(error) };
  } catch {
    return { name: "thrown", message, after: null };
  }
}

/** null: it says none. Outcomes travel as JSON, which has no Infinity. */
function afterOf(error: Error): number | null {
  const after = "after" in error ? error.after : null;
  if (typeof after !== "number" || Number.isNaN(after)) return null;
  return Math.min(Math.max(after, 0), NUMBERS.maxTtlMs);
}

/** At most as long as a header may be, without control characters. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, " ").toWellFormed();
  const bytes = Buffer.from(line);
  if (bytes.length <= NUMBERS.maxHeaderBytes) return line;
  return (
    new TextDecoder().decode(bytes.subarray(0, NUMBERS.maxHeaderBytes - 4)).replace(/\ufffd$/, "") +
    "…"
  );
}
