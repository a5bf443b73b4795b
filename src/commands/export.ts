import { exportDefinitions } from "../apply/transfer/export-definitions.ts";
import { exportMermaid } from "../apply/transfer/mermaid.ts";
import { EXIT } from "../errors.ts";
import { type Context, loadOrReport } from "./command.ts";

export type ExportForm = "definitions" | "mermaid";

/** Prints the topology in another form, without a broker. */
export async function exportTopology(context: Context, form: ExportForm): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const text =
    form === "definitions"
      ? JSON.stringify(exportDefinitions(topology), null, 2)
      : exportMermaid(topology).trimEnd();
  context.print(text);
  return EXIT.done;
}
