/** The schemas of a project now, in another folder, or at a commit. */
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type Problem, quoted, WarrenError } from "../errors.ts";
import type { Contracts, Kind } from "../evolution/contracts.ts";
import { filesIn, loadEvents, unique } from "../loader/events.ts";
import { loadReplies } from "../loader/replies.ts";
import { SchemaFolder } from "../loader/schemas/folder.ts";
import { extract } from "./git.ts";

export type SchemaSide = {
  readonly contracts: Contracts;
  readonly problems: readonly Problem[];
  /** A file of it as a person would name it. */
  readonly shown: (file: string) => string;
};

/** Reads schemas/events and schemas/replies of a schemas folder. */
export function readSchemas(
  folder: string,
  shown: (file: string) => string = (file) => file,
): SchemaSide {
  const files = new SchemaFolder(folder);
  const events = loadEvents(join(folder, "events"), files);
  const replies = loadReplies(join(folder, "replies"), files);
  const problems = unique([...events.problems, ...replies.problems]);
  const unusable = (kind: Kind, name: string, known: object) =>
    filesIn(join(folder, name))
      .filter((one) => !Object.hasOwn(known, one.name))
      .map((one) => {
        const found = problems.find(({ at }) => at.file === one.file) ?? problems[0];
        return { kind, ...one, problem: found?.message ?? "it is no JSON Schema" };
      });
  const unreadable = [
    ...unusable("event", "events", events.schemas),
    ...unusable("reply", "replies", replies.schemas),
  ];
  const contracts = { events: events.schemas, replies: replies.schemas, unreadable };
  return { contracts, problems, shown };
}

/**
 * What the project's schemas are compared with, for as long as `use` takes.
 *
 * @param against a folder (of a project, or of its schemas), else a commit, branch or tag.
 * @throws {WarrenError} bad-argument, git-unusable, unknown-ref
 */
export async function withSchemasOf<T>(
  against: string,
  project: string,
  use: (side: SchemaSide) => Promise<T>,
): Promise<T> {
  if (isDirectory(against)) return await use(readSchemas(schemasIn(against)));
  const folder = await mkdtemp(join(tmpdir(), "warren-schemas-"));
  try {
    await extract(project, { ref: against, name: "schemas", into: folder });
    const shown = (file: string) => `${against}:${relative(folder, file)}`;
    return await use(readSchemas(join(folder, "schemas"), shown));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The folder of schemas: of a project's folder, or the folder itself. */
function schemasIn(folder: string): string {
  if (isDirectory(join(folder, "schemas"))) return join(folder, "schemas");
  const isOfSchemas = ["events", "replies"].some((name) => isDirectory(join(folder, name)));
  if (isOfSchemas) return folder;
  const message = `--against ${quoted(folder)}: no schemas, events or replies in that folder`;
  throw new WarrenError("bad-argument", message);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
