/** Keeps what a handler does outside of its own promise from ending the thread of all. */
import { syncBuiltinESMExports } from "node:module";
import type { Log } from "../../../handler.ts";
import { WHEREABOUTS, type Whereabouts } from "../whereabouts.ts";
import { oneLine, readFailure } from "./cause.ts";
import type { Heap } from "./heap.ts";
import { runScope } from "./run-scope.ts";

/**
 * | what a handler does | its run | if that is over |
 * |---|---|---|
 * | calls `process.exit` | has crashed | is logged |
 * | throws in a timer or an event, rejects a promise that nobody awaits | fails with the error | is logged |
 */
export function guardThread(log: Log, heap: Heap): void {
  process.exit = (code) => {
    const error = new Error(`process.exit(${code ?? ""}) was called`);
    runScope.getStore()?.interrupt({ status: "crashed", error: oneLine(error.message) });
    throw error;
  };
  // For those who import it by name.
  syncBuiltinESMExports();
  const accept = (error: unknown) => {
    const run = runScope.getStore();
    if (run?.interrupt(readFailure(error))) return;
    const { queue, message } = run?.delivery ?? {};
    const facts = run ? { queue, messageId: message?.id } : {};
    log.error({ ...facts, error }, "error that no handler's run is there for");
  };
  Object.assign(globalThis, { [Symbol.for(WHEREABOUTS)]: () => whereabouts(heap) });
  process.on("uncaughtException", accept);
  process.on("unhandledRejection", accept);
}

function whereabouts(heap: Heap): string {
  const delivery = runScope.getStore()?.delivery.id ?? null;
  const answer: Whereabouts = {
    delivery,
    stack: new Error().stack ?? "",
    heapBytes: heap.collect(),
  };
  return JSON.stringify(answer);
}
