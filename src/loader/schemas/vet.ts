import { type Draft, draftOf } from "../../events/check.ts";
import { schemaViolations, strictViolation, wordsOf } from "../../events/vet.ts";
import { NUMBERS } from "../../numbers.ts";
import type { JsonSchema } from "../../topology.ts";
import { labelOf } from "../finding.ts";
import { join } from "../pointer.ts";
import type { Report } from "../report.ts";
import { didYouMean } from "../suggest.ts";
import type { SchemaFile } from "./file.ts";
import { checkPatterns, countPatterns } from "./patterns.ts";

const drafts = /^https?:\/\/json-schema\.org\/(draft-07\/schema#?|draft\/2020-12\/schema#?)$/;

/** These have a meaning for a whole file alone: what a `$ref` means is decided by files. */
const ofFiles: ReadonlySet<string> = new Set(["$id", "$schema"]);
const unread: ReadonlySet<string> = new Set([
  "$anchor",
  "$dynamicRef",
  "$dynamicAnchor",
  "$recursiveRef",
  "$recursiveAnchor",
]);

/** The draft that a file asks for; null: that of the file which refers to it. */
export function ownDraft({ schemas }: SchemaFile): Draft | null {
  const root = schemas.get("");
  if (typeof root !== "object" || typeof root.$schema !== "string") return null;
  return drafts.test(root.$schema) ? draftOf(root) : null;
}

/** Reports all that is wrong with a file, read by itself. */
export function vetFile({ schemas }: SchemaFile, draft: Draft, report: Report): void {
  let patterns = 0;
  for (const [pointer, schema] of schemas) {
    if (!pointer.isWellFormed()) {
      report.key("bad-event-schema", pointer, "a name has a lone surrogate, as no event has one");
    }
    if (typeof schema === "boolean") continue;
    checkKeywords(schema, pointer, draft, report);
    patterns += countPatterns(schema);
    if (patterns <= NUMBERS.maxPatterns) checkPatterns(schema, pointer, report);
  }
  if (patterns > NUMBERS.maxPatterns) {
    const message = `the file holds ${patterns} patterns, at most ${NUMBERS.maxPatterns} are read`;
    report.value("bad-event-schema", "", message);
  }
  const root = schemas.get("");
  if (typeof root !== "object") return;
  const { $schema } = root;
  if ($schema !== undefined && !(typeof $schema === "string" && drafts.test($schema))) {
    const message = "$schema must be that of draft-07 or of 2020-12";
    report.value("bad-event-schema", "/$schema", `${message}, found ${JSON.stringify($schema)}`);
  }
  for (const { pointer, message } of schemaViolations(root, draft)) {
    if (report.has(pointer)) continue;
    report.value("bad-event-schema", pointer, `${labelOf(pointer)} ${message}`);
  }
}

/** Reports what keeps each of the file's schemas from being compiled. */
export function vetStrictly({ schemas }: SchemaFile, draft: Draft, report: Report): void {
  for (const [pointer, schema] of schemas) {
    const violation = typeof schema === "boolean" ? null : strictViolation(schema, draft);
    if (violation === null) continue;
    report.key("bad-event-schema", pointer + violation.pointer, violation.message);
  }
}

function checkKeywords(schema: JsonSchema, pointer: string, draft: Draft, report: Report): void {
  const { keywords, formats } = wordsOf(draft);
  for (const keyword of Object.keys(schema)) {
    const message = keywordProblem(keyword, pointer === "", keywords);
    if (message !== null) report.key("bad-event-schema", join(pointer, keyword), message);
  }
  const { format } = schema;
  if (typeof format === "string" && !formats.has(format)) {
    const message = `unknown format ${JSON.stringify(format)}${didYouMean(format, [...formats])}`;
    report.value("bad-event-schema", join(pointer, "format"), message);
  }
}

function keywordProblem(
  keyword: string,
  isRoot: boolean,
  keywords: ReadonlySet<string>,
): string | null {
  if (keyword === "$async") return "a schema is checked synchronously, without $async";
  if (unread.has(keyword)) return `${keyword} is not read: a $ref is a path and a JSON Pointer`;
  if (ofFiles.has(keyword) && !isRoot) return `${keyword} may stand at the root of a file alone`;
  if (keywords.has(keyword)) return null;
  return `unknown keyword ${JSON.stringify(keyword)}${didYouMean(keyword, [...keywords])}`;
}
