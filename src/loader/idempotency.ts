import { split } from "../events/pointer.ts";
import { NUMBERS } from "../numbers.ts";
import type { Idempotency } from "../topology.ts";
import type { IdempotencyBlock } from "./file.ts";
import { millisecondsOf } from "./units.ts";

const HEADER = "header ";

/** What a queue, or else defaults, says of repetitions; null: nothing, or none. */
export function resolveIdempotency(block: IdempotencyBlock | undefined): Idempotency | null {
  if (typeof block !== "object" || block.by === undefined) return null;
  return {
    by: readBy(block.by),
    ttlMs: millisecondsOf(block.ttl) ?? NUMBERS.idempotencyTtlMs,
    missing: block.missing ?? "run",
  };
}

/** The schema lets nothing else through. */
function readBy(by: string): Idempotency["by"] {
  if (by === "message_id") return { kind: "message_id" };
  if (by.startsWith(HEADER)) return { kind: "header", name: by.slice(HEADER.length) };
  return { kind: "pointer", path: split(by) };
}
