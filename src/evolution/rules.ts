/** What is compared, and what a difference does to whom: docs/schema-changes.md has the same table. */

type RuleFacts = {
  /** The keywords of JSON Schema that it is about. */
  readonly keywords: readonly string[];
  /** When publishers that run already are refused. */
  readonly publishers: string;
  /** When consumers that run already get what they do not know, or miss what they read. */
  readonly consumers: string;
};

const table = {
  event: {
    keywords: [],
    publishers: "its schema is removed",
    consumers: "its schema is removed",
  },
  reply: {
    keywords: [],
    publishers: "its schema is added",
    consumers: "its schema is removed",
  },
  unreadable: {
    keywords: [],
    publishers: "the old schema can't be read",
    consumers: "the old schema can't be read",
  },
  property: {
    keywords: ["properties"],
    publishers: "it is removed where other fields are not allowed",
    consumers: "it is removed; it is added where other fields were not allowed",
  },
  required: {
    keywords: ["required"],
    publishers: "a field becomes required",
    consumers: "a field becomes optional",
  },
  "other-fields": {
    keywords: ["additionalProperties", "unevaluatedProperties"],
    publishers: "they are no longer allowed",
    consumers: "they become allowed",
  },
  "pattern-fields": {
    keywords: ["patternProperties"],
    publishers: "a pattern is added, or removed where other fields are not allowed",
    consumers: "a pattern is removed, or added where other fields were not allowed",
  },
  "field-names": {
    keywords: ["propertyNames"],
    publishers: "fewer names are allowed",
    consumers: "more names are allowed",
  },
  dependent: {
    keywords: ["dependentRequired", "dependentSchemas", "dependencies"],
    publishers: "a field demands more beside it",
    consumers: "a field demands less beside it",
  },
  type: {
    keywords: ["type"],
    publishers: "fewer types are allowed (integer is a number)",
    consumers: "more types are allowed",
  },
  values: {
    keywords: ["enum", "const"],
    publishers: "a value is no longer allowed",
    consumers: "a value is added, or any becomes allowed",
  },
  limit: {
    keywords: [
      "minimum",
      "maximum",
      "exclusiveMinimum",
      "exclusiveMaximum",
      "minLength",
      "maxLength",
      "minItems",
      "maxItems",
      "minProperties",
      "maxProperties",
    ],
    publishers: "it is tightened",
    consumers: "it is loosened",
  },
  multiple: {
    keywords: ["multipleOf"],
    publishers: "not every multiple of the old is one of the new",
    consumers: "not every multiple of the new is one of the old",
  },
  form: {
    keywords: ["pattern", "format"],
    publishers: "one is added; changed can't be told",
    consumers: "one is removed; changed can't be told",
  },
  unique: {
    keywords: ["uniqueItems"],
    publishers: "items must differ now",
    consumers: "items may be the same now",
  },
  items: {
    keywords: ["items", "prefixItems", "additionalItems", "unevaluatedItems"],
    publishers: "an item is no longer allowed",
    consumers: "an item becomes allowed",
  },
  contains: {
    keywords: ["contains", "minContains", "maxContains"],
    publishers: "more has to be in the list; with maxContains it can't be told",
    consumers: "less has to be in the list; with maxContains it can't be told",
  },
  union: {
    keywords: ["anyOf", "oneOf"],
    publishers: "an alternative is gone or fits in none of the new",
    consumers: "an alternative is added that fits in none of the old",
  },
  condition: {
    keywords: ["not", "if", "then", "else"],
    publishers: "it is added; changed can't be told",
    consumers: "it is removed; changed can't be told",
  },
  schema: {
    keywords: ["$ref", "$dynamicRef"],
    publishers: "nothing is allowed any more; what can't be followed can't be told",
    consumers: "something is allowed where nothing was; what can't be followed can't be told",
  },
  documentation: {
    keywords: ["title", "description", "default", "examples", "deprecated", "$comment"],
    publishers: "never",
    consumers: "never",
  },
} as const satisfies Readonly<Record<string, RuleFacts>>;

export type Rule = keyof typeof table;

/** Every rule, by its name. */
export const RULES: Readonly<Record<Rule, RuleFacts>> = table;
