import { join } from "node:path";
import { type Difference, differences } from "../codegen/difference.ts";
import { generateTypes } from "../codegen/types.ts";
import { writeGenerated } from "../codegen/write.ts";
import { EXIT, WarrenError } from "../errors.ts";
import { type Context, loadOrReport } from "./command.ts";

/** Writes src/generated beside the topology; with `isCheck` only says whether it is current. */
export async function generate(
  context: Context,
  options: { readonly directory: string; readonly isCheck: boolean },
): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const files = await generateTypes(topology);
  if (options.isCheck) {
    const found = await differences(options.directory, files);
    for (const one of found) context.printError(said(options.directory, one));
    if (found.length > 0) {
      const paths = found.map(({ path }) => join(options.directory, path)).join(", ");
      throw new WarrenError("generated-stale", `not what topology and schemas say: ${paths}`);
    }
    context.print(`${options.directory} is current`);
    return EXIT.done;
  }
  const written = await writeGenerated(options.directory, files);
  for (const path of written) context.print(`wrote ${join(options.directory, path)}`);
  if (written.length === 0) context.print(`${options.directory} is current`);
  return EXIT.done;
}

function said(directory: string, { path, kind, line, found, wanted }: Difference): string {
  const file = join(directory, path);
  if (kind === "missing") return `${file} is missing`;
  if (kind === "unwanted") return `${file} is generated and not wanted any more`;
  const shown = (text: string | null) => (text === null ? "the end of the file" : text);
  return [`${file}:${line} differs`, `- ${shown(found)}`, `+ ${shown(wanted)}`].join("\n");
}
