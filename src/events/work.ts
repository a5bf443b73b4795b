/**
 * How much a check may do. A schema can make work without end of a small body: branches of `oneOf`
 * that lead to themselves double it with each level. So every step of a check is counted, and a
 * body that takes too many is refused.
 */
import { _, type Ajv, type KeywordCxt } from "ajv";
import { NUMBERS } from "../numbers.ts";
import type { JsonSchema } from "../topology.ts";
import { mapSubschemas } from "./subschemas.ts";

/** Thrown out of a check that has taken too many steps. */
export class TooMuchWork extends Error {}

export class Work {
  readonly #max: number;
  #left = 0;

  constructor(max: number) {
    this.#max = max;
  }

  begin(): void {
    this.#left = this.#max;
  }

  /** @throws {TooMuchWork} */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooMuchWork();
  }
}

/** In front of everything else that a schema says; its value is what `withWork` works out. */
const KEYWORD = "x-warren-work";

/** What a schema costs by what is checked: each time, for each character, and for each member. */
type Costs = { readonly base: number; readonly character: number; readonly member: number };

/** Lets ajv count what `withWork` has written into a schema. */
export function countWork(ajv: Ajv, work: Work): void {
  ajv.addKeyword({
    keyword: KEYWORD,
    schemaType: "object",
    before: "$ref",
    code: ({ gen, data, schema }: KeywordCxt) => {
      const { base, character, member } = schema as Costs;
      const counter = gen.scopeValue("keyword", { ref: work });
      gen.code(_`${counter}.spend(${base})`);
      if (character > 0) {
        gen.if(_`typeof ${data} === "string"`, () =>
          gen.code(_`${counter}.spend(${data}.length * ${character})`),
        );
      }
      if (member > 0) {
        gen.if(_`Array.isArray(${data})`, () =>
          gen.code(_`${counter}.spend(${data}.length * ${member})`),
        );
        gen.if(_`typeof ${data} === "object" && ${data} !== null && !Array.isArray(${data})`, () =>
          gen.code(_`${counter}.spend(Object.keys(${data}).length * ${member})`),
        );
      }
    },
  });
}

/** A copy of a schema in which each part says what it costs. */
export function withWork(schema: JsonSchema): JsonSchema {
  const copy = mapSubschemas(schema, ({ schema: part }) =>
    typeof part === "boolean" ? part : withWork(part),
  );
  return { ...copy, [KEYWORD]: costsOf(schema) };
}

/**
 * A branch, a required field, a property are a step each; so are eight characters that are counted
 * or held against a pattern, and each that is held against a format.
 */
function costsOf(schema: JsonSchema): Costs {
  const has = (...keys: string[]) => keys.some((key) => Object.hasOwn(schema, key));
  const count = (...keys: string[]) =>
    keys.reduce((sum, key) => sum + Object.keys(Object(schema[key])).length, 0);
  const patterns = count("patternProperties");
  const goesThrough = has(
    ...["items", "contains", "uniqueItems", "unevaluatedItems", "additionalItems"],
    ...["additionalProperties", "unevaluatedProperties", "propertyNames", "patternProperties"],
    ...["maxProperties", "minProperties"],
  );
  return {
    base: 1 + count("properties", "required", "allOf", "anyOf", "oneOf", "prefixItems"),
    character: characterCost(schema),
    member: goesThrough ? 1 + 2 * patterns : 0,
  };
}

/** Formats of what may be long: they are read once, from the start to the end. */
const LONG_FORMATS: readonly unknown[] = ["byte", "binary", "password"];

function characterCost({ format, pattern, minLength, maxLength }: JsonSchema): number {
  if (format !== undefined && !LONG_FORMATS.includes(format)) return 1;
  return [format, pattern, minLength, maxLength].some((value) => value !== undefined) ? 1 / 8 : 0;
}

/** Of a check that stops at the first mistake, and of one that lists them, which takes longer. */
export const createWork = (isListing: boolean): Work =>
  new Work(isListing ? NUMBERS.maxListingSteps : NUMBERS.maxCheckSteps);
