/** Loads the handler modules that a topology names. */
import { pathToFileURL } from "node:url";
import type { Problem } from "../../errors.ts";
import { type HandlerModule, isHandlerModule } from "../../handler.ts";
import type { Handler, Queue, Topology } from "../../topology.ts";

export type LoadedHandlers = {
  /** By queue. */
  readonly modules: Readonly<Record<string, HandlerModule>>;
  readonly problems: readonly Problem[];
};

/** Imports every handler; each that can't be used is a `bad-handler` at its queue's place. */
export async function loadHandlers(topology: Topology): Promise<LoadedHandlers> {
  const modules: Record<string, HandlerModule> = Object.create(null);
  const problems: Problem[] = [];
  for (const queue of Object.values(topology.queues)) {
    if (!queue.handler) continue;
    const loaded = await importHandler(queue.handler);
    if (typeof loaded === "string") problems.push(problemOf(queue, queue.handler, loaded));
    else modules[queue.name] = loaded;
  }
  return { modules, problems };
}

async function importHandler(handler: Handler): Promise<HandlerModule | string> {
  try {
    const loaded: { default?: unknown } = await import(pathToFileURL(handler.file).href);
    if (isHandlerModule(loaded.default)) return loaded.default;
    return 'has no default export made by defineHandler("…")';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

function problemOf(queue: Queue, handler: Handler, text: string): Problem {
  return { code: "bad-handler", message: `handler "${handler.name}": ${text}`, at: queue.at };
}
