import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Handler } from "../topology.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";

/** Endings of handler modules, in the order in which they are looked for. */
const ENDINGS: readonly string[] = [".ts", ".mts", ".js", ".mjs"];
const DEPTH = 8;

/**
 * Finds the module of a handler: a file under the directory, also after links are followed.
 *
 * @returns null after a finding.
 */
export function findHandler(
  name: string,
  directory: string,
  pointer: string,
  report: Report,
): Handler | null {
  const outside = `handler ${JSON.stringify(name)} is not a file under ${directory}`;
  // A colon makes it a url (data:, node:) or a drive.
  if (/[:\\]|^\/|^~/.test(name) || name.split("/").some((part) => part === ".." || part === ".")) {
    report.value("handler-outside", pointer, outside);
    return null;
  }
  for (const ending of ENDINGS) {
    const file = realFile(join(directory, `${name}${ending}`));
    if (file === null) continue;
    const root = realpathSync.native(directory) + sep;
    if (file.startsWith(root)) return { name, file };
    report.value("handler-outside", pointer, `${outside}, but a link out of it`);
    return null;
  }
  const bare = name.slice(0, name.length - (endingOf(name)?.length ?? 0));
  const hint = didYouMean(bare, handlerNames(directory));
  const message = `no module ${JSON.stringify(join(directory, name))}${hint}`;
  report.value("unknown-handler", pointer, message);
  return null;
}

/** The real path of a file; null if there is none. */
function realFile(path: string): string | null {
  try {
    return statSync(path).isFile() ? realpathSync.native(path) : null;
  } catch {
    // Absent, unreadable, or a name with a zero byte: in each case, no file to load.
    return null;
  }
}

/** The names under which the modules of a directory can be used; for suggestions only. */
function handlerNames(directory: string, folder = directory, depth = 0): readonly string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return depth < DEPTH ? handlerNames(directory, path, depth + 1) : [];
    const ending = endingOf(entry.name);
    if (ending === undefined) return [];
    return [relative(directory, path).slice(0, -ending.length).replaceAll(sep, "/")];
  });
}

function endingOf(file: string): string | undefined {
  return ENDINGS.find((ending) => file.endsWith(ending) && !file.endsWith(`.d${ending}`));
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
