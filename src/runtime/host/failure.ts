/** Why a handler module can't be loaded, and where, on the thread that tried to. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Place } from "../../errors.ts";

export type LoadFailure = {
  /** One line. */
  readonly reason: string;
  /** In a module of the user's, if the error tells; its file is an absolute path. */
  readonly at: Place | null;
};

/** A module that was imported, and is no handler. */
export class NoHandler extends Error {}

/** @param loaded the modules that were loaded, the newest last. */
export function describeFailure(error: unknown, loaded: readonly string[]): LoadFailure {
  if (!(error instanceof Error)) return { reason: `threw ${String(error)}`, at: null };
  if (error instanceof NoHandler) return { reason: error.message, at: null };
  const transform = /^(\/.+?):(\d+):(\d+): ERROR: (.*)$/m.exec(error.message);
  if (transform) {
    const [, file = "", line, column, text] = transform;
    return { reason: `SyntaxError: ${text}`, at: place(file, Number(line), Number(column) + 1) };
  }
  const [message = ""] = error.message.split("\n");
  const reason = `${error.name}: ${message}`;
  return { reason, at: importPlace(error) ?? stackPlace(error) ?? syntaxPlace(error, loaded) };
}

/** Of an import that leads nowhere, or of a name that the other module does not export. */
function importPlace({ message, stack = "" }: Error): Place | null {
  const [, missing, importer] =
    /^Cannot find (?:module|package) '(.+?)' imported from (.+)$/.exec(message) ?? [];
  if (missing && importer) {
    const [name = ""] = missing.split("/").slice(-1);
    return placeOf(importer, name.replace(/\.\w+$/, ""));
  }
  const [, specifier] = /^The requested module '(.+?)' does not provide/.exec(message) ?? [];
  const [, file] = /^((?:file:\/\/)?\/.+):\d+$/m.exec(stack) ?? [];
  return specifier && file ? placeOf(file, specifier) : null;
}

/** The first call in a module that is neither Node's, nor a package's, nor warren's. */
function stackPlace({ stack = "" }: Error): Place | null {
  const decorated = /^((?:file:\/\/)?\/.+):(\d+)\n.*\n( *)\^/.exec(stack);
  if (decorated) {
    const [, file = "", line, indent = ""] = decorated;
    return place(file, Number(line), indent.length + 1);
  }
  for (const frame of stack.split("\n")) {
    const [, file, line, column] =
      /^ +at .*?((?:file:\/\/)?\/[^:]+):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    if (file && !isForeign(file)) return place(file, Number(line), Number(column));
  }
  return null;
}

/** V8 keeps the place of a syntax error in a compiled module to itself; a second Node prints it. */
function syntaxPlace(error: Error, loaded: readonly string[]): Place | null {
  if (!(error instanceof SyntaxError)) return null;
  for (const file of loaded.toReversed().slice(0, 10)) {
    try {
      execFileSync(process.execPath, ["--check", file], { stdio: ["ignore", "ignore", "pipe"] });
    } catch (failure) {
      const { stderr } = failure as { stderr?: Buffer };
      return stackPlace({ name: "", message: "", stack: String(stderr) });
    }
  }
  return null;
}

const own = fileURLToPath(new URL(".", import.meta.url));

function isForeign(file: string): boolean {
  const path = toPath(file);
  return path.includes("/node_modules/") || path.startsWith(own);
}

/** The first place in a file where a text stands; the file's beginning if it does not. */
function placeOf(file: string, text: string): Place {
  const lines = readLines(toPath(file));
  const index = lines.findIndex((line) => line.includes(text));
  return place(file, index + 1 || 1, index === -1 ? 1 : (lines[index]?.indexOf(text) ?? 0) + 1);
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

function place(file: string, line: number, column: number): Place {
  return { file: toPath(file), line, column };
}

function toPath(file: string): string {
  return file.startsWith("file:") ? fileURLToPath(file) : file;
}
