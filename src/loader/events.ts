import { type Dirent, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { formatPlace, type Problem } from "../errors.ts";
import type { EventSchema } from "../topology.ts";
import { readSchema } from "./event-schema.ts";
import { SchemaFolder } from "./schemas/folder.ts";

export type LoadedEvents = {
  /** Every event type that has a file, also one whose schema has problems; sorted. */
  readonly types: readonly string[];
  readonly schemas: Readonly<Record<string, EventSchema>>;
  readonly problems: readonly Problem[];
};

/** At least two words: the first is the group. */
const typeName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;

/**
 * Reads the schemas of a folder, `<event type>.json` each; no folder, no events. They may take
 * parts from files beside the folder, and in folders there.
 *
 * @param files what else is loaded with it has seen the same files by this.
 */
export function loadEvents(
  folder: string,
  files: SchemaFolder = new SchemaFolder(dirname(folder)),
): LoadedEvents {
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
    const read = readSchema(join(basename(folder), `${type}.json`), true, files);
    if (read.ok) schemas[type] = { type, file, schema: read.schema, version: read.version };
    else problems.push(...read.problems);
  }
  return { types, schemas, problems: unique(problems) };
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

/** What several schemas share is wrong once. */
export function unique(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(problems.map((it) => [`${formatPlace(it.at)} ${it.message}`, it]));
  return [...seen.values()];
}
