/** An event whose fields stand beside its type. */
import { isObject } from "../events/encoding.ts";
import { split, valueAt } from "../events/pointer.ts";
import type { Reference } from "./components.ts";
import type { JsonObject } from "./json.ts";

/** Keywords that can mind one more property than the fields have. */
const closing = ["additionalProperties", "unevaluatedProperties"];
const minding = [
  ...["propertyNames", "patternProperties", "minProperties", "maxProperties", "const", "enum"],
  ...closing,
];

/**
 * The schema of a flat event, of the component of its fields. The fields are checked without their
 * `event_type`; where a schema of the whole can't say that, this one says less than is checked.
 *
 * @param schemas all components, which references lead to.
 */
export function flatSchema({ $ref }: Reference, type: JsonObject, schemas: JsonObject): JsonObject {
  const fields = lookUp(schemas, $ref);
  if (!isObject(fields)) return type;
  const { additionalProperties, unevaluatedProperties, ...open } = fields;
  if (minds(open, schemas, new Set())) {
    return { ...type, description: `The fields are those of \`${$ref.split("/").at(-1)}\`.` };
  }
  const isClosed = closing.some((keyword) => isMinding(fields, keyword));
  if (!isClosed) return { ...type, allOf: [{ $ref }] };
  const properties = { ...Object(type.properties), ...Object(fields.properties) };
  return { ...fields, ...type, properties };
}

function minds(schema: unknown, schemas: JsonObject, seen: Set<unknown>): boolean {
  if (!isObject(schema) || seen.has(schema)) return false;
  seen.add(schema);
  if (minding.some((keyword) => isMinding(schema, keyword))) return true;
  const { $ref, allOf, anyOf, oneOf, not, if: condition, then, else: otherwise } = schema;
  const pointed = typeof $ref === "string" ? lookUp(schemas, $ref) : undefined;
  const dependent = Object.values(Object(schema.dependentSchemas));
  return [pointed, allOf, anyOf, oneOf, not, condition, then, otherwise, dependent]
    .flat()
    .some((part) => minds(part, schemas, seen));
}

function isMinding(schema: JsonObject, keyword: string): boolean {
  return schema[keyword] !== undefined && schema[keyword] !== true;
}

function lookUp(schemas: JsonObject, $ref: string): unknown {
  const pointer = decodeURIComponent($ref.slice("#/components/schemas".length));
  return valueAt(schemas, split(pointer));
}
