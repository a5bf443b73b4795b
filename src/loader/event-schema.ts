import { type Place, type Problem, WarrenError } from "../errors.ts";
import { vetSchema } from "../events/check.ts";
import { isObject } from "../events/encoding.ts";
import type { JsonSchema } from "../topology.ts";
import { parse } from "./document.ts";
import { jsonErrorOffset } from "./json.ts";
import { isCatastrophic } from "./pattern.ts";
import { join } from "./pointer.ts";
import { Report } from "./report.ts";
import { versionOf } from "./schema-version.ts";
import { placeAt, readSource } from "./source.ts";

export type ReadSchema =
  | { readonly ok: true; readonly schema: JsonSchema; readonly version: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What stands under these is data, not schema. */
const dataKeywords: ReadonlySet<string> = new Set(["const", "enum", "default", "examples"]);

// Compiling takes 10 ms a schema, so a file that stands as it stood is not compiled again.
const last = new Map<string, { readonly text: string; readonly read: ReadSchema }>();

/** Reads the JSON Schema of an event's fields; it must compile strictly and stand alone. */
export function readEventSchema(file: string): ReadSchema {
  return read(file, true);
}

/** Reads the JSON Schema of a reply, which may be of any type. */
export function readReplySchema(file: string): ReadSchema {
  return read(file, false);
}

function read(file: string, isEvent: boolean): ReadSchema {
  const source = readSource(file);
  if (!source.ok) return failed(source.problem.message, source.problem.at);
  const { text } = source;
  const known = last.get(file);
  if (known?.text === text) return known.read;
  const schema = readSchema(file, text, isEvent);
  last.set(file, { text, read: schema });
  return schema;
}

function readSchema(file: string, text: string, isEvent: boolean): ReadSchema {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch {
    return failed("this is no JSON", placeAt(file, text, jsonErrorOffset(text)));
  }
  const parsed = parse(file, text);
  if (!parsed.ok) return { ok: false, problems: parsed.problems.map(asSchemaProblem) };
  const report = new Report(parsed.document);
  if (isEvent && (!isObject(schema) || schema.type !== "object")) {
    report.value("bad-event-schema", "/type", 'an event is an object: "type" must be "object"');
  }
  if (!isEvent && !isObject(schema)) report.value("bad-event-schema", "", "must be an object");
  if (isObject(schema)) check(schema, file, isEvent, report);
  if (report.problems.length > 0) {
    return { ok: false, problems: report.problems.map(asSchemaProblem) };
  }
  return isObject(schema)
    ? { ok: true, schema, version: versionOf(schema) }
    : failed("", placeAt(file, "", 0));
}

function check(schema: JsonSchema, file: string, isEvent: boolean, report: Report): void {
  const { properties } = schema;
  if (isEvent && isObject(properties) && Object.hasOwn(properties, "event_type")) {
    const message = "event_type is not declared: warren adds it";
    report.key("bad-event-schema", "/properties/event_type", message);
  }
  if (Object.hasOwn(schema, "$async")) {
    report.key("bad-event-schema", "/$async", "a schema is checked synchronously, without $async");
  }
  walk(schema, "", report);
  if (report.problems.length === 0) compile(schema, file, report);
}

function walk(value: unknown, pointer: string, report: Report): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      walk(item, join(pointer, index), report);
    });
  }
  if (!isObject(value)) return;
  const { $ref: reference, pattern, maxLength } = value;
  if (typeof reference === "string" && !reference.startsWith("#")) {
    const message = `$ref ${JSON.stringify(reference)} leads out of the file`;
    report.value("bad-event-schema", join(pointer, "$ref"), message);
  }
  if (typeof pattern === "string") {
    checkPattern(pattern, typeof maxLength === "number", join(pointer, "pattern"), report);
  }
  for (const [key, item] of Object.entries(value)) {
    if (!dataKeywords.has(key)) walk(item, join(pointer, key), report);
  }
}

/** A pattern runs on what strangers send, on the thread that serves everybody. */
function checkPattern(pattern: string, isBounded: boolean, at: string, report: Report): void {
  if (!isBounded) {
    report.key("bad-event-schema", at, "a pattern needs maxLength beside it, to bound its time");
  }
  if (isCatastrophic(pattern)) {
    const message = `pattern ${JSON.stringify(pattern)} takes exponential time on some texts`;
    report.value("bad-event-schema", at, message);
  }
}

/** Compiled as the runtime will, so that what passes here cannot fail there. */
function compile(schema: JsonSchema, file: string, report: Report): void {
  try {
    vetSchema({ type: "", file, schema });
  } catch (error) {
    if (!(error instanceof WarrenError)) throw error;
    const { message } = error;
    const [, path] = /^schema is invalid: data(\/\S*)/.exec(message) ?? [];
    const [, fragment = ""] = /at "[^"#]*#([^"]*)"/.exec(message) ?? [];
    report.value("bad-event-schema", path ?? decodeURIComponent(fragment), message);
  }
}

function asSchemaProblem(problem: Problem): Problem {
  return { ...problem, code: "bad-event-schema" };
}

function failed(message: string, at: Place): ReadSchema {
  return { ok: false, problems: [{ code: "bad-event-schema", message, at }] };
}
