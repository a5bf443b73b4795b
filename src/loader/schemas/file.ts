import type { Place, Problem } from "../../errors.ts";
import { isObject } from "../../events/encoding.ts";
import { subschemasOf } from "../../events/subschemas.ts";
import { NUMBERS } from "../../numbers.ts";
import type { JsonSchema } from "../../topology.ts";
import { type Document, parse } from "../document.ts";
import { jsonErrorOffset } from "../json.ts";
import { placeAt } from "../source.ts";

/** A file of JSON Schema, and where each schema in it stands. */
export type SchemaFile = {
  /** As the user would write it. */
  readonly file: string;
  /** Its path in the folder schemas: `common/money.json`. */
  readonly name: string;
  readonly document: Document;
  /** By JSON Pointer, in the order in which they are written; "" is the whole. */
  readonly schemas: ReadonlyMap<string, JsonSchema | boolean>;
};

export type ReadFile =
  | { readonly ok: true; readonly file: SchemaFile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads the text of a schema's file. */
export function parseSchemaFile(file: string, name: string, text: string): ReadFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("this is no JSON", placeAt(file, text, jsonErrorOffset(text)));
  }
  const parsed = parse(file, text);
  if (!parsed.ok) return { ok: false, problems: parsed.problems.map(asSchemaProblem) };
  const { document } = parsed;
  const schemas = new Map<string, JsonSchema | boolean>();
  if (isObject(value) || typeof value === "boolean") collect(value, "", schemas);
  if (schemas.size > NUMBERS.maxSchemas) {
    const message = `the file holds ${schemas.size} schemas, at most ${NUMBERS.maxSchemas} are read`;
    return refuse(message, document.place(0));
  }
  return { ok: true, file: { file, name, document, schemas } };
}

/** Whatever is wrong with the text of a schema is wrong with the schema. */
export function asSchemaProblem(problem: Problem): Problem {
  return { ...problem, code: "bad-event-schema" };
}

function collect(
  schema: JsonSchema | boolean,
  pointer: string,
  schemas: Map<string, JsonSchema | boolean>,
): void {
  schemas.set(pointer, schema);
  if (typeof schema === "boolean") return;
  for (const { pointer: inner, schema: subschema } of subschemasOf(schema)) {
    collect(subschema, pointer + inner, schemas);
  }
}

function refuse(message: string, at: Place): ReadFile {
  return { ok: false, problems: [{ code: "bad-event-schema", message, at }] };
}
