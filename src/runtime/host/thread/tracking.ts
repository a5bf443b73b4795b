/** Which modules of the user's a handler thread loads, and what each held at that moment. */
import { readFileSync } from "node:fs";
import { Module, register } from "node:module";
import { fileURLToPath } from "node:url";
import type { MessagePort } from "node:worker_threads";
import { digestOf } from "../../../digest.ts";

export type LoadedModule = { readonly path: string; readonly digest: string };

/** What Node 22.15 and later have, and what CommonJS goes through in those before. */
type Internals = {
  readonly registerHooks?: (hooks: { readonly load: typeof load }) => void;
  readonly prototype: { load(this: unknown, path: string): void };
};

/**
 * Says each module before it is run: what has been said is complete also where a module fails, or
 * never ends.
 *
 * @param port by which the modules of Node 20 are said, which loads them on one more thread.
 */
export function trackModules(say: (module: LoadedModule) => void, port: MessagePort): void {
  tell = say;
  const { registerHooks, prototype } = Module as unknown as Internals;
  if (registerHooks) {
    registerHooks({ load });
    return;
  }
  register(import.meta.url, { data: port, transferList: [port] });
  const original = prototype.load;
  prototype.load = function (path) {
    note(path);
    original.call(this, path);
  };
}

let tell: (module: LoadedModule) => void = () => undefined;

/** Called by Node on its loader's thread, with what `register` was given. */
export function initialize(port: MessagePort): void {
  tell = (module) => port.postMessage(module);
}

/** A hook of Node's module loader: https://nodejs.org/api/module.html#loadurl-context-nextload */
export function load<T>(
  url: string,
  context: object,
  nextLoad: (url: string, context: object) => T,
): T {
  if (url.startsWith("file:")) note(fileURLToPath(url));
  return nextLoad(url, context);
}

function note(path: string): void {
  if (path.includes("/node_modules/")) return;
  try {
    tell({ path, digest: digestOf(readFileSync(path)) });
  } catch {
    // What can't be read can't be loaded either: its import fails, and says so.
  }
}
