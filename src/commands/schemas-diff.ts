import { dirname, join } from "node:path";
import { counted } from "../counted.ts";
import { comparePlaces, EXIT, WarrenError } from "../errors.ts";
import { type Context, reportProblems } from "./command.ts";
import { readSchemas, withSchemasOf } from "./schema-sides.ts";
import { diffDocument } from "./schemas-document.ts";
import { formatDiff } from "./schemas-text.ts";

export type SchemasDiffOptions = {
  /** A folder, or a commit, branch or tag. */
  readonly against: string;
};

/**
 * Says how the project's schemas differ from those of a commit or a folder, and whom that breaks.
 *
 * @returns 0: whoever runs already can go on.
 * @throws {WarrenError} schemas-breaking, after the changes; bad-argument, git-unusable, unknown-ref
 */
export async function schemasDiff(
  context: Context,
  { against }: SchemasDiffOptions,
): Promise<number> {
  const project = dirname(context.file);
  const now = readSchemas(join(project, "schemas"));
  if (now.problems.length > 0) {
    reportProblems(context, [...now.problems].sort(comparePlaces));
    return EXIT.failed;
  }
  const document = await withSchemasOf(against, project, async (old) =>
    diffDocument(against, old, now),
  );
  context.print(context.isJson ? JSON.stringify(document, null, 2) : formatDiff(document));
  const { breaking, undecided } = document.counts;
  if (breaking + undecided === 0) return EXIT.done;
  const many = counted(breaking + undecided, "change");
  throw new WarrenError("schemas-breaking", `${many} may break who runs already`);
}
