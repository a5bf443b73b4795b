import { join } from "node:path";
import { generateTypes } from "../codegen/types.ts";
import { staleGenerated, writeGenerated } from "../codegen/write.ts";
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
    const stale = await staleGenerated(options.directory, files);
    if (stale.length > 0) {
      const paths = stale.map((path) => join(options.directory, path)).join(", ");
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
