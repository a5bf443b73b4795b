/** Two schemas and what the comparison of them says: every rule, in both directions. */
import type { Contracts } from "../../src/evolution/contracts.ts";
import { versionOf } from "../../src/loader/schema-version.ts";
import type { JsonSchema } from "../../src/topology.ts";

type Case = readonly [string, JsonSchema, JsonSchema, string, readonly string[]];

/** An event with one field `a`. */
function field(a: unknown, more: JsonSchema = {}): JsonSchema {
  return { type: "object", properties: { a }, ...more };
}

/** Fields without any change but in what is beside them. */
function object(more: JsonSchema): JsonSchema {
  return { type: "object", properties: { a: { type: "string" } }, ...more };
}

const text = { type: "string" };
const A = "/properties/a";

/** A change and the same one backwards, with what each does. */
function bothWays(
  rule: string,
  words: string,
  [narrow, wide]: readonly [JsonSchema, JsonSchema],
  narrowed: readonly string[],
  widened: readonly string[],
): readonly Case[] {
  return [
    [rule, wide, narrow, `${words}, narrowed`, narrowed],
    [rule, narrow, wide, `${words}, widened`, widened],
  ];
}

function limit(keyword: string, type: string, narrow: number, wide?: number): readonly Case[] {
  const of = (value?: number) => field({ type, ...(value !== undefined && { [keyword]: value }) });
  const at = `${A}/${keyword}`;
  return bothWays(
    "limit",
    wide === undefined ? `${keyword} said` : keyword,
    [of(narrow), of(wide)],
    [`limit ${at} b/c`],
    [`limit ${at} c/b`],
  );
}

const card = { type: "object", properties: { kind: { const: "card" } }, required: ["kind"] };
const cash = { type: "object", properties: { kind: { const: "cash" } }, required: ["kind"] };
const vague = { type: "object", properties: { b: text } };
const vaguer = { type: "object", properties: { c: text } };

const conditional: JsonSchema = Object.fromEntries(
  ["if", "then", "else"].map((keyword, index) => [keyword, { required: ["abc"[index]] }]),
);

