import { sample } from "openapi-sampler";
import { compileCheck } from "../events/check.ts";
import { isObject } from "../events/encoding.ts";
import type { EventSchema, ReplySchema } from "../topology.ts";
import { hasReference } from "./json.ts";

/** Deeper schemas get no deeper example. */
const MAX_DEPTH = 8;

/** An example that asks for more of something is no help to a reader. */
const MAX_COUNT = 1_000;

/**
 * A value that the schema takes: the first valid one of its own `examples`, or else one that is
 * made up from it, with all fields if possible; the same for the same schema.
 *
 * @returns undefined if none was found: one can't be made up for every pattern and condition.
 */
export function exampleOf(schema: EventSchema | ReplySchema): unknown {
  const known = examples.get(schema);
  if (known !== undefined) return known.value;
  const { violations } = compileCheck(
    "type" in schema ? schema : { ...schema, type: schema.queue },
  );
  const value = candidates(schema).find(
    (one) => !hasReference(one) && violations(one).length === 0,
  );
  examples.set(schema, { value });
  return value;
}

// Both documents ask for the same ones.
const examples = new WeakMap<EventSchema | ReplySchema, { readonly value: unknown }>();

function candidates({ schema }: EventSchema | ReplySchema): readonly unknown[] {
  const own = Array.isArray(schema.examples) ? schema.examples : [];
  const made = isSmall(schema)
    ? [{}, { skipNonRequired: true }].flatMap((options) => makeUp(schema, options))
    : [];
  return [...own, ...made, {}];
}

function makeUp(schema: EventSchema["schema"], options: object): readonly unknown[] {
  const all = { quiet: true, enablePatterns: true, maxSampleDepth: MAX_DEPTH, ...options };
  try {
    // Through JSON, so that nothing of the schema itself is in it.
    return [JSON.parse(JSON.stringify(sample(schema, all, schema)))];
  } catch {
    return [];
  }
}

/** Whether nothing in the schema asks for a value of a size that nobody reads. */
function isSmall(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isSmall);
  if (!isObject(value)) return true;
  const { minLength, minItems, pattern } = value;
  const isLong = [minLength, minItems].some((min) => typeof min === "number" && min > MAX_COUNT);
  const isRepeated = typeof pattern === "string" && /\{\d{4}/.test(pattern);
  return !isLong && !isRepeated && Object.values(value).every(isSmall);
}
