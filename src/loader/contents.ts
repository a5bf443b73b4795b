/** What stands in files and folders, in a form that can be compared with later. */
import { type BigIntStats, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ABSENT, type Digests, digestOf } from "../digest.ts";

export type Reading = {
  /** Of what has no content, a word in place of its digest. */
  readonly digests: Digests;
  /** The folders, by real path, in which something happens when a digest changes. */
  readonly folders: ReadonlySet<string>;
};

/** Of a folder, what can be loaded; not what editors leave beside it. */
const COUNTS = /^[^.].*\.([cm]?[jt]s|json)$/;
const PASSED = /^\.|^node_modules$/;
const DEPTH = 8;
/** A file that was written so recently may be written again without another time, in milliseconds. */
const RACY_MS = 3_000;

export class Contents {
  /** By path: a file whose state is the same is not read again. */
  readonly #known = new Map<string, { readonly state: string; readonly digest: string }>();

  /** Reads files, the loadable files of folders, and what is not there; never throws. */
  read(paths: Iterable<string>): Reading {
    const digests = new Map<string, string>();
    const folders = new Set<string>();
    for (const path of paths) this.#add(path, { digests, folders }, DEPTH);
    for (const path of this.#known.keys()) if (!digests.has(path)) this.#known.delete(path);
    return { digests, folders };
  }

  #add(
    path: string,
    reading: { readonly digests: Map<string, string>; readonly folders: Set<string> },
    depth: number,
  ): void {
    const { digests, folders } = reading;
    if (digests.has(path)) return;
    const stats = statOf(path);
    for (const folder of foldersOf(path, stats)) folders.add(folder);
    if (!stats?.isDirectory()) {
      digests.set(path, this.#digest(path, stats));
      return;
    }
    for (const { name, isFolder } of entriesOf(path)) {
      const isWanted = isFolder ? depth > 0 && !PASSED.test(name) : COUNTS.test(name);
      if (isWanted) this.#add(join(path, name), reading, depth - 1);
    }
  }

  #digest(path: string, stats: BigIntStats | null): string {
    if (!stats) return ABSENT;
    if (!stats.isFile()) return "no file";
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stats;
    const state = [dev, ino, size, mtimeNs, ctimeNs].join();
    const known = this.#known.get(path);
    if (known?.state === state) return known.digest;
    const digest = read(path);
    if (Number(ctimeMs) < Date.now() - RACY_MS) this.#known.set(path, { state, digest });
    return digest;
  }
}

/** The paths whose digests differ. */
export function changedPaths(before: Digests, after: Digests): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => (before.get(path) ?? ABSENT) !== (after.get(path) ?? ABSENT));
}

function read(path: string): string {
  try {
    return digestOf(readFileSync(path));
  } catch (error) {
    return isGone(error) ? ABSENT : `unreadable: ${(error as NodeJS.ErrnoException).code}`;
  }
}

function statOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/**
 * The folder that names the path, where a link is replaced; the folder that it leads to, where the
 * file is written; and of what is absent the nearest folder that is there.
 */
function foldersOf(path: string, stats: BigIntStats | null): readonly string[] {
  const named = realFolder(dirname(path));
  const target = stats === null ? null : realPath(path);
  if (target === null) return [named];
  return [named, stats?.isDirectory() ? target : dirname(target)];
}

function realFolder(path: string): string {
  const parent = dirname(path);
  return realPath(path) ?? (parent === path ? path : realFolder(parent));
}

function realPath(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

function entriesOf(folder: string): readonly { name: string; isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      isFolder: entry.isSymbolicLink()
        ? (statOf(join(folder, entry.name))?.isDirectory() ?? false)
        : entry.isDirectory(),
    }));
  } catch {
    return [];
  }
}
