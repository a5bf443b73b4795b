import { EXIT } from "../errors.ts";
import type { Topology } from "../topology.ts";
import { type Context, loadOrReport } from "./command.ts";
import { exclusiveLines } from "./exclusive.ts";

export type ExportForm = "definitions" | "mermaid" | "openapi" | "asyncapi";

/** Prints the topology in another form, without a broker. */
export async function exportTopology(context: Context, form: ExportForm): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  if (form === "definitions") {
    for (const line of exclusiveLines(topology)) context.printError(line);
  }
  context.print(await forms[form](topology));
  return EXIT.done;
}

const forms: Readonly<Record<ExportForm, (topology: Topology) => Promise<string>>> = {
  definitions: async (topology) => {
    const { exportDefinitions } = await import("../apply/transfer/export-definitions.ts");
    return indented(exportDefinitions(topology));
  },
  mermaid: async (topology) => {
    const { exportMermaid } = await import("../apply/transfer/mermaid.ts");
    return exportMermaid(topology).trimEnd();
  },
  openapi: async (topology) => {
    const { openApiDocument } = await import("../codegen/openapi/openapi.ts");
    return indented(openApiDocument(topology));
  },
  asyncapi: async (topology) => {
    const { asyncApiDocument } = await import("../codegen/asyncapi/asyncapi.ts");
    return indented(asyncApiDocument(topology));
  },
};

function indented(document: unknown): string {
  return JSON.stringify(document, null, 2);
}
