/**
 * One schema that stands alone, of one that takes parts from other files.
 *
 * What it takes from a file stands in its `$defs`, under the file's path in the folder schemas,
 * followed by the JSON Pointer of the part unless the file is taken whole:
 *
 * | `$ref` in schemas/events/order.placed.json | `$ref` in the bundle                           | key in `$defs`                  |
 * |--------------------------------------------|------------------------------------------------|---------------------------------|
 * | `../common/money.json`                     | `#/$defs/common~1money.json`                   | `common/money.json`             |
 * | `../common/money.json#/$defs/amount`       | `#/$defs/common~1money.json~1$defs~1amount`    | `common/money.json/$defs/amount` |
 * | `#/$defs/line`, its own                    | `#/$defs/line`                                 | `line`                          |
 *
 * So a definition is shared by several files if its key has a `.json` that a `/` follows or nothing
 * (`sharedName` in src/events/subschemas.ts), and the same key means the same schema in every bundle of a project. Each
 * `$ref` of a bundle is a JSON Pointer from its root; `$id` is gone from it.
 */
import { escapePointer } from "../../events/pointer.ts";
import { mapSubschemas } from "../../events/subschemas.ts";
import type { JsonSchema } from "../../topology.ts";
import type { SchemaFile } from "./file.ts";
import type { Target } from "./folder.ts";
import type { Links } from "./links.ts";

export type Bundle = {
  readonly schema: JsonSchema;
  /** How many schemas it holds, each that stands in another one counted. */
  readonly size: number;
};

/** The bundle of a file whose links are sound. */
export function bundle(entry: SchemaFile, links: Links): Bundle {
  let size = 0;
  const shared = new Map<string, Target>();
  const definitions: Record<string, unknown> = {};
  const refer = (target: Target): string => {
    if (target.file === entry) return `#${fragmentOf(target.pointer)}`;
    const key = target.file.name + target.pointer;
    shared.set(key, target);
    return `#/$defs${fragmentOf(`/${escapePointer(key)}`)}`;
  };
  const copy = (at: Target): unknown => {
    size += 1;
    const original = at.file.schemas.get(at.pointer);
    if (typeof original !== "object") return original;
    const target = links.targetOf(at);
    const { $id, ...rest } = mapSubschemas(original, ({ pointer }) =>
      copy({ file: at.file, pointer: at.pointer + pointer }),
    );
    return target === null ? rest : { ...rest, $ref: refer(target) };
  };
  const whole = copy({ file: entry, pointer: "" }) as JsonSchema;
  // The map grows while it is walked through.
  for (const [key, target] of shared) definitions[key] = withoutDefinitions(copy(target));
  if (shared.size === 0) return { schema: whole, size };
  const own = whole.$defs as JsonSchema | undefined;
  return { schema: { ...whole, $defs: { ...own, ...definitions } }, size };
}

/** Those of a shared file that are used have keys of their own. */
function withoutDefinitions(schema: unknown): unknown {
  if (typeof schema !== "object") return schema;
  const { $schema, $defs, definitions, ...rest } = schema as JsonSchema;
  return rest;
}

/** A JSON Pointer as it stands in a URI. */
function fragmentOf(pointer: string): string {
  return encodeURI(pointer).replaceAll("#", "%23").replaceAll("?", "%3F");
}
