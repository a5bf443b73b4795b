import { digestOf } from "../digest.ts";
import type { JsonSchema } from "../topology.ts";

/** What `EventSchema.version` says of a self-contained schema: the order of its keys is no matter. */
export function versionOf(schema: JsonSchema): string {
  return digestOf(Buffer.from(canonical(schema))).slice(0, 12);
}

/** Two texts that mean the same JSON are the same canonical text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}
