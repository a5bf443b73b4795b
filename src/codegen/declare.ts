/** A JSON Schema as TypeScript declarations. */
import { compile } from "json-schema-to-typescript";
import { messageOf, WarrenError } from "../errors.ts";
import { isObject } from "../events/encoding.ts";
import type { EventSchema, JsonSchema } from "../topology.ts";
import { pascalCase } from "./names.ts";
import { namingShared, type SharedNames } from "./shared.ts";

/** A schema that becomes a type; `file` names it in errors. */
export type Declared = { readonly file: string; readonly schema: JsonSchema };

/**
 * Declares the schema as the exported type `name`, and what it names inside (definitions, titles)
 * as `name_…`, so that two schemas never declare the same type. What it takes from shared files is
 * named, not declared. The text is not formatted.
 *
 * @throws {WarrenError} `bad-event-schema` if the schema cannot become a type.
 */
export async function declare(
  { file, schema }: Declared,
  name: string,
  shared: SharedNames,
): Promise<string> {
  try {
    return await compile(namingShared(anonymous(schema), shared), name, {
      additionalProperties: false,
      bannerComment: "",
      customName: (inner, definition) => nestedName(name, inner.title ?? definition ?? inner.$id),
      // All declarations are formatted together: one by one takes five times as long.
      format: false,
      ignoreMinAndMaxItems: true,
      $refOptions: { resolve: { external: false } },
    });
  } catch (cause) {
    const message = `${file} cannot become a type: ${messageOf(cause)}`;
    throw new WarrenError("bad-event-schema", message, { cause });
  }
}

/** A type is known by its name alone; a schema that says nothing of its values is no object's. */
function anonymous({ $id, title, ...schema }: JsonSchema): JsonSchema {
  const isOpen = Object.keys(schema).every((key) => annotations.has(key));
  return isOpen ? { ...schema, tsType: "unknown" } : schema;
}

const annotations: ReadonlySet<string> = new Set([
  ...["$schema", "$comment", "$defs", "definitions"],
  ...["description", "default", "examples", "deprecated", "readOnly", "writeOnly"],
]);

/** The schema itself is known by its name alone. */
function nestedName(outer: string, own: string | undefined): string | undefined {
  return own === undefined || own === outer ? own : `${outer}_${pascalCase(own)}`;
}

/** The event with `event_type` first; a `$ref` at its root, which would hide it, moves aside. */
export function withEventType({ type, file, schema }: EventSchema): Declared {
  const { $ref, properties, required, allOf, ...rest } = schema;
  const { event_type, ...fields } = isObject(properties) ? properties : {};
  const parts = [...listOf(allOf), ...($ref === undefined ? [] : [{ $ref }])];
  return {
    file,
    schema: {
      ...rest,
      ...(parts.length > 0 && { allOf: parts }),
      type: "object",
      properties: { event_type: { const: type }, ...fields },
      required: ["event_type", ...listOf(required)],
    },
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
