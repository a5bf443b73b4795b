import { realpathSync, type Stats, statSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { type Problem, quoted } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import { readSource } from "../source.ts";
import { asSchemaProblem, parseSchemaFile, type ReadFile, type SchemaFile } from "./file.ts";

/** A schema in a file. */
export type Target = { readonly file: SchemaFile; readonly pointer: string };

/** Where a `$ref` leads, or why it leads nowhere; `problems` are those of the file it leads to. */
export type Resolved =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly message: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Opened = ReadFile | { readonly ok: false; readonly message: string };

// A file that stands as it stood is not parsed again.
const parsed = new Map<string, { readonly text: string; readonly read: ReadFile }>();

/** A change of any other would go unnoticed. */
const watched = /^([^./][^/]*\/)*[^./][^/]*\.json$/;

/**
 * The folder schemas: files refer to each other by their paths in it, and to nothing outside. Each
 * of them is read once, so all that is loaded together has seen the same.
 */
export class SchemaFolder {
  readonly #path: string;
  readonly #opened = new Map<string, Opened>();
  readonly #entries = new Map<string, Opened>();

  /** @param path as the user would write it. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the schema of an event or of a reply, which may be a link that leads anywhere. */
  entry(name: string): ReadFile {
    const opened = this.#open(name, true);
    if (opened.ok || "problems" in opened) return opened;
    const at = { file: join(this.#path, name), line: 1, column: 1 };
    const message = `the file ${opened.message}`;
    return { ok: false, problems: [{ code: "bad-event-schema", message, at }] };
  }

  /** Whether a file is, to a byte, as it was when it was read. */
  isCurrent(file: SchemaFile): boolean {
    const opened = this.#open(file.name, false);
    return opened.ok && opened.file === file;
  }

  /** Follows a `$ref` that stands in a file. */
  resolve(from: SchemaFile, reference: string): Resolved {
    const [path = "", fragment = ""] = split(reference);
    const name = path === "" ? from.name : nameOf(from, path);
    if (name === null) return refuse(reference, "is no path in the folder schemas");
    if (!watched.test(name)) return refuse(reference, "names no .json file, or a hidden one");
    const opened = name === from.name ? { ok: true as const, file: from } : this.#open(name, false);
    if (!opened.ok) {
      return "problems" in opened
        ? opened
        : refuse(reference, `leads to a file that ${opened.message}`);
    }
    const { file } = opened;
    const pointer = decode(fragment);
    const isThere = pointer !== null && file.schemas.has(pointer);
    return isThere
      ? { ok: true, target: { file, pointer } }
      : refuse(reference, `names no schema in ${file.name}`);
  }

  #open(name: string, mayBeOutside: boolean): Opened {
    const memory = mayBeOutside ? this.#entries : this.#opened;
    const known = memory.get(name);
    if (known) return known;
    const opened = this.#read(name, mayBeOutside);
    memory.set(name, opened);
    return opened;
  }

  #read(name: string, mayBeOutside: boolean): Opened {
    const path = join(this.#path, name);
    let real: string;
    let stats: Stats;
    try {
      real = realpathSync(path);
      stats = statSync(real);
      if (!mayBeOutside && !real.startsWith(realpathSync(this.#path) + sep)) {
        return { ok: false, message: "is a link out of the folder schemas" };
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return { ok: false, message: code === "ENOENT" ? "is not there" : `can't be read: ${code}` };
    }
    if (!stats.isFile()) return { ok: false, message: "is no file" };
    if (stats.size > NUMBERS.maxSchemaBytes) {
      const message = `is ${stats.size} bytes, at most ${NUMBERS.maxSchemaBytes} are read`;
      return { ok: false, message };
    }
    return parseOnce(path, name);
  }
}

function parseOnce(path: string, name: string): ReadFile {
  const source = readSource(path);
  if (!source.ok) return { ok: false, problems: [asSchemaProblem(source.problem)] };
  const { text } = source;
  const known = parsed.get(path);
  if (known?.text === text) return known.read;
  const read = parseSchemaFile(path, name, text);
  parsed.set(path, { text, read });
  return read;
}

function split(reference: string): readonly string[] {
  const at = reference.indexOf("#");
  return at === -1 ? [reference] : [reference.slice(0, at), reference.slice(at + 1)];
}

/** @returns null for a url, an absolute path and one that leads out of the folder. */
function nameOf(from: SchemaFile, path: string): string | null {
  const decoded = decode(path);
  if (decoded === null || /^[a-z][a-z0-9+.-]*:|^[/\\]/i.test(path)) return null;
  const name = posix.join(posix.dirname(from.name), decoded);
  return name === ".." || name.startsWith("../") || name.startsWith("/") ? null : name;
}

function decode(text: string): string | null {
  try {
    return text.isWellFormed() ? decodeURIComponent(text) : null;
  } catch {
    return null;
  }
}

function refuse(reference: string, message: string): Resolved {
  return { ok: false, message: `$ref ${quoted(reference)} ${message}` };
}
