import { quoted } from "../../errors.ts";
import { isObject } from "../../events/encoding.ts";
import { checkPattern } from "../../events/pattern/pattern.ts";
import type { JsonSchema } from "../../topology.ts";
import { join } from "../pointer.ts";
import type { Report } from "../report.ts";

/** How many patterns a schema has, apart from the schemas in it. */
export function countPatterns({ pattern, patternProperties }: JsonSchema): number {
  const keys = isObject(patternProperties) ? Object.keys(patternProperties).length : 0;
  return keys + (typeof pattern === "string" ? 1 : 0);
}

/** A pattern runs on what strangers send, on the thread that serves everybody. */
export function checkPatterns(schema: JsonSchema, pointer: string, report: Report): void {
  const { pattern, patternProperties } = schema;
  if (isObject(patternProperties)) {
    for (const key of Object.keys(patternProperties)) {
      const problem = problemOf(key);
      const at = join(pointer, "patternProperties", key);
      if (problem !== null) report.key("bad-event-schema", at, problem);
    }
  }
  const problem = typeof pattern === "string" ? problemOf(pattern) : null;
  if (problem !== null) report.value("bad-event-schema", join(pointer, "pattern"), problem);
}

function problemOf(pattern: string): string | null {
  const problem = checkPattern(pattern);
  return problem === null ? null : `pattern ${quoted(pattern)} ${problem}`;
}
