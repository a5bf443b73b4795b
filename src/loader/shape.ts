import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Document } from "./document.ts";
import type { TopologyFile } from "./file.ts";
import { type Finding, findingOf, labelOf, type Quantities, quantityProblem } from "./finding.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { suggest } from "./suggest.ts";

/** Works from src/loader and from dist/loader alike. */
const schemaFile = new URL("../../schemas/topology.schema.json", import.meta.url);

/** More than one keyword can fail for one mistake; the first of these says best what it is. */
const ranks = ["type", "x-quantity", "enum", "const", "pattern"];
const noise = new Set(["anyOf"]);

let compiled: ValidateFunction | undefined;

/**
 * Checks the shape of a file against schemas/topology.schema.json, one finding for each mistake.
 *
 * @returns the file without the values that a finding is about.
 */
export function checkShape(document: Document, value: unknown, report: Report): TopologyFile {
  compiled ??= compile();
  // That of an `if` says only that its `then` or `else` has one as well.
  const errors = compiled(value) ? [] : (compiled.errors ?? []).filter((it) => it.keyword !== "if");
  for (const [pointer, group] of grouped(errors)) {
    if (report.has(pointer)) continue;
    const finding = findingOf(group, pointer, document.positions.get(pointer));
    if (isUnknownTwin(finding, errors, pointer)) continue;
    report[finding.on](finding.code, pointer, finding.message);
  }
  // The schema alone decides what may be there, so this is the one cast.
  return sound(value, "", document, report) as TopologyFile;
}

function compile(): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    verbose: true,
    // A test has done that: to compile the draft's own schema takes longer than all the rest.
    meta: false,
    validateSchema: false,
  });
  ajv.addVocabulary(["x-unit", "x-argument", "x-expects"]);
  ajv.addKeyword({
    keyword: "x-quantity",
    type: "string",
    schemaType: "object",
    validate: (schema: Quantities, data: string) => quantityProblem(schema, data) === null,
  });
  return ajv.compile(JSON.parse(readFileSync(schemaFile, "utf8")));
}

/** Errors by the pointer of what they are about, the best one first. */
function grouped(errors: readonly ErrorObject[]): ReadonlyMap<string, readonly ErrorObject[]> {
  const groups = new Map<string, ErrorObject[]>();
  for (const error of errors) {
    const pointer = subjectOf(error);
    groups.set(pointer, [...(groups.get(pointer) ?? []), error]);
  }
  for (const group of groups.values()) group.sort((a, b) => rank(a) - rank(b));
  return groups;
}

function rank(error: ErrorObject): number {
  if (noise.has(error.keyword)) return ranks.length + 1;
  const index = ranks.indexOf(error.keyword);
  return index === -1 ? ranks.length : index;
}

function subjectOf(error: ErrorObject): string {
  if (error.keyword === "additionalProperties") {
    return join(error.instancePath, error.params.additionalProperty);
  }
  if (error.keyword === "required") return join(error.instancePath, error.params.missingProperty);
  return error.instancePath;
}

/** `handlr: x` is one mistake, though handler is missing as well. */
function isUnknownTwin(finding: Finding, errors: readonly ErrorObject[], pointer: string): boolean {
  if (finding.code !== "missing-key") return false;
  const parent = pointer.slice(0, pointer.lastIndexOf("/"));
  const missing = pointer.slice(parent.length + 1);
  return errors.some(
    (error) =>
      error.keyword === "additionalProperties" &&
      error.instancePath === parent &&
      suggest(error.params.additionalProperty, [missing]) !== null,
  );
}

/** The value without what findings are about; numbers that YAML reads in a surprising way too. */
function sound(value: unknown, pointer: string, document: Document, report: Report): unknown {
  if (typeof value === "number") checkNumber(value, pointer, document, report);
  if (report.has(pointer) && pointer !== "") return undefined;
  if (Array.isArray(value)) {
    return value.map((item, index) => sound(item, join(pointer, index), document, report));
  }
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    copy[key] = sound(item, join(pointer, key), document, report);
  }
  return copy;
}

function checkNumber(value: number, pointer: string, document: Document, report: Report): void {
  const source = document.positions.get(pointer)?.source ?? "";
  const isSurprising = !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(source) && !source.includes("${");
  if (report.has(pointer) || (!isSurprising && Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return;
  report.value(
    "bad-number",
    pointer,
    `${labelOf(pointer)} must be a number in plain digits, found ${source}`,
  );
}