export const CASES: readonly Case[] = [
  // Fields.
  [
    "property",
    object({}),
    field(text, { properties: { a: text, b: text } }),
    "added",
    ["property /properties/b c/c"],
  ],
  [
    "property",
    field(text, { properties: { a: text, b: text } }),
    object({}),
    "removed",
    ["property /properties/b c/b"],
  ],
  [
    "property",
    object({ additionalProperties: false }),
    {
      type: "object",
      properties: { a: text, b: text },
      additionalProperties: false,
    },
    "added where others are refused",
    ["property /properties/b c/b"],
  ],
  [
    "property",
    {
      type: "object",
      properties: { a: text, b: text },
      additionalProperties: false,
    },
    object({ additionalProperties: false }),
    "removed where others are refused",
    ["property /properties/b b/b"],
  ],
  [
    "property",
    object({ additionalProperties: { type: "integer" } }),
    {
      type: "object",
      properties: { a: text, b: text },
      additionalProperties: { type: "integer" },
    },
    "added where others had a schema",
    ["property /properties/b b/b"],
  ],
  [
    "property",
    object({ required: ["b"] }),
    {
      type: "object",
      properties: { a: text, b: text },
      required: ["b"],
    },
    "described, of a field that was sent already",
    ["property /properties/b b/c"],
  ],
  [
    "property",
    {
      type: "object",
      anyOf: [{ properties: { b: text } }, {}],
    },
    {
      type: "object",
      properties: { b: { type: "integer" } },
      anyOf: [{ properties: { b: text } }, {}],
    },
    "described, of a field that an alternative had",
    ["property /properties/b b/c"],
  ],
  ...bothWays(
    "required",
    "required",
    [object({ required: ["a"] }), object({})],
    ["required /required b/c"],
    ["required /required c/b"],
  ),
  ...bothWays(
    "other-fields",
    "additionalProperties",
    [object({ additionalProperties: false }), object({})],
    ["other-fields /additionalProperties b/c"],
    ["other-fields /additionalProperties c/b"],
  ),
  ...bothWays(
    "other-fields",
    "unevaluatedProperties over allOf",
    [
      { type: "object", allOf: [{ properties: { a: text } }], unevaluatedProperties: false },
      { type: "object", allOf: [{ properties: { a: text } }] },
    ],
    ["other-fields /unevaluatedProperties b/c"],
    ["other-fields /unevaluatedProperties c/b"],
  ),
  [
    "other-fields",
    object({ unevaluatedProperties: false, anyOf: [vague] }),
    object({
      unevaluatedProperties: false,
      anyOf: [vague, vaguer],
    }),
    "unevaluatedProperties beside alternatives",
    ["union /anyOf/1 c/b", "other-fields /unevaluatedProperties u/u"],
  ],
  ...bothWays(
    "type",
    "type of other fields",
    [
      object({ additionalProperties: { type: "integer" } }),
      object({ additionalProperties: { type: "number" } }),
    ],
    ["type /additionalProperties/type b/c"],
    ["type /additionalProperties/type c/b"],
  ),
  [
    "pattern-fields",
    object({}),
    object({ patternProperties: { "^x": text } }),
    "added",
    ["pattern-fields /patternProperties b/c"],
  ],
  [
    "pattern-fields",
    object({ patternProperties: { "^x": text } }),
    object({}),
    "removed",
    ["pattern-fields /patternProperties c/b"],
  ],
  [
    "pattern-fields",
    object({ patternProperties: { "^x": text, "^xy": text } }),
    object({
      patternProperties: { "^x": text, "^xz": text },
    }),
    "several, changed",
    ["pattern-fields /patternProperties u/u"],
  ],
  ...bothWays(
    "type",
    "type of a pattern's fields",
    [
      object({ patternProperties: { "^x": { type: "integer" } } }),
      object({ patternProperties: { "^x": { type: "number" } } }),
    ],
    ["type /patternProperties/^x/type b/c"],
    ["type /patternProperties/^x/type c/b"],
  ),
  ...bothWays(
    "field-names",
    "propertyNames",
    [object({ propertyNames: { maxLength: 3 } }), object({ propertyNames: { maxLength: 5 } })],
    ["field-names /propertyNames b/c"],
    ["field-names /propertyNames c/b"],
  ),
  ...bothWays(
    "dependent",
    "dependentRequired",
    [object({ dependentRequired: { a: ["b"] } }), object({})],
    ["dependent /dependentRequired b/c"],
    ["dependent /dependentRequired c/b"],
  ),
  ...bothWays(
    "dependent",
    "dependencies of draft-07",
    [object({ dependencies: { a: ["b"] } }), object({})],
    ["dependent /dependencies b/c"],
    ["dependent /dependencies c/b"],
  ),
  ...bothWays(
    "dependent",
    "dependentSchemas",
    [object({ dependentSchemas: { a: { required: ["b"] } } }), object({})],
    ["dependent /dependentSchemas b/c"],
    ["dependent /dependentSchemas c/b"],
  ),
  [
    "dependent",
    object({ dependentSchemas: { a: { required: ["b"] } } }),
    object({
      dependentSchemas: { a: { required: ["c"] } },
    }),
    "dependentSchemas changed",
    ["dependent /dependentSchemas u/u"],
  ],

  // Types and values.
  ...bothWays(
    "type",
    "integer and number",
    [field({ type: "integer" }), field({ type: "number" })],
    [`type ${A}/type b/c`],
    [`type ${A}/type c/b`],
  ),
  ...bothWays(
    "type",
    "one and two",
    [field(text), field({ type: ["string", "null"] })],
    [`type ${A}/type b/c`],
    [`type ${A}/type c/b`],
  ),
  ...bothWays(
    "type",
    "one and any",
    [field(text), field({})],
    [`type ${A}/type b/c`],
    [`type ${A}/type c/b`],
  ),
  [
    "type",
    field({ ...text, minLength: 1 }),
    field({ type: "integer" }),
    "another",
    [`type ${A}/type b/b`],
  ],
  [
    "type",
    field({ enum: ["x"] }),
    field({ ...text, enum: ["x"] }),
    "said beside the values",
    [`type ${A}/type c/c`],
  ],
  ...bothWays(
    "values",
    "enum",
    [field({ enum: ["x"] }), field({ enum: ["x", "y"] })],
    [`values ${A}/enum b/c`],
    [`values ${A}/enum c/b`],
  ),
  ...bothWays(
    "values",
    "const of an enum",
    [field({ const: "x" }), field({ enum: ["y", "x"] })],
    [`values ${A}/const b/c`],
    [`values ${A}/enum c/b`],
  ),
  ...bothWays(
    "values",
    "enum of a type",
    [field({ ...text, enum: ["x"] }), field(text)],
    [`values ${A}/enum b/c`],
    [`values ${A}/enum c/b`],
  ),
  [
    "values",
    field({ enum: ["x", "y"] }),
    field({ enum: ["x", "z"] }),
    "others",
    [`values ${A}/enum b/b`],
  ],
  [
    "values",
    field({ type: "boolean" }),
    field({ type: "boolean", enum: [false, true] }),
    "all",
    [`values ${A}/enum c/c`],
  ],

  // How much, how long, of what form.
  ...limit("minimum", "number", 2, 1),
  ...limit("maximum", "number", 1, 2),
  ...limit("exclusiveMinimum", "number", 2, 1),
  ...limit("exclusiveMaximum", "number", 1, 2),
  ...limit("minLength", "string", 2, 1),
  ...limit("maxLength", "string", 1, 2),
  ...limit("minItems", "array", 2, 1),
  ...limit("maxItems", "array", 1),
  ...limit("minProperties", "object", 1),
  ...limit("maxProperties", "object", 1, 2),
  ...bothWays(
    "limit",
    "excluded and included",
    [field({ type: "number", exclusiveMinimum: 0 }), field({ type: "number", minimum: 0 })],
    [`limit ${A}/exclusiveMinimum b/c`],
    [`limit ${A}/minimum c/b`],
  ),
  ...bothWays(
    "multiple",
    "multipleOf",
    [field({ type: "integer", multipleOf: 6 }), field({ type: "integer", multipleOf: 3 })],
    [`multiple ${A}/multipleOf b/c`],
    [`multiple ${A}/multipleOf c/b`],
  ),
  ...bothWays(
    "form",
    "pattern",
    [field({ ...text, maxLength: 9, pattern: "^x" }), field({ ...text, maxLength: 9 })],
    [`form ${A}/pattern b/c`],
    [`form ${A}/pattern c/b`],
  ),
  [
    "form",
    field({ ...text, pattern: "^x" }),
    field({ ...text, pattern: "^y" }),
    "pattern changed",
    [`form ${A}/pattern u/u`],
  ],
  ...bothWays(
    "form",
    "format",
    [field({ ...text, format: "email" }), field(text)],
    [`form ${A}/format b/c`],
    [`form ${A}/format c/b`],
  ),
  [
    "form",
    field({ ...text, format: "uri" }),
    field({ ...text, format: "email" }),
    "format changed",
    [`form ${A}/format u/u`],
  ],

  // Lists.
  ...bothWays(
    "unique",
    "uniqueItems",
    [field({ type: "array", uniqueItems: true }), field({ type: "array" })],
    [`unique ${A}/uniqueItems b/c`],
    [`unique ${A}/uniqueItems c/b`],
  ),
  ...bothWays(
    "items",
    "items",
    [
      field({ type: "array", items: { type: "integer" } }),
      field({ type: "array", items: { type: "number" } }),
    ],
    [`type ${A}/items/type b/c`],
    [`type ${A}/items/type c/b`],
  ),
  ...bothWays(
    "items",
    "prefixItems that end",
    [
      field({ type: "array", prefixItems: [text], items: false }),
      field({ type: "array", prefixItems: [text] }),
    ],
    [`items ${A}/items b/c`],
    [`items ${A}/items c/b`],
  ),
  ...bothWays(
    "items",
    "items of draft-07 that end",
    [
      field({ type: "array", items: [text], additionalItems: false }),
      field({ type: "array", items: [text] }),
    ],
    [`items ${A}/additionalItems b/c`],
    [`items ${A}/additionalItems c/b`],
  ),
  ...bothWays(
    "items",
    "unevaluatedItems",
    [
      field({ type: "array", prefixItems: [text], unevaluatedItems: false }),
      field({ type: "array", prefixItems: [text] }),
    ],
    [`items ${A}/unevaluatedItems b/c`],
    [`items ${A}/unevaluatedItems c/b`],
  ),
  ...bothWays(
    "contains",
    "contains",
    [field({ type: "array", contains: text }), field({ type: "array" })],
    [`contains ${A}/contains b/c`],
    [`contains ${A}/contains c/b`],
  ),
  ...bothWays(
    "contains",
    "minContains",
    [
      field({ type: "array", contains: text, minContains: 2 }),
      field({ type: "array", contains: text }),
    ],
    [`contains ${A}/contains b/c`],
    [`contains ${A}/contains c/b`],
  ),
  [
    "contains",
    field({ type: "array", contains: text, maxContains: 2 }),
    field({
      type: "array",
      contains: text,
      maxContains: 3,
    }),
    "maxContains",
    [`contains ${A}/contains u/u`],
  ],

  // Alternatives and conditions.
  ...bothWays(
    "union",
    "an alternative of anyOf",
    [
      field({ anyOf: [text, { type: "null" }] }),
      field({ anyOf: [text, { type: "null" }, { type: "integer" }] }),
    ],
    [`union ${A}/anyOf/2 b/c`],
    [`union ${A}/anyOf/2 c/b`],
  ),
  ...bothWays(
    "union",
    "an alternative of oneOf, told apart by a constant",
    [field({ oneOf: [card] }), field({ oneOf: [card, cash] })],
    [`union ${A}/oneOf/1 b/c`],
    [`union ${A}/oneOf/1 c/b`],
  ),
  [
    "union",
    field({ oneOf: [vague] }),
    field({ oneOf: [vague, vaguer] }),
    "oneOf that overlaps",
    [`union ${A}/oneOf u/u`],
  ],
  [
    "union",
    field({ anyOf: [text, { type: "null" }] }),
    field({ anyOf: [{ type: "null" }, text] }),
    "another order",
    [],
  ],
  [
    "union",
    field({ anyOf: [text, { type: "null" }] }),
    field({ type: ["string", "null"] }),
    "said as types",
    [`type ${A}/type c/c`, `union ${A}/anyOf c/c`],
  ],
  ...bothWays(
    "union",
    "a field of an alternative",
    [
      field({ oneOf: [{ ...card, required: ["kind", "b"] }, cash] }),
      field({ oneOf: [card, cash] }),
    ],
    [`required ${A}/oneOf/0/required b/c`],
    [`required ${A}/oneOf/0/required c/b`],
  ),
  ...bothWays(
    "condition",
    "not",
    [field({ ...text, not: { const: "x" } }), field(text)],
    [`condition ${A}/not b/c`],
    [`condition ${A}/not c/b`],
  ),
  [
    "condition",
    field({ ...text, not: { const: "x" } }),
    field({ ...text, not: { const: "y" } }),
    "not changed",
    [`condition ${A}/not u/u`],
  ],
  ...bothWays(
    "condition",
    "if",
    [object(conditional), object({})],
    ["condition /if b/c"],
    ["condition /if c/b"],
  ),

  // References.
  ["schema", field(text), field(false), "nothing is valid", [`schema ${A} b/c`]],
  [
    "type",
    field({ $ref: "#/$defs/n" }, { $defs: { n: text } }),
    field(
      { $ref: "#/$defs/m" },
      {
        $defs: { m: { type: ["string", "null"] } },
      },
    ),
    "in a definition of another name",
    [`type ${A}/$ref/type c/b`],
  ],
  ["type", field({ $ref: "#/$defs/n" }, { $defs: { n: text } }), field(text), "written out", []],
  [
    "type",
    field(
      { $ref: "#/$defs/n" },
      {
        $defs: { n: field({ $ref: "#/$defs/n" }, { required: [] }) },
      },
    ),
    field(
      { $ref: "#/$defs/n" },
      {
        $defs: { n: field({ $ref: "#/$defs/n" }, { required: ["a"] }) },
      },
    ),
    "in a definition of itself",
    [`required ${A}/$ref/required b/c`],
  ],
  [
    "schema",
    field({ $dynamicRef: "#n" }, { $defs: { n: { $dynamicAnchor: "n" } } }),
    field(
      {
        $dynamicRef: "#n",
      },
      { $defs: { n: { $dynamicAnchor: "n", type: "string" } } },
    ),
    "a reference that depends",
    [`schema ${A} u/u`],
  ],
  [
    "documentation",
    field({
      ...text,
      title: "A",
      description: "An a.",
      default: "x",
      examples: ["x"],
      $comment: "?",
    }),
    field({ ...text, deprecated: true }),
    "all of it",
    [
      `documentation ${A}/title c/c`,
      `documentation ${A}/description c/c`,
      `documentation ${A}/default c/c`,
      `documentation ${A}/examples c/c`,
      `documentation ${A}/$comment c/c`,
      `documentation ${A}/deprecated c/c`,
    ],
  ],
  [
    "form",
    field({ ...text, format: "email" }),
    field({ allOf: [text, { format: "email" }] }),
    "moved into allOf",
    [],
  ],
];

/** Contracts with these schemas alone. */
export function contractsOf(given: {
  readonly events?: Readonly<Record<string, JsonSchema>>;
  readonly replies?: Readonly<Record<string, JsonSchema>>;
  /** Types of events. */
  readonly unreadable?: readonly string[];
}): Contracts {
  const { events = {}, replies = {}, unreadable = [] } = given;
  const of = (schema: JsonSchema) => ({ schema, file: "x.json", version: versionOf(schema) });
  return {
    events: Object.fromEntries(
      Object.entries(events).map(([type, schema]) => [type, { type, ...of(schema) }]),
    ),
    replies: Object.fromEntries(
      Object.entries(replies).map(([queue, schema]) => [queue, { queue, ...of(schema) }]),
    ),
    unreadable: unreadable.map((name) => {
      return { kind: "event", name, file: "x.json", problem: "this is no JSON" };
    }),
  };
}
