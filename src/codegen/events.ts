/** An event's JSON Schema as a TypeScript declaration. */
import { compile } from "json-schema-to-typescript";
import { messageOf, WarrenError } from "../errors.ts";
import type { EventSchema, JsonSchema } from "../topology.ts";
import { pascalCase } from "./names.ts";

/**
 * Declares the event as the exported type `name`, and what its schema names inside (definitions,
 * titles) as `name_…`, so that two events never declare the same type.
 *
 * @throws {WarrenError} `bad-event-schema` if the schema cannot become a type.
 */
export async function declareEvent(event: EventSchema, name: string): Promise<string> {
  try {
    return await compile(withEventType(event), name, {
      additionalProperties: false,
      bannerComment: "",
      customName: (schema, definition) =>
        nestedName(name, schema.title ?? definition ?? schema.$id),
      ignoreMinAndMaxItems: true,
      style: { printWidth: 100 },
      $refOptions: { resolve: { external: false } },
    });
  } catch (cause) {
    throw new WarrenError(
      "bad-event-schema",
      `${event.file} cannot become a type: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

/** The event itself is known by its name alone: its title and id are taken off before. */
function nestedName(event: string, own: string | undefined): string | undefined {
  return own === undefined || own === event ? own : `${event}_${pascalCase(own)}`;
}

/** The schema with `event_type` first; a `$ref` at its root, which would hide it, moves aside. */
function withEventType({ type, schema }: EventSchema): JsonSchema {
  const { $id, title, $ref, properties, required, allOf, ...rest } = schema;
  const { event_type, ...fields } = isRecord(properties) ? properties : {};
  const parts = [...listOf(allOf), ...($ref === undefined ? [] : [{ $ref }])];
  return {
    ...rest,
    ...(parts.length > 0 && { allOf: parts }),
    type: "object",
    properties: { event_type: { const: type }, ...fields },
    required: ["event_type", ...listOf(required)],
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
