/** Why a handler module can't be loaded, and where, on the thread that tried to. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { messageOf, type Place } from "../../../errors.ts";
import { oneLine } from "./cause.ts";

export type LoadFailure = {
  /** One line. */
  readonly reason: string;
  /** In a module of the user's, if the error tells; its file is an absolute path. */
  readonly at: Place | null;
  /** The absolute path of a module that is not there. */
  readonly missing: string | null;
};

/** A module that was imported, and is no handler. */
export class NoHandler extends Error {}

/** What a module threw as it was imported. Never throws, whatever it is. */
export function describeFailure(error: unknown): LoadFailure {
  try {
    if (error instanceof NoHandler) return failure(error.message, null);
    if (error instanceof Error) return describeError(error);
  } catch {
    // It has getters that throw, or what they give is no text.
  }
  return failure(`threw ${messageOf(error)}`, null);
}

function describeError(error: Error): LoadFailure {
  const transform = /^(\/.+?):(\d+):(\d+): ERROR: (.*)$/m.exec(error.message);
  if (transform) {
    const [, path = "", line, column, text] = transform;
    return failure(`SyntaxError: ${text}`, place(path, Number(line), Number(column) + 1));
  }
  const [message = ""] = error.message.split("\n");
  const at = importPlace(error) ?? stackPlace(error.stack);
  return failure(`${error.name}: ${message}`, at, missingModule(error));
}

function failure(reason: string, at: Place | null, missing: string | null = null): LoadFailure {
  return { reason: oneLine(reason), at, missing };
}

const NOT_FOUND = /^Cannot find (?:module|package) '(.+?)' imported from (.+)$/;

function missingModule({ message }: Error): string | null {
  const [, path] = NOT_FOUND.exec(message) ?? [];
  return path?.startsWith("/") ? path : null;
}

/** Of an import that leads nowhere, or of a name that the other module does not export. */
function importPlace({ message, stack = "" }: Error): Place | null {
  const [, missing = "", importer] = NOT_FOUND.exec(message) ?? [];
  if (importer) {
    return isForeign(importer) ? null : placeOf(importer, missing.replace(/^.*\/|\.\w+$/g, ""));
  }
  const [, specifier] = /^The requested module '(.+?)' does not provide/.exec(message) ?? [];
  const [, file] = /^((?:file:\/\/)?\/.+):\d+$/m.exec(stack) ?? [];
  return specifier && file ? placeOf(file, specifier) : null;
}

/** Where V8 points at, or else the first call in a module that is not Node's or a package's. */
export function stackPlace(stack = ""): Place | null {
  const [, pointed, lineNumber, indent = ""] =
    /^((?:file:\/\/)?\/.+):(\d+)\n.*\n( *)\^/.exec(stack) ?? [];
  if (pointed) return place(pointed, Number(lineNumber), indent.length + 1);
  for (const frame of stack.split("\n")) {
    const [, file, line, column] =
      /^ +at (?:.*[ (])?((?:file:\/\/)?\/[^:]+):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    if (file && !isForeign(file)) return place(file, Number(line), Number(column));
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
  const path = toPath(file);
  const lines = readFileSync(path, "utf8").split("\n");
  const line = lines.findIndex((one) => one.includes(text));
  const column = lines[line]?.indexOf(text) ?? 0;
  return place(path, Math.max(line, 0) + 1, column + 1);
}

function place(file: string, line: number, column: number): Place {
  return { file: toPath(file), line, column };
}

function toPath(file: string): string {
  return file.startsWith("file:") ? fileURLToPath(file) : file;
}
