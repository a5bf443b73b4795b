import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "../errors.ts";
import type { EventSchema } from "../topology.ts";
import { readEventSchema } from "./event-schema.ts";

export type LoadedEvents = {
  /** Every event type that has a file, also one whose schema has problems; sorted. */
  readonly types: readonly string[];
  readonly schemas: Readonly<Record<string, EventSchema>>;
  readonly problems: readonly Problem[];
};

/** At least two words: the first is the group. */
const typeName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;

/** Reads the schemas of a folder, `<event type>.json` each; no folder, no events. */
export function loadEvents(folder: string): LoadedEvents {
  const types: string[] = [];
  const schemas: Record<string, EventSchema> = Object.create(null);
  const problems: Problem[] = [];
  for (const { name: type, file } of filesIn(folder)) {
    if (!typeName.test(type)) {
      const message = `an event type is words of a-z, 0-9, _ and - with dots between, found ${JSON.stringify(type)}`;
      problems.push({ code: "bad-event-schema", message, at: { file, line: 1, column: 1 } });
      continue;
    }
    types.push(type);
    const read = readEventSchema(file);
    if (read.ok) schemas[type] = { type, file, schema: read.schema, version: read.version };
    else problems.push(...read.problems);
  }
  return { types, schemas, problems };
}

/** The JSON files of a folder, each with its name without `.json`; sorted. */
export function filesIn(
  folder: string,
): readonly { readonly name: string; readonly file: string }[] {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  const files = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith(".json"));
  const names = files.map((entry) => entry.name.slice(0, -".json".length)).sort();
  return names.map((name) => ({ name, file: join(folder, `${name}.json`) }));
}
