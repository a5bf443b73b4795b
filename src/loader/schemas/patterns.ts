import { isObject } from "../../events/encoding.ts";
import type { JsonSchema } from "../../topology.ts";
import { isCatastrophic } from "../pattern.ts";
import { join } from "../pointer.ts";
import type { Report } from "../report.ts";

/** A pattern runs on what strangers send, on the thread that serves everybody. */
export function checkPatterns(schema: JsonSchema, pointer: string, report: Report): void {
  const { pattern, maxLength, patternProperties } = schema;
  if (isObject(patternProperties)) {
    for (const key of Object.keys(patternProperties)) {
      check(key, join(pointer, "patternProperties", key), report);
    }
  }
  if (typeof pattern !== "string") return;
  const at = join(pointer, "pattern");
  if (typeof maxLength !== "number") {
    report.key("bad-event-schema", at, "a pattern needs maxLength beside it, to bound its time");
  }
  check(pattern, at, report);
}

function check(pattern: string, at: string, report: Report): void {
  const problem = isCatastrophic(pattern)
    ? "takes exponential time on some texts"
    : syntaxProblem(pattern);
  if (problem === null) return;
  const message = `pattern ${JSON.stringify(pattern)} ${problem}`;
  if (at.endsWith("/pattern")) report.value("bad-event-schema", at, message);
  else report.key("bad-event-schema", at, message);
}

function syntaxProblem(pattern: string): string | null {
  try {
    void new RegExp(pattern, "u");
    return null;
  } catch {
    return "is no regular expression";
  }
}
