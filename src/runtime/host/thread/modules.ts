/** Imports the handler modules that a topology names, on the thread that runs them. */
import { pathToFileURL } from "node:url";
import { type HandlerModule, isHandlerModule } from "../../../handler.ts";
import type { Topology } from "../../../topology.ts";
import { NoHandler } from "./failure.ts";

export type LoadReport = {
  /** The module of this queue's handler is imported next. */
  readonly onLoading: (queue: string) => void;
  /** What is wrong with it. */
  readonly onProblem: (error: unknown) => void;
};

/** By queue. One after another, so that one that never ends to load is known by name. */
export async function loadHandlers(
  topology: Topology,
  { onLoading, onProblem }: LoadReport,
): Promise<Readonly<Record<string, HandlerModule>>> {
  const modules: Record<string, HandlerModule> = Object.create(null);
  for (const { name, handler } of Object.values(topology.queues)) {
    if (!handler) continue;
    onLoading(name);
    try {
      modules[name] = await importHandler(handler.file);
    } catch (error) {
      onProblem(error);
    }
  }
  return modules;
}

async function importHandler(file: string): Promise<HandlerModule> {
  const loaded: { default?: unknown } = await import(pathToFileURL(file).href);
  if (isHandlerModule(loaded.default)) return loaded.default;
  throw new NoHandler('has no default export made by defineHandler("…")');
}
