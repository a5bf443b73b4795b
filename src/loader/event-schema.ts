import type { Problem } from "../errors.ts";
import { WarrenError } from "../errors.ts";
import { compileCheck, draftOf } from "../events/check.ts";
import { isObject } from "../events/encoding.ts";
import { sharedName } from "../events/subschemas.ts";
import { NUMBERS } from "../numbers.ts";
import type { JsonSchema } from "../topology.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { versionOf } from "./schema-version.ts";
import { bundle } from "./schemas/bundle.ts";
import type { SchemaFile } from "./schemas/file.ts";
import type { SchemaFolder } from "./schemas/folder.ts";
import { checkCircles, follow, type Links } from "./schemas/links.ts";
import { vetFile, vetStrictly } from "./schemas/vet.ts";

export type ReadSchema =
  | { readonly ok: true; readonly schema: JsonSchema; readonly version: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Sound = { readonly files: readonly SchemaFile[]; readonly read: ReadSchema };

// Compiling takes 10 ms a schema, so one whose files stand as they stood is not compiled again.
const last = new WeakMap<SchemaFile, Sound>();

/**
 * Reads the JSON Schema of an event's fields, or that of a reply, which may be of any type: a
 * bundle of all that it refers to, which the runtime can compile; or every problem of its files.
 *
 * @param name the file's path in the folder.
 */
export function readSchema(name: string, isEvent: boolean, folder: SchemaFolder): ReadSchema {
  const opened = folder.entry(name);
  if (!opened.ok) return opened;
  const { file } = opened;
  const known = last.get(file);
  if (known?.files.every((one) => one === file || folder.isCurrent(one))) return known.read;
  const links = follow(file, folder);
  const read = vet(file, isEvent, links);
  if (read.ok) last.set(file, { files: links.files, read });
  return read;
}

function vet(file: SchemaFile, isEvent: boolean, links: Links): ReadSchema {
  const root = file.schemas.get("");
  const report = links.reports.get(file);
  if (report !== undefined) (isEvent ? checkEvent : checkReply)(root, report);
  const draft = draftOf(isObject(root) ? root : {});
  for (const [one, itsReport] of links.reports) vetFile(one, draft, itsReport);
  checkCircles(links);
  const found = problemsOf(links);
  if (found.length > 0) return { ok: false, problems: found };
  const { schema, size } = bundle(file, links);
  if (size > NUMBERS.maxSchemas) {
    const message = `with what it refers to it holds ${size} schemas, at most ${NUMBERS.maxSchemas} are read`;
    report?.value("bad-event-schema", "", message);
    return { ok: false, problems: problemsOf(links) };
  }
  const refusal = compileProblem(schema, file.file);
  if (refusal === null) return { ok: true, schema, version: versionOf(schema) };
  for (const [one, itsReport] of links.reports) vetStrictly(one, draft, itsReport);
  if (problemsOf(links).length === 0) report?.value("bad-event-schema", "", refusal);
  return { ok: false, problems: problemsOf(links) };
}

function checkEvent(root: unknown, report: Report): void {
  if (!isObject(root) || root.type !== "object") {
    report.value("bad-event-schema", "/type", 'an event is an object: "type" must be "object"');
  }
  if (!isObject(root)) return;
  const { properties } = root;
  if (isObject(properties) && Object.hasOwn(properties, "event_type")) {
    const message = "event_type is not declared: warren adds it";
    report.key("bad-event-schema", "/properties/event_type", message);
  }
  checkDefinitions(root, report);
}

function checkReply(root: unknown, report: Report): void {
  if (isObject(root)) checkDefinitions(root, report);
  else report.value("bad-event-schema", "", "a reply's schema must be an object");
}

/** The bundle has keys of its own beside them. */
function checkDefinitions({ $defs }: JsonSchema, report: Report): void {
  if (!isObject($defs)) return;
  for (const key of Object.keys($defs)) {
    if (sharedName(key) === null) continue;
    const message = `${JSON.stringify(key)} can't be a definition's name: it is that of a file`;
    report.key("bad-event-schema", join("/$defs", key), message);
  }
}

/** Compiled as the runtime will, so that what passes here cannot fail there. */
function compileProblem(schema: JsonSchema, file: string): string | null {
  try {
    compileCheck({ file, schema });
    return null;
  } catch (error) {
    if (!(error instanceof WarrenError)) throw error;
    // Each schema that is referred to is compiled in the midst of the one that refers to it.
    const isTooDeep = error.cause instanceof RangeError;
    return isTooDeep ? "its schemas refer to each other in too long a chain" : error.message;
  }
}

function problemsOf({ reports, problems }: Links): readonly Problem[] {
  const ofReports = [...reports.values()].flatMap((report) => report.problems);
  return [...ofReports, ...problems].map((it) => ({ ...it, code: "bad-event-schema" as const }));
}
