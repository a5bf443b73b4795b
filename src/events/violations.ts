import type { ErrorObject } from "ajv";
import { NUMBERS } from "../numbers.ts";
import { escapePointer } from "./pointer.ts";

/** One thing that is wrong with an event. */
export type Violation = {
  /** JSON Pointer into the event's fields; "" is the whole. */
  readonly pointer: string;
  readonly message: string;
};

/**
 * What ajv found, each finding once: as many as an answer and a header may hold, and in the last
 * one how many are left out.
 */
export function toViolations(errors: readonly ErrorObject[]): readonly Violation[] {
  const violations = new Map<string, Violation>();
  let bytes = 0;
  let leftOut: Set<string> | null = null;
  for (const error of errors) {
    // What is wrong with the name is an error of its own.
    if (error.keyword === "propertyNames") continue;
    if (leftOut !== null) {
      leftOut.add(nameOf(error));
      continue;
    }
    const violation = toViolation(error);
    const text = JSON.stringify(violation);
    if (violations.has(text)) continue;
    bytes += Buffer.byteLength(text) + 1;
    const isFull = violations.size === NUMBERS.maxViolations;
    if (isFull || bytes > NUMBERS.maxViolationsBytes) leftOut = new Set([nameOf(error)]);
    else violations.set(text, violation);
  }
  const listed = [...violations.values()];
  if (leftOut === null) return listed;
  return [...listed, { pointer: "", message: `${leftOut.size} more are not listed` }];
}

/** The same for what would be the same violation; in large bodies there are thousands. */
function nameOf({ instancePath, keyword, params, propertyName = "" }: ErrorObject): string {
  const { missingProperty = "", additionalProperty = "", unevaluatedProperty = "" } = params;
  const property = propertyName || missingProperty || additionalProperty || unevaluatedProperty;
  return `${keyword} ${instancePath}/${property}`;
}

/** A property that is missing or too many is named by the pointer, not by the text. */
function toViolation(error: ErrorObject): Violation {
  const { instancePath, keyword, params, propertyName = null } = error;
  const message = cut(error.message ?? `breaks the rule ${keyword}`);
  if (propertyName !== null) return at(instancePath, propertyName, `its name ${message}`);
  switch (keyword) {
    case "required":
    case "dependentRequired":
    case "dependencies":
      return at(instancePath, params.missingProperty, "must be present");
    case "additionalProperties":
      return at(instancePath, params.additionalProperty, "is not a known field");
    case "unevaluatedProperties":
      return at(instancePath, params.unevaluatedProperty, "is not a known field");
    case "enum":
      return at(instancePath, null, `must be one of ${list(params.allowedValues)}`);
    case "const":
      return at(instancePath, null, `must be ${cut(JSON.stringify(params.allowedValue))}`);
    default:
      return at(instancePath, null, message);
  }
}

function at(path: string, property: string | null, message: string): Violation {
  const pointer = property === null ? path : `${path}/${escapePointer(property)}`;
  return { pointer: cut(pointer), message };
}

/** No more of them than are shown: there may be thousands. */
function list(values: readonly unknown[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const value of values) {
    if (length > MAX_LENGTH) break;
    const text = JSON.stringify(value);
    shown.push(text);
    length += text.length;
  }
  return cut(shown.join(", "));
}

const MAX_LENGTH = 300;

/** Keys and schemas can be long; an answer or a header has to stay short. */
function cut(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH).toWellFormed()}…`;
}
