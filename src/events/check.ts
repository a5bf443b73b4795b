import { Ajv, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { messageOf, WarrenError } from "../errors.ts";
import type { EventSchema, JsonSchema } from "../topology.ts";
import { boundUniqueItems, guardPattern } from "./keywords.ts";
import { toViolations, type Violation } from "./violations.ts";

/** An event's schema, ready to check fields with. */
export type EventCheck = {
  /** The schema has a property `data` of its own, so `data` does not make an envelope. */
  readonly hasData: boolean;
  readonly violations: Check;
};

/** Up to this size all that is wrong is named; in more, a list of it could take too long. */
const MAX_DETAILED_BYTES = 64 * 1024;

/**
 * Compiles the schema of an event as the loader has passed it: 2020-12, or draft-07 if its `$schema`
 * says so. Nothing in the fields is coerced, filled in or removed.
 */
export function compileCheck({ schema, file }: Omit<EventSchema, "version">): EventCheck {
  const known = checks.get(schema);
  if (known) return known;
  const violations = createCheck((options) => compile(schema, options, file));
  const check = { hasData: hasProperty(schema, "data"), violations };
  checks.set(schema, check);
  return check;
}

// What the loader has compiled to find mistakes serves the runtime.
const checks = new WeakMap<JsonSchema, EventCheck>();

/** Empty if the value is valid. `bytes` is the size of what it was read from. */
export type Check = (value: unknown, bytes: number) => readonly Violation[];

/**
 * A check that stops at the first mistake, and goes through a value that has one once more for all
 * of them. The second way is compiled when it is needed.
 */
export function createCheck(compile: (options: Options) => ValidateFunction): Check {
  const isValid = compile({ allErrors: false });
  let listAll: ValidateFunction | undefined;
  return (value, bytes) => {
    if (isValid(value)) return [];
    const first = isValid.errors ?? [];
    if (bytes > MAX_DETAILED_BYTES) return toViolations(first);
    listAll ??= compile({ allErrors: true });
    listAll(value);
    return toViolations([...first, ...(listAll.errors ?? [])]);
  };
}

function compile(schema: JsonSchema, options: Options, file: string): ValidateFunction {
  const ajv = createAjv(draftOf(schema), { meta: false, validateSchema: false, ...options });
  if (options.allErrors) guardPattern(ajv);
  try {
    return ajv.compile(schema);
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
    logger: false,
    ...options,
  });
  formats.default(ajv);
  boundUniqueItems(ajv);
  return ajv;
}

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
  return decodeURIComponent($ref.slice(1))
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root);
}
