/** What keeps a schema that a user wrote from being one. */
import type { Ajv } from "ajv";
import { messageOf } from "../errors.ts";
import type { JsonSchema } from "../topology.ts";
import { createAjv, type Draft, FORMATS } from "./check.ts";
import { mapSubschemas } from "./subschemas.ts";
import { toViolations, type Violation } from "./violations.ts";

export type Words = {
  readonly keywords: ReadonlySet<string>;
  readonly formats: ReadonlySet<string>;
};

type Vetting = { readonly ajv: Ajv; readonly words: Words };

// The schema of schemas takes longer to compile than all others: once for each draft.
const vettings = new Map<Draft, Vetting>();

/** Every keyword and every format that a schema of this draft may use. */
export function wordsOf(draft: Draft): Words {
  return vettingOf(draft).words;
}

/** What the schema of schemas has against it: one violation for a place. */
export function schemaViolations(schema: JsonSchema, draft: Draft): readonly Violation[] {
  const { ajv } = vettingOf(draft);
  const { $schema, ...rest } = schema;
  if (ajv.validateSchema(rest) === true) return [];
  const byPlace = new Map<string, Violation>();
  for (const violation of toViolations(ajv.errors ?? [])) {
    if (!byPlace.has(violation.pointer)) byPlace.set(violation.pointer, violation);
  }
  return [...byPlace.values()];
}

/**
 * Why ajv refuses a schema, apart from the schemas in it: it has a keyword without the one that it
 * belongs to, say. The pointer is that of the keyword at fault, where ajv names one.
 */
export function strictViolation(schema: JsonSchema, draft: Draft): Violation | null {
  const { $ref, $schema, $id, ...own } = mapSubschemas(schema, () => true);
  try {
    createAjv(draft, { meta: false, validateSchema: false }).compile(own);
    return null;
  } catch (error) {
    const message = messageOf(error);
    const keyword = Object.keys(own).find((key) => message.includes(`"${key}"`));
    return { pointer: keyword === undefined ? "" : `/${keyword}`, message };
  }
}

function vettingOf(draft: Draft): Vetting {
  const known = vettings.get(draft);
  if (known) return known;
  // The schema of schemas has it, for patterns; those are vetted by what they are run by.
  const ajv = createAjv(draft, { allErrors: true, formats: { regex: true } });
  const keywords = new Set(Object.keys(ajv.RULES.keywords));
  const vetting = { ajv, words: { keywords, formats: new Set<string>(FORMATS) } };
  vettings.set(draft, vetting);
  return vetting;
}
