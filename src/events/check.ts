import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { messageOf, WarrenError } from "../errors.ts";
import { NUMBERS } from "../numbers.ts";
import type { EventSchema, JsonSchema } from "../topology.ts";
import { boundEnum, boundUniqueItems } from "./keywords.ts";
import { compilePattern } from "./pattern/pattern.ts";
import { split, valueAt } from "./pointer.ts";
import { toViolations, type Violation } from "./violations.ts";
import { countWork, createWork, TooMuchWork, type Work, withWork } from "./work.ts";

/** An event's schema, ready to check fields with. */
export type EventCheck = {
  /** The schema has a property `data` of its own, so `data` does not make an envelope. */
  readonly hasData: boolean;
  readonly violations: Check;
};

/**
 * Compiles the schema of an event, or of a reply, as the loader has passed it: 2020-12, or draft-07 if its `$schema`
 * says so. Nothing in the fields is coerced, filled in or removed.
 */
export function compileCheck({ schema, file }: Pick<EventSchema, "schema" | "file">): EventCheck {
  const known = checks.get(schema);
  if (known) return known;
  const violations = createCheck((options, work) => compile(schema, options, work, file));
  const check = { hasData: hasProperty(schema, "data"), violations };
  checks.set(schema, check);
  return check;
}

// What the loader has compiled to find mistakes serves the runtime.
const checks = new WeakMap<JsonSchema, EventCheck>();

/** Empty if the value is valid. */
export type Check = (value: unknown) => readonly Violation[];

/**
 * A check that stops at the first mistake, and goes through a value that has one once more for all
 * of them. The second way is compiled when it is needed, and given up where it would take too long.
 */
export function createCheck(compile: Compile): Check {
  const first = bounded(compile, false);
  let all: Bounded | undefined;
  return (value) => {
    const errors = first(value);
    if (typeof errors === "string") return [{ pointer: "", message: errors }];
    if (errors.length === 0) return [];
    all ??= listing(compile);
    const more = all(value);
    if (typeof more !== "string") return toViolations([...errors, ...more]);
    return [...toViolations(errors), { pointer: "", message: NOT_ALL }];
  };
}

const NOT_ALL = "there may be more: to find them all takes too long";
const TOO_MUCH = `takes more than ${NUMBERS.maxCheckSteps} steps to check`;
const FAULTY = "can't be checked: ajv fails at it with this schema";

/** What is wrong; in words where it can't be found out. */
type Bounded = (value: unknown) => readonly ErrorObject[] | string;
type Compile = (options: Options, work: Work) => ValidateFunction;

/** A check that never throws: what can't be checked is refused, as what is wrong. */
function bounded(compile: Compile, allErrors: boolean): Bounded {
  const work = createWork(allErrors);
  const validate = compile({ allErrors }, work);
  return (value) => {
    work.begin();
    try {
      return validate(value) ? [] : (validate.errors ?? []);
    } catch (error) {
      // Too much for the stack is too much as well.
      const isTooMuch = error instanceof TooMuchWork || error instanceof RangeError;
      return isTooMuch ? TOO_MUCH : FAULTY;
    }
  };
}

/** One that lists all mistakes; nested to the limit it may be too much for ajv, though the first was not. */
function listing(compile: Compile): Bounded {
  try {
    return bounded(compile, true);
  } catch {
    return () => NOT_ALL;
  }
}

function compile(schema: JsonSchema, options: Options, work: Work, file: string): ValidateFunction {
  const ajv = createAjv(draftOf(schema), { meta: false, validateSchema: false, ...options });
  countWork(ajv, work);
  try {
    return ajv.compile(withWork(schema) as JsonSchema);
  } catch (cause) {
    throw refusal(file, cause);
  }
}

/** What a schema is read as. */
export type Draft = typeof Ajv | typeof Ajv2020;

/** By its `$schema`; without one 2020-12. */
export function draftOf(schema: JsonSchema): Draft {
  return String(schema.$schema ?? "").includes("draft-07") ? Ajv : Ajv2020;
}

/** Strict, and with what bounds its work; the same for every schema of a project. */
export function createAjv(draft: Draft, options: Options): Ajv {
  const ajv = new draft({
    strict: true,
    // These three ask for a style of schema; that it can't be misread is what matters here.
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    ownProperties: true,
    code: { regExp },
    logger: false,
    ...options,
  });
  formats.default(ajv, [...FORMATS]);
  boundUniqueItems(ajv);
  boundEnum(ajv);
  return ajv;
}

/** What a schema may use: not `url`, which takes quadratic time, nor `regex`, which compiles what strangers send. */
export const FORMATS = [
  ...(["date", "time", "date-time", "iso-time", "iso-date-time", "duration", "email"] as const),
  ...(["hostname", "ipv4", "ipv6", "uri", "uri-reference", "uri-template", "uuid"] as const),
  ...(["json-pointer", "json-pointer-uri-fragment", "relative-json-pointer"] as const),
  ...(["byte", "int32", "int64", "float", "double", "password", "binary"] as const),
];

const regExp = Object.assign(compilePattern, { code: "compilePattern" });

function refusal(file: string, cause: unknown): WarrenError {
  return new WarrenError("bad-event-schema", messageOf(cause), {
    at: { file, line: 1, column: 1 },
    cause,
  });
}

/** Whether the schema names a property of its object, also through local references and unions. */
function hasProperty(root: JsonSchema, name: string): boolean {
  const seen = new Set<unknown>();
  const search = (schema: unknown): boolean => {
    if (typeof schema !== "object" || schema === null || seen.has(schema)) return false;
    seen.add(schema);
    const { properties, $ref, allOf, anyOf, oneOf } = schema as JsonSchema;
    if (typeof properties === "object" && properties !== null && Object.hasOwn(properties, name)) {
      return true;
    }
    return [resolve(root, $ref), allOf, anyOf, oneOf].flat().some(search);
  };
  return search(root);
}

function resolve(root: JsonSchema, $ref: unknown): unknown {
  if (typeof $ref !== "string" || !$ref.startsWith("#")) return undefined;
  return valueAt(root, split(decodeURIComponent($ref.slice(1))));
}
