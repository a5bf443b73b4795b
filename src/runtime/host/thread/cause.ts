/** What a handler threw, as the outcome of its run. */
import { NUMBERS } from "../../../numbers.ts";
import type { Cause, Outcome } from "../host.ts";

/** By name, so that a handler may use another copy of the package. */
export function readFailure(error: unknown): Outcome {
  const { name, message, after } = describe(error);
  if (name === "Reject") {
    return { status: "dead", cause: { reason: "rejected", error: oneLine(message) } };
  }
  const cause: Cause = { reason: "handler-failed", error: oneLine(`${name}: ${message}`) };
  return name === "Retry" && after !== null
    ? { status: "retry", cause, afterMs: after }
    : { status: "failed", cause };
}

function describe(error: unknown): { name: string; message: string; after: number | null } {
  if (!(error instanceof Error)) return { name: "thrown", message: String(error), after: null };
  const after = "after" in error && typeof error.after === "number" ? error.after : null;
  return { name: error.name, message: error.message, after };
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
